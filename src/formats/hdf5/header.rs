//! Object headers: the messages that describe an object (section IV.A of the specification).

use super::bytes::{Bytes, Cursor, Result};
use super::checksum::lookup3;
use std::collections::BTreeSet;

/// A header message.
#[derive(Clone, Copy, Debug)]
pub(super) struct Message<'a> {
    pub(super) kind: u8,
    pub(super) body: Cursor<'a>,
}

/// Types of messages that are read or written (section IV.A.2).
pub(super) mod kind {
    pub(crate) const DATASPACE: u8 = 0x01;
    pub(crate) const LINK_INFO: u8 = 0x02;
    pub(crate) const DATATYPE: u8 = 0x03;
    pub(crate) const FILL_VALUE: u8 = 0x05;
    pub(crate) const LINK: u8 = 0x06;
    pub(crate) const EXTERNAL_FILES: u8 = 0x07;
    pub(crate) const LAYOUT: u8 = 0x08;
    pub(crate) const GROUP_INFO: u8 = 0x0a;
    pub(crate) const FILTERS: u8 = 0x0b;
    pub(crate) const ATTRIBUTE: u8 = 0x0c;
    pub(crate) const CONTINUATION: u8 = 0x10;
    pub(crate) const SYMBOL_TABLE: u8 = 0x11;
    pub(crate) const ATTRIBUTE_INFO: u8 = 0x15;
}

/// Reads the messages of the object at `address`.
pub(super) fn messages<'a>(bytes: &Bytes<'a>, address: u64) -> Result<Vec<Message<'a>>> {
    match bytes.slice(address, 4)?.0 {
        b"OHDR" => version_2(bytes, address),
        [1, ..] => version_1(bytes, address),
        _ => Err(format!("it is damaged: byte {address} is not the start of an object header")),
    }
}

/// Reads a header of version 1, with messages aligned to eight bytes and without a checksum.
fn version_1<'a>(bytes: &Bytes<'a>, address: u64) -> Result<Vec<Message<'a>>> {
    let mut prefix = bytes.slice(address, 16)?;
    prefix.take(8)?;
    let length = prefix.number(4)?;
    let (mut found, mut blocks) = (Vec::new(), vec![(address.saturating_add(16), length)]);
    let mut seen = BTreeSet::new();
    while let Some((at, length)) = blocks.pop() {
        check_new(&mut seen, at)?;
        let mut block = bytes.slice(at, length)?;
        while block.0.len() >= 8 {
            let (kind, length, flags) = (block.number(2)?, block.number(2)?, block.byte()?);
            block.take(3)?;
            let body = Cursor(block.take(length as usize)?);
            push(bytes, &mut found, &mut blocks, u8::try_from(kind).unwrap_or(u8::MAX), flags, body)?;
        }
    }
    Ok(found)
}

/// Reads a header of version 2, with packed messages and a checksum for each block.
fn version_2<'a>(bytes: &Bytes<'a>, address: u64) -> Result<Vec<Message<'a>>> {
    let mut prefix = bytes.slice(address, 6)?;
    prefix.take(5)?;
    let flags = prefix.byte()?;
    let width = 1 << (flags & 3);
    let begin = 6 + if flags & 0x20 != 0 { 16 } else { 0 } + if flags & 0x10 != 0 { 4 } else { 0 };
    let length = bytes.slice(address.saturating_add(begin), width)?.number(width as usize)?;
    let whole = (begin + width).saturating_add(length).saturating_add(4);
    let (mut found, mut blocks) = (Vec::new(), vec![(address, whole, (begin + width) as usize)]);
    let mut seen = BTreeSet::new();
    while let Some((at, length, skip)) = blocks.pop() {
        check_new(&mut seen, at)?;
        let mut block = Cursor(checked(bytes, at, length)?);
        block.take(skip)?;
        if skip == 4 && bytes.slice(at, 4)?.0 != b"OCHK" {
            return Err("it is damaged: the continuation block of a header is missing".into());
        }
        let order = if flags & 4 != 0 { 2 } else { 0 };
        // A gap shorter than a message prefix may remain.
        while block.0.len() >= 4 + order {
            let (kind, length, flags) = (block.byte()?, block.number(2)?, block.byte()?);
            block.take(order)?;
            let body = Cursor(block.take(length as usize)?);
            let mut more = Vec::new();
            push(bytes, &mut found, &mut more, kind, flags, body)?;
            blocks.extend(more.into_iter().map(|(at, length)| (at, length, 4)));
        }
    }
    Ok(found)
}

/// Checks that a block of a header is read for the first time.
fn check_new(seen: &mut BTreeSet<u64>, address: u64) -> Result<()> {
    match seen.insert(address) {
        true => Ok(()),
        false => Err(format!("it is damaged: the header block at byte {address} is part of a cycle")),
    }
}

/// Verifies the checksum at the end of a block and returns the rest.
fn checked<'a>(bytes: &Bytes<'a>, address: u64, length: u64) -> Result<&'a [u8]> {
    let block = bytes.slice(address, length)?.0;
    match block.split_last_chunk() {
        Some((block, sum)) if u32::from_le_bytes(*sum) == lookup3(block) => Ok(block),
        _ => Err(format!("it is damaged: the checksum at byte {address} does not match; use another copy")),
    }
}

/// Adds a message, or the block to which a continuation message refers.
fn push<'a>(
    bytes: &Bytes<'a>,
    found: &mut Vec<Message<'a>>,
    blocks: &mut Vec<(u64, u64)>,
    kind: u8,
    flags: u8,
    mut body: Cursor<'a>,
) -> Result<()> {
    match kind {
        kind::CONTINUATION => blocks.push((body.number(8)?, body.number(8)?)),
        kind::DATASPACE | kind::DATATYPE | kind::LAYOUT | kind::FILTERS | kind::ATTRIBUTE if flags & 2 != 0 => {
            return Err("it has shared header messages, which are not supported; copy it with h5repack".into());
        }
        _ => {
            bytes.spend(size_of::<Message<'_>>() as u64)?;
            found.push(Message { kind, body });
        }
    }
    Ok(())
}
