//! Numeric arrays and string attributes of files that are read.

use super::UNDEFINED_ADDRESS;
use super::bytes::{Bytes, Cursor, Result};
use super::chunks::Chunks;
use super::filters::Filters;
use super::header::{Message, kind};
use crate::Shape;
use crate::save::half;
use std::borrow::Cow;
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

/// The type of elements (section IV.A.2.d).
#[derive(Clone, Copy, Debug, PartialEq)]
enum Type {
    Float {
        bytes: usize,
        big_endian: bool,
    },
    /// A float with the exponent of `f32` and a mantissa of 7 bits.
    BFloat16 {
        big_endian: bool,
    },
    Integer {
        bytes: usize,
        signed: bool,
        big_endian: bool,
    },
    Text {
        bytes: usize,
    },
    /// A variable-length string in a global heap.
    TextInHeap,
    /// A type that is not supported.
    Other,
}

impl Type {
    /// The size of an element in bytes.
    fn bytes(self) -> usize {
        match self {
            Type::Float { bytes, .. } | Type::Integer { bytes, .. } | Type::Text { bytes } => bytes,
            Type::BFloat16 { .. } => 2,
            Type::TextInHeap => 16,
            Type::Other => 0,
        }
    }

    fn is_big_endian(self) -> bool {
        matches!(
            self,
            Type::Float { big_endian: true, .. }
                | Type::BFloat16 { big_endian: true }
                | Type::Integer { big_endian: true, .. }
        )
    }
}

/// Parses a datatype message (section IV.A.2.d).
fn datatype(mut body: Cursor<'_>) -> Result<Type> {
    let (class, bits) = (body.byte()? & 15, body.number(3)?);
    let bytes = body.number(4)? as usize;
    let big_endian = bits & 1 == 1;
    // The bit at which the exponent of a float begins. Bit 6 marks the byte order of VAX computers.
    let exponent = body.0.get(4).filter(|_| bits & 0x40 == 0);
    Ok(match (class, bytes) {
        (0, 1 | 2 | 4 | 8) => Type::Integer { bytes, signed: bits & 8 != 0, big_endian },
        (1, 2) if exponent == Some(&7) => Type::BFloat16 { big_endian },
        (1, 2) if exponent == Some(&10) => Type::Float { bytes, big_endian },
        (1, 4) if exponent == Some(&23) => Type::Float { bytes, big_endian },
        (1, 8) if exponent == Some(&52) => Type::Float { bytes, big_endian },
        (3, 1..) => Type::Text { bytes },
        (9, 16) if bits & 15 == 1 => Type::TextInHeap,
        _ => Type::Other,
    })
}

/// Parses a dataspace message: the sizes of the axes (section IV.A.2.b).
fn dataspace(mut body: Cursor<'_>) -> Result<Shape> {
    let (version, rank) = (body.byte()?, usize::from(body.byte()?));
    body.take(if version == 1 { 6 } else { 2 })?;
    let sizes = (0..rank).map(|_| Ok(usize::try_from(body.number(8)?).unwrap_or(usize::MAX)));
    Shape::new(&sizes.collect::<Result<Vec<usize>>>()?).map_err(|error| error.to_string())
}

/// The dataspace, datatype and layout messages of an array.
type Parts<'a> = [Cursor<'a>; 3];

fn find<'a>(messages: &[Message<'a>], kind: u8) -> Option<Cursor<'a>> {
    messages.iter().find(|message| message.kind == kind).map(|message| message.body)
}

fn parts<'a>(messages: &[Message<'a>]) -> Result<Parts<'a>> {
    let parts = [kind::DATASPACE, kind::DATATYPE, kind::LAYOUT].map(|kind| find(messages, kind));
    match parts {
        [Some(space), Some(kind), Some(layout)] => Ok([space, kind, layout]),
        _ => Err("it is a group, expected an array".into()),
    }
}

/// The reason why an intact array cannot be read, if its type or storage is not supported.
pub(super) fn unsupported(messages: &[Message<'_>]) -> Result<Option<String>> {
    let Ok([_, kind, mut layout]) = parts(messages) else {
        return Ok(Some("it is a datatype, expected an array".into()));
    };
    let (version, class) = (layout.byte()?, layout.byte()?);
    let problem = match datatype(kind)? {
        _ if find(messages, kind::EXTERNAL_FILES).is_some() => {
            Some("its elements are in another file, which is not supported")
        }
        Type::Text { .. } | Type::TextInHeap | Type::Other => {
            Some("its elements must be float16, bfloat16, float32, float64 or integers; convert it first")
        }
        _ if version < 3 => Some("it has a layout of HDF5 before 1.6.3, which is not supported; copy it with h5repack"),
        _ if class > 2 => Some("it is a virtual array, which is not supported; copy it with h5repack -l CONTI"),
        _ => None,
    };
    match (problem, class) {
        (None, 2) => Ok(filters(messages)?.problem()),
        (problem, _) => Ok(problem.map(str::to_owned)),
    }
}

/// The filters of the chunks of an array.
fn filters(messages: &[Message<'_>]) -> Result<Filters> {
    find(messages, kind::FILTERS).map_or_else(|| Ok(Filters::default()), Filters::read)
}

/// The bytes of the value of elements that were never written; empty for zeros (section IV.A.2.f).
fn fill_value<'a>(messages: &[Message<'a>]) -> Result<&'a [u8]> {
    let Some(mut body) = find(messages, kind::FILL_VALUE) else { return Ok(&[]) };
    let version = body.byte()?;
    let defined = match version {
        1 | 2 => {
            body.take(2)?;
            body.byte()? == 1
        }
        _ => body.byte()? & 0x20 != 0,
    };
    let length = if defined { body.number(4)? } else { 0 };
    body.take(length as usize)
}

/// Reads the array that the messages of an object describe.
pub(super) fn array(bytes: &Bytes<'_>, messages: &[Message<'_>]) -> Result<Array> {
    let [space, kind, layout] = parts(messages)?;
    if let Some(problem) = unsupported(messages)? {
        return Err(problem);
    }
    let (shape, kind) = (dataspace(space)?, datatype(kind)?);
    let length = (shape.len() as u64).saturating_mul(kind.bytes() as u64);
    let mut data = match layout.0.get(1) {
        Some(2) => {
            let (filters, fill) = (filters(messages)?, fill_value(messages)?);
            Cow::Owned(Chunks::read(bytes, layout, filters, shape.sizes(), kind.bytes(), fill)?)
        }
        _ => Cow::Borrowed(elements(bytes, layout, length)?),
    };
    if kind.is_big_endian() {
        bytes.spend(length)?;
        data.to_mut().chunks_exact_mut(kind.bytes()).for_each(<[u8]>::reverse);
    }
    let data = &*data;
    let width = if matches!(kind, Type::Integer { .. }) { 8 } else { 4 };
    bytes.spend((shape.len() as u64).saturating_mul(width))?;
    let values = match kind {
        Type::Float { bytes: 4, .. } => Values::Floats(decode_f32(data).collect()),
        Type::BFloat16 { .. } => Values::Floats(
            data.as_chunks().0.iter().map(|two| f32::from_bits(u32::from(u16::from_le_bytes(*two)) << 16)).collect(),
        ),
        Type::Float { bytes: 2, .. } => {
            Values::Floats(data.as_chunks().0.iter().map(|two| half(u16::from_le_bytes(*two))).collect())
        }
        Type::Float { .. } => Values::Floats(decode_u64(data).map(|bits| f64::from_bits(bits) as f32).collect()),
        Type::Integer { bytes, signed, .. } => {
            Values::Integers(data.chunks(bytes).map(|one| integer(one, signed)).collect())
        }
        _ => return Err("its elements are not numbers".into()),
    };
    Ok(Array { shape, values })
}

fn decode_f32(data: &[u8]) -> impl Iterator<Item = f32> {
    data.as_chunks().0.iter().map(|four| f32::from_le_bytes(*four))
}

fn decode_u64(data: &[u8]) -> impl Iterator<Item = u64> {
    data.as_chunks().0.iter().map(|eight| u64::from_le_bytes(*eight))
}

/// Decodes a little-endian integer of up to eight bytes.
fn integer(bytes: &[u8], signed: bool) -> i64 {
    let mut eight = [0; 8];
    eight[..bytes.len()].copy_from_slice(bytes);
    let unused = 64 - 8 * bytes.len() as u32;
    let number = i64::from_le_bytes(eight) << unused;
    if signed { number >> unused } else { (number as u64 >> unused) as i64 }
}

/// Returns the bytes of the elements that a layout message describes: compact or contiguous storage (section IV.A.2.i).
fn elements<'a>(bytes: &Bytes<'a>, mut layout: Cursor<'a>, length: u64) -> Result<&'a [u8]> {
    let (version, class) = (layout.byte()?, layout.byte()?);
    let check_length = |found: u64| match found == length {
        true => Ok(()),
        false => Err(format!("the byte length of its elements is {found}, expected {length}; it is damaged")),
    };
    match (version, class) {
        (3 | 4, 0) => {
            let found = layout.number(2)?;
            check_length(found)?;
            layout.take(found as usize)
        }
        (3 | 4, 1) => match (layout.number(8)?, layout.number(8)?) {
            _ if length == 0 => Ok(&[]),
            (UNDEFINED_ADDRESS, _) => Err("it has no elements".into()),
            (address, found) => {
                check_length(found)?;
                Ok(bytes.slice(address, length)?.0)
            }
        },
        _ => Err("its layout is not supported; copy it with h5repack".into()),
    }
}

/// An attribute whose value is not decoded yet.
#[derive(Debug)]
pub(super) struct Attribute<'a> {
    kind: Type,
    count: usize,
    data: &'a [u8],
}

/// Parses an attribute message: the name and the encoded value (section IV.A.2.m).
pub(super) fn attribute<'a>(mut body: Cursor<'a>) -> Result<(&'a str, Attribute<'a>)> {
    let (version, flags) = (body.byte()?, body.byte()?);
    let lengths = [body.number(2)?, body.number(2)?, body.number(2)?];
    if version == 3 {
        body.take(1)?;
    }
    if version > 1 && flags != 0 {
        return Err("it has attributes with shared datatypes, which are not supported; copy it with h5repack".into());
    }
    let mut part = |length: u64| {
        let padded = if version == 1 { length.next_multiple_of(8) } else { length };
        Ok::<_, String>(Cursor(&body.take(padded as usize)?[..length as usize]))
    };
    let [name, kind, space] = lengths;
    let (name, kind, space) = (part(name)?.text()?, datatype(part(kind)?)?, dataspace(part(space)?)?);
    Ok((name, Attribute { kind, count: space.len(), data: body.0 }))
}

impl<'a> Attribute<'a> {
    /// Decodes the strings of the attribute. An empty numeric array gives an empty list, as h5py writes an empty list that way.
    pub(super) fn texts(&self, bytes: &Bytes<'a>, heaps: &Heaps<'a>) -> Result<Vec<String>> {
        if self.count == 0 {
            return Ok(Vec::new());
        }
        if !matches!(self.kind, Type::Text { .. } | Type::TextInHeap) {
            return Err("it has a numeric attribute, expected strings".into());
        }
        let width = self.kind.bytes();
        let data = width.checked_mul(self.count).and_then(|length| self.data.get(..length));
        let data = data.ok_or("it is damaged: an attribute is truncated")?;
        bytes.spend(32 * self.count as u64)?;
        let text = |one: &'a [u8]| {
            let mut one = Cursor(one);
            let found = if self.kind == Type::TextInHeap { heap_text(bytes, heaps, &mut one)? } else { one.text()? };
            bytes.spend(found.len() as u64)?;
            Ok(found.trim_end_matches(' ').to_owned())
        };
        data.chunks(width).map(text).collect()
    }
}

/// The objects of the global heaps that were read, by heap address and object index.
pub(super) type Heaps<'a> = RefCell<BTreeMap<u64, BTreeMap<u64, &'a [u8]>>>;

/// Reads a variable-length string from its length, the address of its global heap, and its index there (section VIII.B).
fn heap_text<'a>(bytes: &Bytes<'a>, heaps: &Heaps<'a>, place: &mut Cursor<'_>) -> Result<&'a str> {
    let (length, address, number) = (place.number(4)?, place.number(8)?, place.number(4)?);
    if length == 0 {
        return Ok("");
    }
    let mut heaps = heaps.borrow_mut();
    if let std::collections::btree_map::Entry::Vacant(heap) = heaps.entry(address) {
        heap.insert(objects(bytes, address)?);
    }
    let object = heaps.get(&address).and_then(|heap| heap.get(&number)).and_then(|found| found.get(..length as usize));
    Cursor(object.ok_or("it is damaged: a string is missing from its heap")?).text()
}

/// Reads the objects of a global heap collection (section III.E).
fn objects<'a>(bytes: &Bytes<'a>, address: u64) -> Result<BTreeMap<u64, &'a [u8]>> {
    let mut head = bytes.slice(address, 16)?;
    head.signature("GCOL")?;
    head.take(4)?;
    let mut heap = bytes.slice(address, head.number(8)?)?;
    heap.take(16)?;
    let mut found = BTreeMap::new();
    while heap.0.len() >= 16 {
        let number = heap.number(2)?;
        heap.take(6)?;
        let length = heap.number(8)?;
        if number == 0 {
            break; // free space
        }
        bytes.spend(64)?;
        let padded = usize::try_from(length).ok().and_then(|length| length.checked_next_multiple_of(8));
        let object = heap.take(padded.ok_or("it is damaged: a string is longer than the file")?)?;
        found.insert(number, &object[..length as usize]);
    }
    Ok(found)
}
