//! Zip archives, as `.keras` and `.npz` files are: members by name, stored or deflated.
//!
//! After the members comes a directory of them, and at the very end a record that says where the directory stands
//! (PKWARE's APPNOTE.TXT, sections 4.3.7, 4.3.12 and 4.3.16). Sizes are taken from the directory alone.

use flate2::{Crc, read::DeflateDecoder};
use std::borrow::Cow;
use std::collections::BTreeMap;
use std::io::Read;

/// How many times longer a member may become when it is inflated. Weights shrink by a tenth; bombs by a thousand.
const EXPANSION: u64 = 100;

const MEMBER: &[u8] = b"PK\x03\x04";
const DIRECTORY: &[u8] = b"PK\x01\x02";
const END: &[u8] = b"PK\x05\x06";

/// The first of January 1980, as the format writes dates: equal contents are equal files.
const DATE: u16 = 0x21;

/// The directory of an archive in memory.
#[derive(Debug)]
pub(crate) struct Archive<'a> {
    bytes: &'a [u8],
    members: BTreeMap<&'a str, Member>,
}

/// What the directory says of a member.
#[derive(Clone, Copy, Debug)]
struct Member {
    deflated: bool,
    crc: u32,
    packed: u64,
    length: u64,
    /// Where its own header stands.
    begin: usize,
}

impl<'a> Archive<'a> {
    /// Reads the directory. The error says what is wrong with it.
    pub(crate) fn read(bytes: &'a [u8]) -> Result<Archive<'a>, String> {
        let end = end_record(bytes).ok_or("it is not a zip archive, or was cut short: its directory is missing")?;
        let count = u16_at(bytes, end + 10).unwrap_or(0);
        let mut at = u32_at(bytes, end + 16).unwrap_or(0) as usize;
        let mut members = BTreeMap::new();
        for _ in 0..count {
            let damaged = "its directory of members is damaged";
            let (name, member, next) = entry(bytes, at).ok_or(damaged)?;
            if members.insert(name, member?).is_some() {
                return Err(format!("it has two members \"{name}\""));
            }
            at = next;
        }
        Ok(Archive { bytes, members })
    }

    /// The names of the members, sorted.
    pub(crate) fn names(&self) -> impl Iterator<Item = &'a str> {
        self.members.keys().copied()
    }

    /// A member's bytes, inflated and checked.
    pub(crate) fn get(&self, name: &str) -> Result<Cow<'a, [u8]>, String> {
        let member = *self.members.get(name).ok_or_else(|| {
            let known: Vec<&str> = self.names().take(8).collect();
            format!("it has no member \"{name}\"; it has {}", known.join(", "))
        })?;
        let packed = self.packed(&member).ok_or_else(|| format!("its member \"{name}\" was cut short"))?;
        let contents =
            if member.deflated { Cow::Owned(inflate(name, packed, &member)?) } else { Cow::Borrowed(packed) };
        let mut crc = Crc::new();
        crc.update(&contents);
        if contents.len() as u64 != member.length || crc.sum() != member.crc {
            return Err(format!("its member \"{name}\" is damaged: its checksum does not match; use another copy"));
        }
        Ok(contents)
    }

    /// The bytes of a member as they stand in the archive.
    fn packed(&self, member: &Member) -> Option<&'a [u8]> {
        let header = self.bytes.get(member.begin..)?;
        let begin = 30 + usize::from(u16_at(header, 26)?) + usize::from(u16_at(header, 28)?);
        let end = begin.checked_add(usize::try_from(member.packed).ok()?)?;
        header.starts_with(MEMBER).then(|| header.get(begin..end))?
    }
}

/// Where the record at the end begins: behind it is nothing but a comment of the length that it says.
fn end_record(bytes: &[u8]) -> Option<usize> {
    let last = bytes.len().checked_sub(22)?;
    let first = last.saturating_sub(usize::from(u16::MAX));
    let fits = |at: &usize| {
        bytes[*at..].starts_with(END) && u16_at(bytes, at + 20).map(usize::from) == Some(bytes.len() - at - 22)
    };
    (first..=last).rev().find(fits)
}

/// The entry of the directory at `at`, and where the next one begins.
fn entry(bytes: &[u8], at: usize) -> Option<(&str, Result<Member, String>, usize)> {
    let entry = bytes.get(at..)?.strip_prefix(DIRECTORY).and_then(|_| bytes.get(at..))?;
    let [name_length, extra, comment] = [28, 30, 32].map(|place| u16_at(entry, place).map(usize::from));
    let name = std::str::from_utf8(entry.get(46..46 + name_length?)?).ok()?;
    let (flags, method) = (u16_at(entry, 8)?, u16_at(entry, 10)?);
    let (packed, length, begin) = (u32_at(entry, 20)?, u32_at(entry, 24)?, u32_at(entry, 42)?);
    let refuse = |problem: &str| Err(format!("its member \"{name}\" {problem}; write it again stored or deflated"));
    let member = match method {
        _ if flags & 1 != 0 => refuse("is encrypted"),
        _ if [packed, length, begin].contains(&u32::MAX) => refuse("is larger than 4 GB"),
        0 | 8 => Ok(Member {
            deflated: method == 8,
            crc: u32_at(entry, 16)?,
            packed: packed.into(),
            length: length.into(),
            begin: begin as usize,
        }),
        _ => refuse("is compressed in a way that is not known here"),
    };
    Some((name, member, at + 46 + name_length? + extra? + comment?))
}

fn inflate(name: &str, packed: &[u8], member: &Member) -> Result<Vec<u8>, String> {
    if member.length > member.packed.saturating_mul(EXPANSION) {
        let (from, to) = (member.packed, member.length);
        return Err(format!("its member \"{name}\" would grow from {from} to {to} bytes, more than {EXPANSION} times"));
    }
    let mut contents = Vec::new();
    // One byte more than announced shows that the announcement was wrong.
    let read = DeflateDecoder::new(packed).take(member.length + 1).read_to_end(&mut contents);
    read.map_err(|error| format!("its member \"{name}\" is damaged: {error}"))?;
    Ok(contents)
}

fn u16_at(bytes: &[u8], at: usize) -> Option<u16> {
    bytes.get(at..)?.first_chunk().map(|two| u16::from_le_bytes(*two))
}

fn u32_at(bytes: &[u8], at: usize) -> Option<u32> {
    bytes.get(at..)?.first_chunk().map(|four| u32::from_le_bytes(*four))
}

/// An archive with these members, stored. The error says which limit of the format they break.
pub(crate) fn write(members: &[(&str, &[u8])]) -> Result<Vec<u8>, String> {
    let small = |number: usize| u32::try_from(number).map_err(|_| "a zip archive holds at most 4 GB".to_owned());
    let short = |number: usize| u16::try_from(number).map_err(|_| "names and members are at most 65535".to_owned());
    let (mut archive, mut directory) = (Vec::new(), Vec::new());
    for (name, contents) in members {
        let mut crc = Crc::new();
        crc.update(contents);
        let begin = small(archive.len())?;
        // From the version that is needed to the length of the extra field, the header and the directory agree. Flag
        // 0x800: the name is UTF-8.
        let mut shared = Vec::new();
        shared.extend([20u16, 0x800, 0, 0, DATE].map(u16::to_le_bytes).concat());
        let length = small(contents.len())?;
        shared.extend([crc.sum(), length, length].map(u32::to_le_bytes).concat());
        shared.extend([short(name.len())?, 0].map(u16::to_le_bytes).concat());
        archive.extend([MEMBER, &shared, name.as_bytes(), contents].concat());
        directory.extend(
            [DIRECTORY, &20u16.to_le_bytes(), &shared, &[0; 10], &begin.to_le_bytes(), name.as_bytes()].concat(),
        );
    }
    let (count, begin, length) = (short(members.len())?, small(archive.len())?, small(directory.len())?);
    archive.append(&mut directory);
    archive.extend([END, &[0; 4], &count.to_le_bytes(), &count.to_le_bytes()].concat());
    archive.extend([length.to_le_bytes(), begin.to_le_bytes()].concat());
    archive.extend([0; 2]); // no comment
    Ok(archive)
}

#[cfg(test)]
mod tests {
    use super::*;
    use flate2::{Compression, write::DeflateEncoder};
    use std::io::Write;

    /// An archive of one deflated member, made from a stored one.
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

    fn told(bytes: &[u8]) -> String {
        Archive::read(bytes).and_then(|archive| archive.get("a").map(|_| ())).unwrap_err()
    }

    #[test]
    fn what_is_written_is_read() {
        let bytes = write(&[("b/c.txt", b"one"), ("a", b"")]).unwrap();
        let archive = Archive::read(&bytes).unwrap();
        assert_eq!(archive.names().collect::<Vec<_>>(), ["a", "b/c.txt"]);
        assert_eq!((archive.get("a").unwrap(), archive.get("b/c.txt").unwrap()), (b"".into(), b"one".into()));
        assert_eq!(archive.get("c").unwrap_err(), "it has no member \"c\"; it has a, b/c.txt");
        assert_eq!(Archive::read(&write(&[]).unwrap()).unwrap().names().count(), 0);
        let contents: Vec<u8> = (0..9000u32).map(|n| (n * n % 251) as u8).collect();
        assert_eq!(*Archive::read(&deflated(&contents)).unwrap().get("a").unwrap(), contents);
    }

    #[test]
    fn every_lie_is_told() {
        let whole = write(&[("a", b"contents")]).unwrap();
        assert!(told(&whole[..whole.len() - 1]).starts_with("it is not a zip archive"));
        assert!(told(&write(&[("a", b""), ("a", b"")]).unwrap()).starts_with("it has two members"));
        let bomb = told(&deflated(&[0; 1_000_000]));
        assert!(bomb.ends_with("to 1000000 bytes, more than 100 times"), "{bomb}");
        let changed = |at: usize, value: u8| {
            let mut bytes = whole.clone();
            bytes[at] = value;
            told(&bytes)
        };
        let directory = whole.len() - 22 - 47;
        assert!(changed(31, b'C').ends_with("its checksum does not match; use another copy"));
        assert!(changed(directory + 8, 1).contains("is encrypted"));
        assert!(changed(directory + 10, 12).contains("is compressed in a way"));
        assert!(changed(directory + 21, 1).ends_with("was cut short"));
        assert!(changed(directory + 45, 1).ends_with("was cut short"));
        assert_eq!(changed(directory, 0), "its directory of members is damaged");
        for length in 0..whole.len() {
            told(&whole[..length]);
        }
    }
}
