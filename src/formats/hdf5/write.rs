//! The writer: superblock 2, then the strings in global heaps, then the groups, each after its members.

use super::checksum::lookup3;
use super::group::MAX_DEPTH;
use super::header::kind;
use super::value::Values;
use super::{SIGNATURE, UNDEFINED_ADDRESS};
use crate::Shape;
use std::collections::BTreeSet;

/// Maximum length of a list of strings in one attribute, as a header message holds 64 KiB. Longer lists are split.
const MAX_LIST: usize = 4000;

/// Maximum number of strings in a global heap, whose indices have two bytes.
const MAX_HEAP_OBJECTS: usize = 60_000;

/// Minimum length of a global heap in bytes (section III.E).
const MIN_HEAP_LENGTH: usize = 4096;

/// Maximum length of a member's name in bytes, as a link message has at most 65535 bytes.
const MAX_NAME: usize = 65_000;

/// A group to be written.
#[derive(Debug, Default)]
pub(crate) struct NewGroup {
    groups: Vec<(String, NewGroup)>,
    arrays: Vec<(String, NewArray)>,
    attributes: Vec<(String, Text)>,
}

/// An array to be written.
#[derive(Debug)]
pub(crate) struct NewArray {
    pub(crate) shape: Shape,
    pub(crate) values: Values,
}

#[derive(Debug)]
enum Text {
    One(String),
    List(Vec<String>),
}

impl Text {
    fn all(&self) -> &[String] {
        match self {
            Text::One(text) => std::slice::from_ref(text),
            Text::List(texts) => texts,
        }
    }
}

impl NewGroup {
    /// Returns the group at a path relative to this group. Creates missing groups.
    pub(crate) fn group(&mut self, path: &str) -> &mut NewGroup {
        let (first, rest) = path.split_once('/').map_or((path, None), |(first, rest)| (first, Some(rest)));
        let at = self.groups.iter().position(|(name, _)| name == first).unwrap_or_else(|| {
            self.groups.push((first.into(), NewGroup::default()));
            self.groups.len() - 1
        });
        let group = &mut self.groups[at].1;
        match rest {
            Some(rest) => group.group(rest),
            None => group,
        }
    }

    /// Adds an array of floats at a path relative to this group.
    pub(crate) fn floats(&mut self, path: &str, shape: Shape, values: &[f32]) {
        self.array(path, NewArray { shape, values: Values::Floats(values.to_vec()) });
    }

    /// Adds an integer without axes at a path relative to this group.
    pub(crate) fn integer(&mut self, path: &str, value: i64) {
        self.array(path, NewArray { shape: Shape::SCALAR, values: Values::Integers(vec![value]) });
    }

    fn array(&mut self, path: &str, array: NewArray) {
        match path.rsplit_once('/') {
            Some((groups, name)) => self.group(groups).array(name, array),
            None => self.arrays.push((path.into(), array)),
        }
    }

    /// Adds a string attribute.
    pub(crate) fn text(&mut self, name: &str, text: impl Into<String>) {
        self.attributes.push((name.into(), Text::One(text.into())));
    }

    /// Adds an attribute that is a list of strings. A long list is split into attributes with numbered names, as in Keras.
    pub(crate) fn texts(&mut self, name: &str, texts: Vec<String>) {
        if texts.len() <= MAX_LIST {
            return self.attributes.push((name.into(), Text::List(texts)));
        }
        let parts = texts.chunks(MAX_LIST).enumerate();
        self.attributes.extend(parts.map(|(number, part)| (format!("{name}{number}"), Text::List(part.to_vec()))));
    }

    /// Encodes the file whose root is this group.
    ///
    /// # Errors
    /// Returns a message about a name or a list that does not fit in the format, so that no file is written that other
    /// programs cannot open.
    pub(crate) fn file(&self) -> Result<Vec<u8>, String> {
        self.check("", 1)?;
        let mut writer = Writer { bytes: vec![0; 48], places: Vec::new() };
        let mut texts = Vec::new();
        self.collect(&mut texts);
        texts.chunks(MAX_HEAP_OBJECTS).for_each(|texts| writer.heap(texts));
        writer.places.reverse();
        let root = writer.group(self);
        let end = writer.bytes.len() as u64;
        // The superblock (section II.B): addresses and lengths of eight bytes, no extension.
        let superblock = [
            SIGNATURE,
            &[2, 8, 8, 0],
            &[0; 8],
            &UNDEFINED_ADDRESS.to_le_bytes(),
            &end.to_le_bytes(),
            &root.to_le_bytes(),
        ];
        let superblock = superblock.concat();
        writer.bytes[..44].copy_from_slice(&superblock);
        writer.bytes[44..48].copy_from_slice(&lookup3(&superblock).to_le_bytes());
        Ok(writer.bytes)
    }

    /// Checks the names and lists of this group and its members.
    fn check(&self, path: &str, depth: usize) -> Result<(), String> {
        if depth > MAX_DEPTH {
            return Err(format!("\"{}\" has more than {MAX_DEPTH} groups; use shorter names", shown(path)));
        }
        let mut names = BTreeSet::new();
        let members = self.groups.iter().map(|(name, _)| name).chain(self.arrays.iter().map(|(name, _)| name));
        for name in members {
            let shown = shown(name);
            if ["", ".", ".."].contains(&name.as_str()) || name.contains('\0') {
                return Err(format!("\"{shown}\" is not a valid name in an HDF5 file; rename the layer or weight"));
            }
            if name.len() > MAX_NAME {
                let length = name.len();
                return Err(format!(
                    "the name \"{shown}\" has {length} bytes, expected at most {MAX_NAME} in an HDF5 file; rename the layer \
                     or weight"
                ));
            }
            if !names.insert(name) {
                let place = if path.is_empty() { String::new() } else { format!(" in \"{path}\"") };
                return Err(format!("two members have the name \"{shown}\"{place}; rename the layer or weight"));
            }
        }
        for text in self.attributes.iter().flat_map(|(_, text)| text.all()) {
            if text.contains('\0') || u32::try_from(text.len()).is_err() {
                let shown = shown(text);
                return Err(format!("the text \"{shown}\" has a null character or more than 4 GB; rename the layer"));
            }
        }
        self.groups.iter().try_for_each(|(name, group)| {
            let path = if path.is_empty() { name.clone() } else { format!("{path}/{name}") };
            group.check(&path, depth + 1)
        })
    }

    /// Collects the strings of all attributes, in the order in which the groups are written.
    fn collect<'a>(&'a self, texts: &mut Vec<&'a str>) {
        self.groups.iter().for_each(|(_, group)| group.collect(texts));
        self.attributes.iter().flat_map(|(_, text)| text.all()).for_each(|text| texts.push(text));
    }
}

/// The start of a text, for messages.
fn shown(text: &str) -> String {
    match text.char_indices().nth(40) {
        Some((end, _)) => format!("{}…", &text[..end]),
        None => text.escape_debug().to_string(),
    }
}

/// The file that is being written.
struct Writer {
    bytes: Vec<u8>,
    /// The heap address and the index of each string that is not written yet, the next one last.
    places: Vec<(u64, u32)>,
}

impl Writer {
    /// Writes a global heap of strings (section III.E).
    fn heap(&mut self, texts: &[&str]) {
        let (begin, mut objects) = (self.bytes.len(), Vec::new());
        for (at, text) in texts.iter().enumerate() {
            self.places.push((begin as u64, at as u32 + 1));
            objects.extend([at as u16 + 1, 0, 0, 0].map(u16::to_le_bytes).concat());
            objects.extend((text.len() as u64).to_le_bytes());
            objects.extend(text.as_bytes());
            objects.resize(objects.len().next_multiple_of(8), 0);
        }
        // The size of the free space includes its header of sixteen bytes.
        let length = (16 + objects.len() + 16).max(MIN_HEAP_LENGTH);
        let free = (length - 16 - objects.len()) as u64;
        let head = [&b"GCOL\x01\0\0\0"[..], &(length as u64).to_le_bytes()].concat();
        self.bytes.extend([&head[..], &objects, &[0; 8], &free.to_le_bytes()].concat());
        self.bytes.resize(begin + length, 0);
    }

    /// Writes a group and its members; returns its address.
    fn group(&mut self, group: &NewGroup) -> u64 {
        let undefined = UNDEFINED_ADDRESS.to_le_bytes();
        // No fractal heap of links, and no estimate of their number.
        let mut messages =
            vec![(kind::LINK_INFO, [&[0, 0], &undefined[..], &undefined].concat()), (kind::GROUP_INFO, vec![0, 0])];
        for (name, member) in &group.groups {
            let address = self.group(member);
            messages.push((kind::LINK, link(name, address)));
        }
        for (name, array) in &group.arrays {
            let address = self.array(array);
            messages.push((kind::LINK, link(name, address)));
        }
        for (name, text) in &group.attributes {
            let body = self.attribute(name, text);
            messages.push((kind::ATTRIBUTE, body));
        }
        self.header(&messages)
    }

    /// Writes a contiguous array; returns the address of its header.
    fn array(&mut self, array: &NewArray) -> u64 {
        self.align();
        let begin = self.bytes.len();
        let datatype = match &array.values {
            Values::Floats(values) => {
                values.iter().for_each(|value| self.bytes.extend(value.to_le_bytes()));
                FLOAT
            }
            Values::Integers(values) => {
                values.iter().for_each(|value| self.bytes.extend(value.to_le_bytes()));
                INTEGER
            }
        };
        let length = self.bytes.len() - begin;
        let address = if length == 0 { UNDEFINED_ADDRESS } else { begin as u64 };
        let layout = [&[3, 1], &address.to_le_bytes()[..], &(length as u64).to_le_bytes()].concat();
        let messages = [
            (kind::DATASPACE, dataspace(array.shape.sizes())),
            (kind::DATATYPE, datatype.to_vec()),
            (kind::FILL_VALUE, vec![3, 0x0a]),
            (kind::LAYOUT, layout),
        ];
        self.header(&messages)
    }

    /// Encodes an attribute message whose strings are in a global heap (section IV.A.2.m).
    fn attribute(&mut self, name: &str, text: &Text) -> Vec<u8> {
        let space = match text {
            Text::One(_) => dataspace(&[]),
            Text::List(texts) => dataspace(&[texts.len()]),
        };
        let lengths = [name.len() + 1, TEXT.len(), space.len()].map(|length| (length as u16).to_le_bytes());
        let mut body = [&[3, 0], &lengths.concat()[..], &[1], name.as_bytes(), &[0], TEXT, &space].concat();
        for text in text.all() {
            let (heap, number) = self.places.pop().unwrap_or_default();
            body.extend((text.len() as u32).to_le_bytes());
            body.extend(heap.to_le_bytes());
            body.extend(number.to_le_bytes());
        }
        body
    }

    /// Writes an object header of version 2 in one block (section IV.A.1.b); returns its address.
    fn header(&mut self, messages: &[(u8, Vec<u8>)]) -> u64 {
        self.align();
        let begin = self.bytes.len();
        let length: usize = messages.iter().map(|(_, body)| 4 + body.len()).sum();
        self.bytes.extend(b"OHDR\x02\x02");
        self.bytes.extend((length as u32).to_le_bytes());
        for (kind, body) in messages {
            self.bytes.push(*kind);
            self.bytes.extend((body.len() as u16).to_le_bytes());
            self.bytes.push(0);
            self.bytes.extend(body);
        }
        let sum = lookup3(&self.bytes[begin..]);
        self.bytes.extend(sum.to_le_bytes());
        begin as u64
    }

    fn align(&mut self) {
        self.bytes.resize(self.bytes.len().next_multiple_of(8), 0);
    }
}

/// Datatype of little-endian IEEE 754 floats of four bytes: sign bit 31, eight exponent bits from bit 23, bias 127 (section
/// IV.A.2.d).
const FLOAT: &[u8] = &[0x11, 0x20, 31, 0, 4, 0, 0, 0, 0, 0, 32, 0, 23, 8, 0, 23, 127, 0, 0, 0];

/// Datatype of little-endian signed integers of eight bytes.
const INTEGER: &[u8] = &[0x10, 8, 0, 0, 8, 0, 0, 0, 0, 0, 64, 0];

/// Datatype of variable-length UTF-8 strings.
const TEXT: &[u8] = &[0x19, 1, 1, 0, 16, 0, 0, 0, 0x10, 0, 0, 0, 1, 0, 0, 0, 0, 0, 8, 0];

/// Encodes a dataspace message (section IV.A.2.b).
fn dataspace(sizes: &[usize]) -> Vec<u8> {
    let mut body = vec![2, sizes.len() as u8, 0, u8::from(!sizes.is_empty())];
    sizes.iter().for_each(|size| body.extend((*size as u64).to_le_bytes()));
    body
}

/// Encodes a message of a hard link, with a name length of two bytes (section IV.A.2.g).
fn link(name: &str, address: u64) -> Vec<u8> {
    [&[1, 0x11, 1], &(name.len() as u16).to_le_bytes()[..], name.as_bytes(), &address.to_le_bytes()].concat()
}
