//! Filters that chunks of arrays passed when they were written: deflate, shuffle and Fletcher-32 (section IV.A.2.l).

use super::bytes::{Cursor, Result};
use flate2::read::ZlibDecoder;
use std::io::Read;

/// A filter of a chunk.
#[derive(Clone, Copy, Debug, PartialEq)]
enum Filter {
    Deflate,
    /// Groups the bytes of all elements by their place in the element, which has this number of bytes.
    Shuffle(usize),
    /// A checksum after the bytes.
    Fletcher32,
    /// A filter that is not supported, with its number.
    Other(u64),
}

/// The filters of an array in the order of writing.
#[derive(Debug, Default, PartialEq)]
pub(super) struct Filters(Vec<Filter>);

impl Filters {
    /// Parses a filter pipeline message.
    pub(super) fn read(mut body: Cursor<'_>) -> Result<Filters> {
        let (version, count) = (body.byte()?, body.byte()?);
        body.take(if version == 1 { 6 } else { 0 })?;
        let mut filters = Vec::new();
        for _ in 0..count {
            let number = body.number(2)?;
            let name = if version == 1 || number >= 256 { body.number(2)? } else { 0 };
            let _flags = body.number(2)?;
            let values = body.number(2)?;
            body.take(if version == 1 { name.next_multiple_of(8) } else { name } as usize)?;
            let mut parameters = Cursor(body.take(4 * values as usize)?);
            body.take(if version == 1 && values % 2 == 1 { 4 } else { 0 })?;
            filters.push(match number {
                1 => Filter::Deflate,
                2 => Filter::Shuffle(parameters.number(4)? as usize),
                3 => Filter::Fletcher32,
                other => Filter::Other(other),
            });
        }
        Ok(Filters(filters))
    }

    /// The reason why chunks cannot be read, if a filter is not supported.
    pub(super) fn problem(&self) -> Option<String> {
        let other = self.0.iter().find_map(|filter| match filter {
            Filter::Other(4) => Some("szip".to_owned()),
            Filter::Other(5) => Some("n-bit".to_owned()),
            Filter::Other(6) => Some("scale-offset".to_owned()),
            Filter::Other(32000) => Some("LZF".to_owned()),
            Filter::Other(number) => Some(format!("filter {number}")),
            _ => None,
        });
        other.map(|other| {
            format!("it is compressed with {other}, which is not supported; copy it with h5repack -f GZIP=1")
        })
    }

    /// Reverses the filters of a chunk, whose elements take `length` bytes. Bit i of `skipped` is 1 if filter i was not applied.
    pub(super) fn decode(&self, stored: &[u8], skipped: u64, length: usize) -> Result<Vec<u8>> {
        let mut bytes = stored.to_vec();
        for (number, filter) in self.0.iter().enumerate().rev() {
            if skipped >> number.min(63) & 1 == 0 {
                bytes = filter.reverse(bytes, length)?;
            }
        }
        match bytes.len() == length {
            true => Ok(bytes),
            false => Err(format!("it is damaged: a chunk has {} bytes, expected {length}", bytes.len())),
        }
    }
}

impl Filter {
    fn reverse(self, mut bytes: Vec<u8>, length: usize) -> Result<Vec<u8>> {
        match self {
            Filter::Deflate => {
                let mut found = Vec::new();
                // A checksum may follow the elements.
                let most = length as u64 + 4;
                let read = ZlibDecoder::new(&bytes[..]).take(most + 1).read_to_end(&mut found);
                match read {
                    Ok(_) if found.len() as u64 <= most => Ok(found),
                    Ok(_) => Err(format!("it is damaged: a chunk has more than {length} bytes")),
                    Err(_) => Err("it is damaged: a compressed chunk cannot be unpacked".into()),
                }
            }
            Filter::Shuffle(width) if width > 1 => {
                let (count, mut found) = (bytes.len() / width, bytes.clone());
                for (place, from) in bytes[..count * width].chunks_exact(count.max(1)).enumerate() {
                    for (element, byte) in from.iter().enumerate() {
                        found[element * width + place] = *byte;
                    }
                }
                Ok(found)
            }
            Filter::Fletcher32 => match bytes.split_last_chunk() {
                Some((content, sum)) if u32::from_le_bytes(*sum) == fletcher32(content) => {
                    bytes.truncate(bytes.len() - 4);
                    Ok(bytes)
                }
                _ => Err("it is damaged: the checksum of a chunk does not match; use another copy".into()),
            },
            Filter::Shuffle(_) => Ok(bytes),
            Filter::Other(number) => Err(format!("filter {number} is not supported")),
        }
    }
}

/// The checksum of Fletcher with 32 bits over big-endian words, of which the last one may be a single byte.
fn fletcher32(bytes: &[u8]) -> u32 {
    let (mut low, mut high) = (0u32, 0u32);
    // The sums of 360 words do not overflow.
    for block in bytes.chunks(720) {
        for word in block.chunks(2) {
            low += u32::from(word[0]) << 8 | word.get(1).map_or(0, |byte| u32::from(*byte));
            high += low;
        }
        low = (low & 0xffff) + (low >> 16);
        high = (high & 0xffff) + (high >> 16);
    }
    let fold = |sum: u32| (sum & 0xffff) + (sum >> 16);
    fold(high) << 16 | fold(low)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn checksums_are_those_of_hdf5() {
        // Words 0x0102 and 0x0300: sums 0x0402 and 0x0504.
        assert_eq!(fletcher32(&[1, 2, 3]), 0x0504_0402);
        assert_eq!(fletcher32(&[]), 0);
    }

    #[test]
    fn filters_are_reversed_in_order() {
        let filters = Filters(vec![Filter::Shuffle(2), Filter::Fletcher32]);
        let stored = [&[1, 3, 2, 4][..], &fletcher32(&[1, 3, 2, 4]).to_le_bytes()].concat();
        assert_eq!(filters.decode(&stored, 0, 4).unwrap(), [1, 2, 3, 4]);
        assert_eq!(filters.decode(&[1, 3, 2, 4], 2, 4).unwrap(), [1, 2, 3, 4], "without the checksum");
        assert!(filters.decode(&[1, 3, 2, 4, 0, 0, 0, 1], 0, 4).unwrap_err().contains("checksum"));
        assert!(filters.decode(&[1, 2], 3, 4).unwrap_err().contains("has 2 bytes, expected 4"));
        let problem = Filters(vec![Filter::Other(32000)]).problem().unwrap();
        assert!(problem.contains("compressed with LZF"), "{problem}");
    }
}
