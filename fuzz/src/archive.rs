//! Corrects checksums, so that readers do not stop at them.

use flate2::{Crc, read::DeflateDecoder};
use gradus::save::SafeTensors;
use sha2::{Digest, Sha256};
use std::io::Read;

/// Maximum length of an inflated member whose checksum is corrected.
const MAX_LENGTH: u64 = 1 << 20;

/// An archive of stored members.
pub fn zip(members: &[(&str, &[u8])]) -> Vec<u8> {
    let (mut archive, mut directory) = (Vec::new(), Vec::new());
    for (name, contents) in members {
        let begin = archive.len() as u32;
        let length = (contents.len() as u32).to_le_bytes();
        let mut crc = Crc::new();
        crc.update(contents);
        let name_length = (name.len() as u16).to_le_bytes();
        let shared =
            [&[20, 0, 0, 8, 0, 0, 0, 0, 33, 0], &crc.sum().to_le_bytes()[..], &length, &length, &name_length, &[0; 2]]
                .concat();
        archive.extend([b"PK\x03\x04", &shared[..], name.as_bytes(), contents].concat());
        directory.extend([b"PK\x01\x02\x14\0", &shared[..], &[0; 10], &begin.to_le_bytes(), name.as_bytes()].concat());
    }
    let numbers = [directory.len() as u32, archive.len() as u32].map(u32::to_le_bytes).concat();
    let count = (members.len() as u16).to_le_bytes();
    [&archive[..], &directory, b"PK\x05\x06\0\0\0\0", &count, &count, &numbers, &[0; 2]].concat()
}

fn number(bytes: &[u8], at: usize, width: usize) -> usize {
    let piece = bytes.get(at..at.saturating_add(width));
    piece.map_or(0, |piece| piece.iter().rev().fold(0, |number, byte| number << 8 | usize::from(*byte)))
}

/// The entries of the central directory.
fn entries(bytes: &[u8]) -> Vec<usize> {
    bytes.windows(4).enumerate().filter(|(_, four)| four == b"PK\x01\x02").map(|(at, _)| at).collect()
}

/// The contents of the member with this entry, up to a maximum length.
fn contents(bytes: &[u8], at: usize) -> Option<Vec<u8>> {
    let (method, packed, begin) = (number(bytes, at + 10, 2), number(bytes, at + 20, 4), number(bytes, at + 42, 4));
    let begin = begin + 30 + number(bytes, begin + 26, 2) + number(bytes, begin + 28, 2);
    let packed = bytes.get(begin..begin + packed)?;
    if method != 8 {
        return Some(packed.to_vec());
    }
    let mut contents = Vec::new();
    DeflateDecoder::new(packed).take(MAX_LENGTH).read_to_end(&mut contents).ok()?;
    Some(contents)
}

/// The names and contents of the members of an archive.
pub fn members(bytes: &[u8]) -> Vec<(String, Vec<u8>)> {
    let member = |at: usize| {
        let name = bytes.get(at + 46..at + 46 + number(bytes, at + 28, 2))?;
        Some((String::from_utf8_lossy(name).into_owned(), contents(bytes, at)?))
    };
    entries(bytes).into_iter().filter_map(member).collect()
}

/// Writes the length and the checksum of each member to its entry of the central directory.
pub fn correct_zip(bytes: &mut [u8]) {
    for at in entries(bytes) {
        let Some(contents) = contents(bytes, at) else { continue };
        let mut crc = Crc::new();
        crc.update(&contents);
        let length = (contents.len() as u32).to_le_bytes();
        for (place, value) in [(at + 16, crc.sum().to_le_bytes()), (at + 24, length)] {
            if let Some(four) = bytes.get_mut(place..place + 4) {
                four.copy_from_slice(&value);
            }
        }
    }
}

/// Writes the checksum of a model file of gradus to its metadata.
pub fn correct_safetensors(contents: &mut SafeTensors) {
    const OWN: &str = "gradus.sha256";
    let mut hasher = Sha256::new();
    let text = |hasher: &mut Sha256, text: &str| {
        hasher.update((text.len() as u64).to_le_bytes());
        hasher.update(text);
    };
    for (key, value) in contents.metadata.iter().filter(|(key, _)| *key != OWN) {
        text(&mut hasher, key);
        text(&mut hasher, value);
    }
    for array in &contents.arrays {
        text(&mut hasher, &array.name);
        text(&mut hasher, &array.shape.to_string());
        array.values.iter().for_each(|value| hasher.update(value.to_le_bytes()));
    }
    let digest = hasher.finalize().iter().map(|byte| format!("{byte:02x}")).collect();
    contents.metadata.insert(OWN.into(), digest);
}
