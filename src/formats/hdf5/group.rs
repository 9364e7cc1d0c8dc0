//! Groups: members by name, and attributes.

use super::bytes::{Bytes, Piece, Result};
use super::header::{Message, kind, messages};
use super::value::{self, Array, Attribute, Heaps};
use super::{NOWHERE, SIGNATURE};
use std::collections::BTreeMap;
use std::rc::Rc;

/// The most groups that a path may lead through.
const DEEPEST: usize = 64;

/// A file that groups share.
#[derive(Debug)]
struct File<'a> {
    bytes: Bytes<'a>,
    heaps: Heaps<'a>,
}

/// A group of a file in memory.
#[derive(Debug)]
pub(crate) struct Group<'a> {
    file: Rc<File<'a>>,
    /// The path from the root, for messages.
    path: String,
    members: BTreeMap<&'a str, u64>,
    attributes: BTreeMap<&'a str, Attribute<'a>>,
}

/// The root group of a file (II.A).
pub(crate) fn open(all: &[u8]) -> Result<Group<'_>> {
    let bytes = Bytes::new(all);
    if !all.starts_with(SIGNATURE) {
        return Err("it is not an HDF5 file".into());
    }
    let version = bytes.at(8, 1)?.byte()?;
    let (widths, base, root) = match version {
        0 => (13, 24, 64),
        1 => (13, 28, 68),
        2 | 3 => (9, 12, 36),
        other => return Err(format!("its HDF5 superblock is version {other}, which is not known here")),
    };
    let [widths, base, root] =
        [(widths, 2), (base, 8), (root, 8)].map(|(at, width)| (bytes.at(at, width as u64), width));
    let number = |(piece, width): (Result<Piece<'_>>, usize)| piece.and_then(|mut piece| piece.number(width));
    if number(widths)? != 0x0808 || number(base)? != 0 {
        return Err("it addresses its bytes in a way that is not known here; copy it with h5repack".into());
    }
    let root = number(root)?;
    Group::read(Rc::new(File { bytes, heaps: Heaps::default() }), String::new(), root)
}

impl<'a> Group<'a> {
    fn read(file: Rc<File<'a>>, path: String, address: u64) -> Result<Group<'a>> {
        let (mut members, mut attributes) = (BTreeMap::new(), BTreeMap::new());
        for Message { kind, mut body } in messages(&file.bytes, address)? {
            match kind {
                kind::SYMBOL_TABLE => symbols(&file.bytes, body, &mut members)?,
                kind::LINK => members.extend(link(body)?),
                kind::LINK_INFO => refuse_heap(&mut body, 8, &path, "members")?,
                kind::ATTRIBUTE_INFO => refuse_heap(&mut body, 2, &path, "attributes")?,
                kind::ATTRIBUTE => {
                    let (name, attribute) = value::attribute(body)?;
                    attributes.insert(name, attribute);
                }
                kind::DATATYPE => return Err(format!("\"{path}\" is an array, expected a group")),
                _ => {}
            }
        }
        Ok(Group { file, path, members, attributes })
    }

    /// Whether there is a member of this name.
    pub(crate) fn has(&self, name: &str) -> bool {
        self.members.contains_key(name)
    }

    /// How many members there are.
    pub(crate) fn len(&self) -> usize {
        self.members.len()
    }

    /// The group at this path, below this one.
    pub(crate) fn group(&self, path: &str) -> Result<Group<'a>> {
        if path.split('/').count() > DEEPEST {
            return Err(format!("a path leads through more than {DEEPEST} groups; it is damaged"));
        }
        let step = |from: &Group<'a>, name| Group::read(from.file.clone(), from.below(name), from.address(name)?);
        let (first, rest) = path.split_once('/').map_or((path, None), |(first, rest)| (first, Some(rest)));
        let group = step(self, first)?;
        rest.into_iter().flat_map(|rest| rest.split('/')).try_fold(group, |group, name| step(&group, name))
    }

    /// The array at this path, below this group.
    pub(crate) fn array(&self, path: &str) -> Result<Array> {
        if let Some((groups, name)) = path.rsplit_once('/') {
            return self.group(groups)?.array(name);
        }
        let messages = messages(&self.file.bytes, self.address(path)?)?;
        value::array(&self.file.bytes, &messages).map_err(|problem| format!("\"{}\": {problem}", self.below(path)))
    }

    /// The attribute of this name, where it is a text.
    pub(crate) fn text(&self, name: &str) -> Result<Option<String>> {
        let Some(attribute) = self.attributes.get(name) else { return Ok(None) };
        Ok(attribute.texts(&self.file.bytes, &self.file.heaps)?.into_iter().next())
    }

    /// The attribute of this name, where it is a list of texts; none where there is none. A long one may be split over
    /// attributes with numbers behind their names, as Keras does it.
    pub(crate) fn texts(&self, name: &str) -> Result<Vec<String>> {
        let texts = |name: &str| self.attributes.get(name).map(|found| found.texts(&self.file.bytes, &self.file.heaps));
        if let Some(whole) = texts(name) {
            return whole;
        }
        let mut all = Vec::new();
        for number in 0.. {
            let Some(some) = texts(&format!("{name}{number}")) else { break };
            all.extend(some?);
        }
        Ok(all)
    }

    fn address(&self, name: &str) -> Result<u64> {
        let found = self.members.get(name).copied();
        found.ok_or_else(|| format!("\"{}\" is missing, or is a link to elsewhere", self.below(name)))
    }

    fn below(&self, name: &str) -> String {
        if self.path.is_empty() { name.into() } else { format!("{}/{name}", self.path) }
    }
}

/// A link message (IV.A.2.g). Only a link to an object of this file has an address.
fn link<'a>(mut body: Piece<'a>) -> Result<Option<(&'a str, u64)>> {
    body.take(1)?;
    let flags = body.byte()?;
    let hard = flags & 8 == 0 || body.byte()? == 0;
    body.take(if flags & 4 != 0 { 8 } else { 0 } + if flags & 0x10 != 0 { 1 } else { 0 })?;
    let length = body.number(1 << (flags & 3))?;
    let name = Piece(body.take(usize::try_from(length).unwrap_or(usize::MAX))?).text()?;
    Ok(if hard { Some((name, body.number(8)?)) } else { None })
}

/// Messages about links and about attributes say where a heap of them is, if there is one (IV.A.2.c, IV.A.2.v).
fn refuse_heap(body: &mut Piece<'_>, index: usize, path: &str, what: &str) -> Result<()> {
    body.take(1)?;
    let skipped = if body.byte()? & 1 != 0 { index } else { 0 };
    body.take(skipped)?;
    if body.number(8)? == NOWHERE {
        return Ok(());
    }
    Err(format!(
        "\"{path}\" keeps its {what} in a fractal heap, which is not known here; write it without libver=\"latest\""
    ))
}

/// Members as a symbol table has them: names in a heap, and a tree of nodes with addresses (III.A.1, III.B, III.D).
fn symbols<'a>(bytes: &Bytes<'a>, mut body: Piece<'a>, members: &mut BTreeMap<&'a str, u64>) -> Result<()> {
    let (tree, heap) = (body.number(8)?, body.number(8)?);
    let mut heap = bytes.at(heap, 32)?;
    heap.signature("HEAP")?;
    heap.take(4)?;
    let length = heap.number(8)?;
    heap.take(8)?;
    let names = bytes.at(heap.number(8)?, length)?;
    let mut nodes = vec![(tree, u64::MAX)];
    while let Some((at, below)) = nodes.pop() {
        if bytes.at(at, 4)?.0 == b"SNOD" {
            leaf(bytes, at, names, members)?;
            continue;
        }
        let mut node = bytes.at(at, 24)?;
        node.signature("TREE")?;
        node.take(1)?;
        let (level, count) = (node.number(1)?, node.number(2)?);
        if level >= below {
            return Err("it is damaged: a tree of members leads back to itself".into());
        }
        let mut entries = bytes.at(at.saturating_add(24), count * 16)?;
        for _ in 0..count {
            entries.take(8)?; // the least name below
            nodes.push((entries.number(8)?, level));
        }
    }
    Ok(())
}

fn leaf<'a>(bytes: &Bytes<'a>, at: u64, names: Piece<'a>, members: &mut BTreeMap<&'a str, u64>) -> Result<()> {
    let mut node = bytes.at(at, 8)?;
    node.take(6)?;
    let count = node.number(2)?;
    let mut entries = bytes.at(at.saturating_add(8), count * 40)?;
    for _ in 0..count {
        let (name, address, cached) = (entries.number(8)?, entries.number(8)?, entries.number(4)?);
        entries.take(20)?;
        let name = usize::try_from(name).ok().and_then(|begin| names.0.get(begin..));
        let name = Piece(name.ok_or("it is damaged: a member has no name")?).text()?;
        bytes.spend(name.len() as u64)?;
        if cached != 2 {
            members.insert(name, address); // 2 is a link to a path
        }
    }
    Ok(())
}
