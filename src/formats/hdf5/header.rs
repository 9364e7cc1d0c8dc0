//! Object headers: the messages that say what an object is (IV.A).

use super::bytes::{Bytes, Piece, Result};
use super::checksum::lookup3;

/// A message: its kind, and what it says.
#[derive(Clone, Copy, Debug)]
pub(super) struct Message<'a> {
    pub(super) kind: u8,
    pub(super) body: Piece<'a>,
}

/// The kinds of messages that matter here.
pub(super) mod kind {
    pub(crate) const DATASPACE: u8 = 0x01;
    pub(crate) const LINK_INFO: u8 = 0x02;
    pub(crate) const DATATYPE: u8 = 0x03;
    pub(crate) const FILL_VALUE: u8 = 0x05;
    pub(crate) const LINK: u8 = 0x06;
    pub(crate) const EXTERNAL_FILES: u8 = 0x07;
    pub(crate) const LAYOUT: u8 = 0x08;
    pub(crate) const GROUP_INFO: u8 = 0x0a;
    pub(crate) const ATTRIBUTE: u8 = 0x0c;
    pub(crate) const CONTINUATION: u8 = 0x10;
    pub(crate) const SYMBOL_TABLE: u8 = 0x11;
    pub(crate) const ATTRIBUTE_INFO: u8 = 0x15;
}

/// The messages of the object at `address`.
pub(super) fn messages<'a>(bytes: &Bytes<'a>, address: u64) -> Result<Vec<Message<'a>>> {
    match bytes.at(address, 4)?.0 {
        b"OHDR" => second(bytes, address),
        [1, ..] => first(bytes, address),
        _ => Err(format!("it is damaged: there is no object at byte {address}")),
    }
}

/// Headers of version 1: messages in eights of bytes, without a checksum.
fn first<'a>(bytes: &Bytes<'a>, address: u64) -> Result<Vec<Message<'a>>> {
    let mut prefix = bytes.at(address, 16)?;
    prefix.take(8)?;
    let length = prefix.number(4)?;
    let (mut found, mut blocks) = (Vec::new(), vec![(address.saturating_add(16), length)]);
    while let Some((at, length)) = blocks.pop() {
        let mut block = bytes.at(at, length)?;
        while block.0.len() >= 8 {
            let (kind, length, flags) = (block.number(2)?, block.number(2)?, block.byte()?);
            block.take(3)?;
            let body = Piece(block.take(length as usize)?);
            push(&mut found, &mut blocks, u8::try_from(kind).unwrap_or(u8::MAX), flags, body)?;
        }
    }
    Ok(found)
}

/// Headers of version 2: packed messages, each block with a checksum.
fn second<'a>(bytes: &Bytes<'a>, address: u64) -> Result<Vec<Message<'a>>> {
    let mut prefix = bytes.at(address, 6)?;
    prefix.take(5)?;
    let flags = prefix.byte()?;
    let width = 1 << (flags & 3);
    let begin = 6 + if flags & 0x20 != 0 { 16 } else { 0 } + if flags & 0x10 != 0 { 4 } else { 0 };
    let length = bytes.at(address.saturating_add(begin), width)?.number(width as usize)?;
    let whole = (begin + width).saturating_add(length).saturating_add(4);
    let (mut found, mut blocks) = (Vec::new(), vec![(address, whole, (begin + width) as usize)]);
    while let Some((at, length, skip)) = blocks.pop() {
        let mut block = Piece(checked(bytes, at, length)?);
        block.take(skip)?;
        if skip == 4 && bytes.at(at, 4)?.0 != b"OCHK" {
            return Err("it is damaged: a header goes on where there is none".into());
        }
        let order = if flags & 4 != 0 { 2 } else { 0 };
        // Less than a message's head may be left over.
        while block.0.len() >= 4 + order {
            let (kind, length, flags) = (block.byte()?, block.number(2)?, block.byte()?);
            block.take(order)?;
            let body = Piece(block.take(length as usize)?);
            let mut more = Vec::new();
            push(&mut found, &mut more, kind, flags, body)?;
            blocks.extend(more.into_iter().map(|(at, length)| (at, length, 4)));
        }
    }
    Ok(found)
}

/// A block without the checksum at its end.
fn checked<'a>(bytes: &Bytes<'a>, address: u64, length: u64) -> Result<&'a [u8]> {
    let block = bytes.at(address, length)?.0;
    match block.split_last_chunk() {
        Some((block, sum)) if u32::from_le_bytes(*sum) == lookup3(block) => Ok(block),
        _ => Err(format!("it is damaged: the checksum at byte {address} does not match; use another copy")),
    }
}

fn push<'a>(
    found: &mut Vec<Message<'a>>,
    blocks: &mut Vec<(u64, u64)>,
    kind: u8,
    flags: u8,
    mut body: Piece<'a>,
) -> Result<()> {
    match kind {
        kind::CONTINUATION => blocks.push((body.number(8)?, body.number(8)?)),
        kind::DATASPACE | kind::DATATYPE | kind::LAYOUT | kind::ATTRIBUTE if flags & 2 != 0 => {
            return Err("it shares types between its objects, which is not known here; copy it with h5repack".into());
        }
        _ => found.push(Message { kind, body }),
    }
    Ok(())
}
