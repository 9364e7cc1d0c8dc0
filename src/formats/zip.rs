//! Zip archives, the container of `.keras` and `.npz` files, with stored or deflated members. Archives of more than 4 GB are
//! read, but not written.
//!
//! The central directory follows the members, and the end record holds its offset (PKWARE's APPNOTE.TXT, sections 4.3.7,
//! 4.3.12 and 4.3.16). Sizes are read from the central directory, not from the local headers.

use super::budget::Budget;
use crate::files::unexpected;
use flate2::{Crc, read::DeflateDecoder};
use std::borrow::Cow;
use std::collections::BTreeMap;
use std::io::Read;

const LOCAL_HEADER: &[u8] = b"PK\x03\x04";
const DIRECTORY: &[u8] = b"PK\x01\x02";
/// Estimated memory of an entry of the central directory, in bytes.
const ENTRY_COST: u64 = 100;

const END_RECORD: &[u8] = b"PK\x05\x06";
const END_RECORD_64: &[u8] = b"PK\x06\x06";
const END_LOCATOR_64: &[u8] = b"PK\x06\x07";

/// 1 January 1980 in the date encoding of the format. With a constant date, archives with the same contents are identical.
const DATE: u16 = 0x21;

/// An archive in memory, with its central directory.
#[derive(Debug)]
pub(crate) struct Archive<'a> {
    /// Bounds the sizes of inflated members.
    budget: &'a Budget,
    bytes: &'a [u8],
    members: BTreeMap<&'a str, Member>,
}

/// An entry of the central directory.
#[derive(Clone, Copy, Debug)]
struct Member {
    deflated: bool,
    crc: u32,
    packed: u64,
    length: u64,
    /// Offset of the local header.
    offset: usize,
}

impl<'a> Archive<'a> {
    /// Reads the central directory. The error is a description of the problem.
    pub(crate) fn read(bytes: &'a [u8], budget: &'a Budget) -> Result<Archive<'a>, String> {
        let end = end_record(bytes).ok_or_else(|| match bytes.starts_with(LOCAL_HEADER) {
            true => "it is truncated: its central directory is missing".into(),
            false => unexpected(bytes, "a zip archive"),
        })?;
        let (count, begin) = directory(bytes, end).ok_or("its central directory is damaged")?;
        let mut at = begin;
        let mut members = BTreeMap::new();
        for _ in 0..count {
            let damaged = "its central directory is damaged";
            budget.spend(ENTRY_COST)?;
            let (name, member, next) = entry(bytes, at).ok_or(damaged)?;
            if members.insert(name, member?).is_some() {
                return Err(format!("it has two members \"{name}\""));
            }
            at = next;
        }
        Ok(Archive { budget, bytes, members })
    }

    /// The names of the members, sorted.
    pub(crate) fn names(&self) -> impl Iterator<Item = &'a str> {
        self.members.keys().copied()
    }

    /// Returns the contents of a member, inflated and with a verified checksum.
    pub(crate) fn get(&self, name: &str) -> Result<Cow<'a, [u8]>, String> {
        let member = *self.members.get(name).ok_or_else(|| {
            let known: Vec<&str> = self.names().take(8).collect();
            format!("it has no member \"{name}\"; available: {}", known.join(", "))
        })?;
        let packed = self.packed(&member).ok_or_else(|| format!("its member \"{name}\" is truncated"))?;
        self.budget.spend(packed.len() as u64)?;
        let contents =
            if member.deflated { Cow::Owned(self.inflate(name, packed, &member)?) } else { Cow::Borrowed(packed) };
        let mut crc = Crc::new();
        crc.update(&contents);
        if contents.len() as u64 != member.length || crc.sum() != member.crc {
            return Err(format!("its member \"{name}\" is damaged: its checksum does not match; use another copy"));
        }
        Ok(contents)
    }

    /// The stored bytes of a member, which may be deflated.
    fn packed(&self, member: &Member) -> Option<&'a [u8]> {
        let header = self.bytes.get(member.offset..)?;
        let begin = 30 + usize::from(u16_at(header, 26)?) + usize::from(u16_at(header, 28)?);
        let end = begin.checked_add(usize::try_from(member.packed).ok()?)?;
        header.starts_with(LOCAL_HEADER).then(|| header.get(begin..end))?
    }

    fn inflate(&self, name: &str, packed: &[u8], member: &Member) -> Result<Vec<u8>, String> {
        self.budget.spend(member.length).map_err(|problem| format!("its member \"{name}\": {problem}"))?;
        let mut contents = Vec::new();
        // Deflate expands data at most 1032 times. A larger declared size is false and must not be allocated.
        let length = member.length.min(member.packed.saturating_mul(1032).saturating_add(1032));
        contents.reserve_exact(usize::try_from(length).unwrap_or(0).saturating_add(1));
        // Read one byte more than declared, to detect a wrong size.
        let read = DeflateDecoder::new(packed).take(member.length.saturating_add(1)).read_to_end(&mut contents);
        read.map_err(|error| format!("its member \"{name}\" is damaged: {error}"))?;
        Ok(contents)
    }
}

/// Finds the offset of the end record, which only a comment of the declared length may follow.
fn end_record(bytes: &[u8]) -> Option<usize> {
    let last = bytes.len().checked_sub(22)?;
    let first = last.saturating_sub(usize::from(u16::MAX));
    let fits = |at: &usize| {
        bytes[*at..].starts_with(END_RECORD) && u16_at(bytes, at + 20).map(usize::from) == Some(bytes.len() - at - 22)
    };
    (first..=last).rev().find(fits)
}

/// The number of entries of the central directory and its offset: from the end record, or from the zip64 end record if they
/// are too large for the former (sections 4.3.14 and 4.3.15).
fn directory(bytes: &[u8], end: usize) -> Option<(u64, usize)> {
    let (count, begin) = (u16_at(bytes, end + 10)?, u32_at(bytes, end + 16)?);
    if count != u16::MAX && begin != u32::MAX {
        return Some((count.into(), begin as usize));
    }
    let locator = end.checked_sub(20).filter(|at| bytes[*at..].starts_with(END_LOCATOR_64));
    let Some(locator) = locator else { return Some((count.into(), begin as usize)) };
    let record = usize::try_from(u64_at(bytes, locator + 8)?).ok()?;
    let record = bytes.get(record..)?.strip_prefix(END_RECORD_64)?;
    Some((u64_at(record, 28)?, usize::try_from(u64_at(record, 44)?).ok()?))
}

/// The sizes and the offset of an entry, from the zip64 extra field if they have the value for it (section 4.5.3).
fn sizes(short: [u32; 3], mut extra: &[u8]) -> Option<[u64; 3]> {
    let mut long: &[u8] = &[];
    while let (Some(kind), Some(length)) = (u16_at(extra, 0), u16_at(extra, 2)) {
        let (field, rest) = extra[4..].split_at_checked(length.into())?;
        if kind == 1 {
            long = field;
        }
        extra = rest;
    }
    let mut sizes = short.map(u64::from);
    for size in &mut sizes {
        if *size == u64::from(u32::MAX) {
            *size = u64_at(long, 0)?;
            long = &long[8..];
        }
    }
    Some(sizes)
}

/// Parses the directory entry at offset `at`: its name, the member, and the offset of the next entry.
fn entry(bytes: &[u8], at: usize) -> Option<(&str, Result<Member, String>, usize)> {
    let entry = bytes.get(at..)?.strip_prefix(DIRECTORY).and_then(|_| bytes.get(at..))?;
    let [name_length, extra, comment] = [28, 30, 32].map(|place| u16_at(entry, place).map(usize::from));
    let name = std::str::from_utf8(entry.get(46..46 + name_length?)?).ok()?;
    let (flags, method) = (u16_at(entry, 8)?, u16_at(entry, 10)?);
    let short = [u32_at(entry, 24)?, u32_at(entry, 20)?, u32_at(entry, 42)?];
    let begin = 46 + name_length?;
    let [length, packed, offset] = sizes(short, entry.get(begin..begin + extra?)?)?;
    let unsupported =
        |problem: &str| Err(format!("its member \"{name}\" {problem}; write it again stored or deflated"));
    let member = match method {
        _ if flags & 1 != 0 => unsupported("is encrypted"),
        0 | 8 => Ok(Member {
            deflated: method == 8,
            crc: u32_at(entry, 16)?,
            packed,
            length,
            offset: usize::try_from(offset).ok()?,
        }),
        _ => unsupported("has an unsupported compression method"),
    };
    Some((name, member, at + 46 + name_length? + extra? + comment?))
}

fn u16_at(bytes: &[u8], at: usize) -> Option<u16> {
    bytes.get(at..)?.first_chunk().map(|two| u16::from_le_bytes(*two))
}

fn u64_at(bytes: &[u8], at: usize) -> Option<u64> {
    bytes.get(at..)?.first_chunk().map(|eight| u64::from_le_bytes(*eight))
}

fn u32_at(bytes: &[u8], at: usize) -> Option<u32> {
    bytes.get(at..)?.first_chunk().map(|four| u32::from_le_bytes(*four))
}

/// Encodes an archive of stored members. The error names the limit of the format that they exceed.
pub(crate) fn write(members: &[(&str, &[u8])]) -> Result<Vec<u8>, String> {
    let small = |number: usize| u32::try_from(number).map_err(|_| "a zip archive holds at most 4 GB".to_owned());
    let short = |number: usize| {
        u16::try_from(number)
            .map_err(|_| "a zip archive holds at most 65535 members, with names of at most 65535 bytes".to_owned())
    };
    let (mut archive, mut directory) = (Vec::new(), Vec::new());
    for (name, contents) in members {
        let mut crc = Crc::new();
        crc.update(contents);
        let begin = small(archive.len())?;
        // The fields that the local header and the directory entry share, from the required version to the length of the
        // extra field. Flag 0x800: the name is UTF-8.
        let mut shared = Vec::new();
        shared.extend([20u16, 0x800, 0, 0, DATE].map(u16::to_le_bytes).concat());
        let length = small(contents.len())?;
        shared.extend([crc.sum(), length, length].map(u32::to_le_bytes).concat());
        shared.extend([short(name.len())?, 0].map(u16::to_le_bytes).concat());
        archive.extend([LOCAL_HEADER, &shared, name.as_bytes(), contents].concat());
        directory.extend(
            [DIRECTORY, &20u16.to_le_bytes(), &shared, &[0; 10], &begin.to_le_bytes(), name.as_bytes()].concat(),
        );
    }
    let (count, begin, length) = (short(members.len())?, small(archive.len())?, small(directory.len())?);
    archive.append(&mut directory);
    archive.extend([END_RECORD, &[0; 4], &count.to_le_bytes(), &count.to_le_bytes()].concat());
    archive.extend([length.to_le_bytes(), begin.to_le_bytes()].concat());
    archive.extend([0; 2]); // no comment
    Ok(archive)
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::formats::MemoryLimit;
    use flate2::{Compression, write::DeflateEncoder};
    use std::io::Write;

    /// Returns an archive of one deflated member.
    fn deflated(contents: &[u8]) -> Vec<u8> {
        let mut encoder = DeflateEncoder::new(Vec::new(), Compression::best());
        encoder.write_all(contents).unwrap();
        let packed = encoder.finish().unwrap();
        let mut bytes = write(&[("a", &packed)]).unwrap();
        let directory = bytes.len() - 22 - 47;
        let mut crc = Crc::new();
        crc.update(contents);
        bytes[directory + 10] = 8;
        bytes[directory + 16..directory + 20].copy_from_slice(&crc.sum().to_le_bytes());
        bytes[directory + 24..directory + 28].copy_from_slice(&(contents.len() as u32).to_le_bytes());
        bytes
    }

    /// Reads the member "a" with a limit of a million bytes.
    fn read(bytes: &[u8]) -> Result<Vec<u8>, String> {
        let budget = MemoryLimit::bytes(1_000_000).budget(bytes.len());
        let archive = Archive::read(bytes, &budget)?;
        archive.get("a").map(Cow::into_owned)
    }

    fn error_of(bytes: &[u8]) -> String {
        read(bytes).unwrap_err()
    }

    #[test]
    fn archives_round_trip() {
        let bytes = write(&[("b/c.txt", b"one"), ("a", b"")]).unwrap();
        let budget = MemoryLimit::default().budget(bytes.len());
        let archive = Archive::read(&bytes, &budget).unwrap();
        assert_eq!(archive.names().collect::<Vec<_>>(), ["a", "b/c.txt"]);
        assert_eq!((archive.get("a").unwrap(), archive.get("b/c.txt").unwrap()), (b"".into(), b"one".into()));
        assert_eq!(archive.get("c").unwrap_err(), "it has no member \"c\"; available: a, b/c.txt");
        assert_eq!(Archive::read(&write(&[]).unwrap(), &budget).unwrap().names().count(), 0);
        let contents: Vec<u8> = (0..9000u32).map(|n| (n * n % 251) as u8).collect();
        assert_eq!(read(&deflated(&contents)).unwrap(), contents);
    }

    #[test]
    fn malformed_archives_are_rejected() {
        let whole = write(&[("a", b"contents")]).unwrap();
        assert_eq!(error_of(&whole[..whole.len() - 1]), "it is truncated: its central directory is missing");
        assert_eq!(error_of(b""), "it is empty, expected a zip archive");
        assert!(error_of(&write(&[("a", b""), ("a", b"")]).unwrap()).starts_with("it has two members"));
        assert_eq!(read(&deflated(&[0; 990_000])).unwrap(), [0; 990_000], "repetition alone is no reason to reject");
        let bomb = error_of(&deflated(&[0; 1_000_001]));
        assert!(bomb.starts_with("its member \"a\": its contents need more memory than the limit"), "{bomb}");
        let changed = |at: usize, value: u8| {
            let mut bytes = whole.clone();
            bytes[at] = value;
            error_of(&bytes)
        };
        let directory = whole.len() - 22 - 47;
        assert!(changed(31, b'C').ends_with("its checksum does not match; use another copy"));
        assert!(changed(directory + 8, 1).contains("is encrypted"));
        assert!(changed(directory + 10, 12).contains("has an unsupported compression method"));
        assert!(changed(directory + 21, 1).ends_with("is truncated"));
        assert!(changed(directory + 45, 1).ends_with("is truncated"));
        assert_eq!(changed(directory, 0), "its central directory is damaged");
        for length in 0..whole.len() {
            error_of(&whole[..length]);
        }
    }
}
