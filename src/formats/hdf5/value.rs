//! Values: arrays of numbers, and attributes that hold text.

use super::NOWHERE;
use super::bytes::{Bytes, Piece, Result};
use super::header::{Message, kind};
use crate::Shape;
use std::cell::RefCell;
use std::collections::BTreeMap;

/// An array of numbers.
#[derive(Clone, Debug, PartialEq)]
pub(crate) struct Array {
    pub(crate) shape: Shape,
    pub(crate) values: Values,
}

/// The elements of an array.
#[derive(Clone, Debug, PartialEq)]
pub(crate) enum Values {
    Floats(Vec<f32>),
    Integers(Vec<i64>),
}

/// How elements are stored (IV.A.2.d).
#[derive(Clone, Copy, Debug, PartialEq)]
enum Type {
    Float { bytes: usize },
    Integer { bytes: usize, signed: bool },
    Text { bytes: usize },
    TextInHeap,
    Other,
}

impl Type {
    fn bytes(self) -> usize {
        match self {
            Type::Float { bytes } | Type::Integer { bytes, .. } | Type::Text { bytes } => bytes,
            Type::TextInHeap => 16,
            Type::Other => 0,
        }
    }
}

fn datatype(mut body: Piece<'_>) -> Result<Type> {
    let (class, bits) = (body.byte()? & 15, body.number(3)?);
    let bytes = body.number(4)? as usize;
    Ok(match (class, bytes) {
        (0, 1 | 2 | 4 | 8) if bits & 1 == 0 => Type::Integer { bytes, signed: bits & 8 != 0 },
        // Exponent at bit 23 or 52, as IEEE 754 has it.
        (1, 4) if bits & 0x41 == 0 && body.0.get(4) == Some(&23) => Type::Float { bytes },
        (1, 8) if bits & 0x41 == 0 && body.0.get(4) == Some(&52) => Type::Float { bytes },
        (3, 1..) => Type::Text { bytes },
        (9, 16) if bits & 15 == 1 => Type::TextInHeap,
        _ => Type::Other,
    })
}

/// The sizes of the axes (IV.A.2.b).
fn dataspace(mut body: Piece<'_>) -> Result<Shape> {
    let (version, rank) = (body.byte()?, usize::from(body.byte()?));
    body.take(if version == 1 { 6 } else { 2 })?;
    let sizes = (0..rank).map(|_| Ok(usize::try_from(body.number(8)?).unwrap_or(usize::MAX)));
    Shape::new(&sizes.collect::<Result<Vec<usize>>>()?).map_err(|error| error.to_string())
}

/// The array that an object's messages describe.
pub(super) fn array(bytes: &Bytes<'_>, messages: &[Message<'_>]) -> Result<Array> {
    let find = |kind| messages.iter().find(|message| message.kind == kind).map(|message| message.body);
    let [space, kind, layout] = [kind::DATASPACE, kind::DATATYPE, kind::LAYOUT].map(find);
    let (Some(space), Some(kind), Some(layout)) = (space, kind, layout) else {
        return Err("it is a group, expected an array".into());
    };
    if find(kind::EXTERNAL_FILES).is_some() {
        return Err("its elements are in another file, which is not followed".into());
    }
    let (shape, kind) = (dataspace(space)?, datatype(kind)?);
    let length = (shape.len() as u64).saturating_mul(kind.bytes() as u64);
    let data = elements(bytes, layout, length)?;
    let values = match kind {
        Type::Float { bytes: 4 } => Values::Floats(fours(data).collect()),
        Type::Float { .. } => Values::Floats(eights(data).map(|bits| f64::from_bits(bits) as f32).collect()),
        Type::Integer { bytes, signed } => {
            Values::Integers(data.chunks(bytes).map(|one| integer(one, signed)).collect())
        }
        _ => return Err("its elements are not float32 or whole numbers; convert it first".into()),
    };
    bytes.spend(4 * shape.len() as u64)?;
    Ok(Array { shape, values })
}

fn fours(data: &[u8]) -> impl Iterator<Item = f32> {
    data.as_chunks().0.iter().map(|four| f32::from_le_bytes(*four))
}

fn eights(data: &[u8]) -> impl Iterator<Item = u64> {
    data.as_chunks().0.iter().map(|eight| u64::from_le_bytes(*eight))
}

fn integer(bytes: &[u8], signed: bool) -> i64 {
    let mut eight = [0; 8];
    eight[..bytes.len()].copy_from_slice(bytes);
    let unused = 64 - 8 * bytes.len() as u32;
    let number = i64::from_le_bytes(eight) << unused;
    if signed { number >> unused } else { (number as u64 >> unused) as i64 }
}

/// Where the elements are (IV.A.2.i): in the message itself, or in one piece elsewhere.
fn elements<'a>(bytes: &Bytes<'a>, mut layout: Piece<'a>, length: u64) -> Result<&'a [u8]> {
    let (version, class) = (layout.byte()?, layout.byte()?);
    let fits = |found: u64| match found == length {
        true => Ok(()),
        false => Err(format!("its elements take {found} bytes, expected {length}; it is damaged")),
    };
    match (version, class) {
        (3 | 4, 0) => {
            let found = layout.number(2)?;
            fits(found)?;
            layout.take(found as usize)
        }
        (3 | 4, 1) => match (layout.number(8)?, layout.number(8)?) {
            _ if length == 0 => Ok(&[]),
            (NOWHERE, _) => Err("it has no elements".into()),
            (address, found) => {
                fits(found)?;
                Ok(bytes.at(address, length)?.0)
            }
        },
        (3 | 4, _) => {
            Err("it is stored in chunks, which are not known here; h5repack -l CONTI makes it one piece".into())
        }
        _ => Err("it is stored as HDF5 before 1.6.3 did it; copy it with h5repack".into()),
    }
}

/// An attribute that was not decoded yet.
#[derive(Debug)]
pub(super) struct Attribute<'a> {
    kind: Type,
    count: usize,
    data: &'a [u8],
}

/// The name and the value of an attribute message (IV.A.2.m).
pub(super) fn attribute<'a>(mut body: Piece<'a>) -> Result<(&'a str, Attribute<'a>)> {
    let (version, flags) = (body.byte()?, body.byte()?);
    let lengths = [body.number(2)?, body.number(2)?, body.number(2)?];
    if version == 3 {
        body.take(1)?;
    }
    if version > 1 && flags != 0 {
        return Err("it shares types between its attributes, which is not known here; copy it with h5repack".into());
    }
    let mut part = |length: u64| {
        let padded = if version == 1 { length.next_multiple_of(8) } else { length };
        Ok::<_, String>(Piece(&body.take(padded as usize)?[..length as usize]))
    };
    let [name, kind, space] = lengths;
    let (name, kind, space) = (part(name)?.text()?, datatype(part(kind)?)?, dataspace(part(space)?)?);
    Ok((name, Attribute { kind, count: space.len(), data: body.0 }))
}

impl<'a> Attribute<'a> {
    /// The texts that the attribute holds. An array of no numbers is as good as none: h5py writes an empty list so.
    pub(super) fn texts(&self, bytes: &Bytes<'a>, heaps: &Heaps<'a>) -> Result<Vec<String>> {
        if self.count == 0 {
            return Ok(Vec::new());
        }
        if !matches!(self.kind, Type::Text { .. } | Type::TextInHeap) {
            return Err("it has an attribute of numbers where there should be text".into());
        }
        let width = self.kind.bytes();
        let data = width.checked_mul(self.count).and_then(|length| self.data.get(..length));
        let data = data.ok_or("it is damaged: an attribute ends before its end")?;
        bytes.spend(32 * self.count as u64)?;
        let text = |one: &'a [u8]| {
            let mut one = Piece(one);
            let found = if self.kind == Type::TextInHeap { heap_text(bytes, heaps, &mut one)? } else { one.text()? };
            bytes.spend(found.len() as u64)?;
            Ok(found.trim_end_matches(' ').to_owned())
        };
        data.chunks(width).map(text).collect()
    }
}

/// The objects of the heaps that were looked at, by their numbers.
pub(super) type Heaps<'a> = RefCell<BTreeMap<u64, BTreeMap<u64, &'a [u8]>>>;

/// A text of variable length: how long it is, the heap it is in, and its number there (VIII.B).
fn heap_text<'a>(bytes: &Bytes<'a>, heaps: &Heaps<'a>, place: &mut Piece<'_>) -> Result<&'a str> {
    let (length, address, number) = (place.number(4)?, place.number(8)?, place.number(4)?);
    if length == 0 {
        return Ok("");
    }
    let mut heaps = heaps.borrow_mut();
    if let std::collections::btree_map::Entry::Vacant(heap) = heaps.entry(address) {
        heap.insert(objects(bytes, address)?);
    }
    let object = heaps.get(&address).and_then(|heap| heap.get(&number)).and_then(|found| found.get(..length as usize));
    Piece(object.ok_or("it is damaged: a text is not where it should be")?).text()
}

/// The objects of a global heap collection (III.E).
fn objects<'a>(bytes: &Bytes<'a>, address: u64) -> Result<BTreeMap<u64, &'a [u8]>> {
    let mut head = bytes.at(address, 16)?;
    head.signature("GCOL")?;
    head.take(4)?;
    let mut heap = bytes.at(address, head.number(8)?)?;
    heap.take(16)?;
    let mut found = BTreeMap::new();
    while heap.0.len() >= 16 {
        let number = heap.number(2)?;
        heap.take(6)?;
        let length = heap.number(8)?;
        if number == 0 {
            break; // what is free
        }
        bytes.spend(64)?;
        let padded = usize::try_from(length).ok().and_then(|length| length.checked_next_multiple_of(8));
        let object = heap.take(padded.ok_or("it is damaged: a text is longer than the file")?)?;
        found.insert(number, &object[..length as usize]);
    }
    Ok(found)
}
