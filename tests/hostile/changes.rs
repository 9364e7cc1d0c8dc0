//! Random changes of files: bits, lengths, digits, pieces. Checksums can be corrected afterwards.

use flate2::Crc;
use gradus::Draws;

/// Applies a random change to a file. `correct_checksums` recomputes the checksums of an archive, so that the reader does
/// not stop at them.
pub(crate) fn changed(seed: &[u8], draws: &mut Draws, correct_checksums: bool) -> Vec<u8> {
    let mut bytes = seed.to_vec();
    let length = bytes.len();
    let mut below = |end: usize| draws.below(end as u32) as usize;
    match below(8) {
        0 => bytes.truncate(below(length)),
        1 => (0..1 + below(8)).for_each(|_| bytes[below(length)] ^= 1 << below(8)),
        2 => (0..1 + below(4)).for_each(|_| bytes[below(length)] = [0, 1, 0x7f, 0xff][below(4)]),
        // Numbers in HDF5 are aligned to eight bytes: replace addresses, lengths and counts.
        3 => (0..1 + below(3)).for_each(|_| {
            let values = [0, 1, 96, length as u64, 1 << 31, 1 << 40, u64::MAX, u64::MAX / 2, below(length) as u64];
            let at = below(length / 8 - 1) * 8;
            bytes[at..at + 8].copy_from_slice(&values[below(9)].to_le_bytes());
        }),
        // Replace a number of protocol buffers, or of eight bytes, by a huge one.
        4 => {
            let huge: [&[u8]; 4] = [
                &[0xff, 0xff, 0xff, 0xff, 0x0f],
                &[0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0x01],
                &[0x80, 0x80, 0x80, 0x80, 0x80, 0x80, 0x80, 0x40],
                &[0xff; 8],
            ];
            let (at, number) = (below(length), huge[below(4)]);
            let end = (at + below(3)).min(length);
            bytes.splice(at..end, number.iter().copied());
        }
        5 => {
            let count = 1 + below(length.min(256));
            let (from, to) = (below(length - count + 1), below(length - count + 1));
            bytes.copy_within(from..from + count, to);
        }
        // Replace digits of a configuration.
        6 => {
            let digits: Vec<usize> = (0..length).filter(|at| bytes[*at].is_ascii_digit()).collect();
            if !digits.is_empty() {
                (0..1 + below(3)).for_each(|_| bytes[digits[below(digits.len())]] = b"0123456789-e\"[{("[below(16)]);
            }
        }
        // Duplicate a piece.
        _ => {
            let count = 1 + below(length.min(64));
            let from = below(length - count + 1);
            let piece = bytes[from..from + count].to_vec();
            let at = below(length);
            bytes.splice(at..at, piece);
        }
    }
    if correct_checksums {
        recompute_checksums(&mut bytes);
    }
    bytes
}

/// Recomputes every checksum of an archive of stored members.
fn recompute_checksums(bytes: &mut [u8]) {
    let number = |bytes: &[u8], at: usize, width: usize| {
        bytes
            .get(at..at + width)
            .map_or(0, |piece| piece.iter().rev().fold(0, |number, byte| number << 8 | usize::from(*byte)))
    };
    let entries: Vec<usize> =
        bytes.windows(4).enumerate().filter(|(_, four)| four == b"PK\x01\x02").map(|(at, _)| at).collect();
    for at in entries {
        let (length, begin) = (number(bytes, at + 24, 4), number(bytes, at + 42, 4));
        let begin = begin + 30 + number(bytes, begin + 26, 2) + number(bytes, begin + 28, 2);
        let Some(contents) = bytes.get(begin..begin + length) else { continue };
        let mut crc = Crc::new();
        crc.update(contents);
        if let Some(place) = bytes.get_mut(at + 16..at + 20) {
            place.copy_from_slice(&crc.sum().to_le_bytes());
        }
    }
}
