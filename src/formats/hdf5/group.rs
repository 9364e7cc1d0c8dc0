//! Groups of a file that is read: their members and attributes.

use super::bytes::{Bytes, Cursor, Result};
use super::header::{Message, kind, messages};
use super::value::{self, Array, Attribute, Heaps};
use super::{SIGNATURE, UNDEFINED_ADDRESS};
use crate::files::unexpected;
use crate::formats::budget::Budget;
use std::cell::RefCell;
use std::collections::{BTreeMap, BTreeSet};
use std::rc::Rc;

/// Maximum number of groups in a path.
pub(super) const MAX_DEPTH: usize = 64;

/// Estimated memory of a member or an attribute, in bytes.
const MEMBER_COST: u64 = 64;

/// A file, shared by its groups.
#[derive(Debug)]
struct File<'a> {
    bytes: Bytes<'a>,
    heaps: Heaps<'a>,
    /// The groups that were read, by address. Each is read once.
    groups: RefCell<BTreeMap<u64, Rc<Contents<'a>>>>,
}

/// The members and attributes of a group.
#[derive(Debug, Default)]
struct Contents<'a> {
    members: BTreeMap<&'a str, u64>,
    attributes: BTreeMap<&'a str, Attribute<'a>>,
}

/// A group of a file in memory.
#[derive(Debug)]
pub(crate) struct Group<'a> {
    file: Rc<File<'a>>,
    /// The path from the root, for error messages.
    path: String,
    address: u64,
    contents: Rc<Contents<'a>>,
}

/// Opens the root group of a file (section II.A). Everything that is read from it is subtracted from `budget`.
pub(crate) fn open<'a>(all: &'a [u8], budget: &'a Budget) -> Result<Group<'a>> {
    let bytes = Bytes::new(all, budget);
    if !all.starts_with(SIGNATURE) {
        return Err(unexpected(all, "an HDF5 file"));
    }
    let version = bytes.slice(8, 1)?.byte()?;
    let (widths, base, end, root) = match version {
        0 => (13, 24, 40, 64),
        1 => (13, 28, 44, 68),
        2 | 3 => (9, 12, 28, 36),
        other => return Err(format!("its HDF5 superblock has version {other}, expected 0 to 3")),
    };
    let [widths, base, end, root] =
        [(widths, 2), (base, 8), (end, 8), (root, 8)].map(|(at, width)| (bytes.slice(at, width as u64), width));
    let number = |(piece, width): (Result<Cursor<'_>>, usize)| piece.and_then(|mut piece| piece.number(width));
    if number(widths)? != 0x0808 || number(base)? != 0 {
        return Err(
            "its offsets are not 8 bytes wide or have a base address, which is not supported; copy it with h5repack"
                .into(),
        );
    }
    let (end, root) = (number(end)?, number(root)?);
    if end > all.len() as u64 {
        return Err(format!("it has {} bytes, expected {end}; it is truncated", all.len()));
    }
    let file = File { bytes, heaps: Heaps::default(), groups: RefCell::default() };
    Group::read(Rc::new(file), String::new(), root)
}

impl<'a> Group<'a> {
    fn read(file: Rc<File<'a>>, path: String, address: u64) -> Result<Group<'a>> {
        let known = file.groups.borrow().get(&address).cloned();
        let contents = match known {
            Some(contents) => contents,
            None => {
                let found = Contents::read(&file.bytes, &messages(&file.bytes, address)?, &path)?;
                let contents = Rc::new(found.ok_or_else(|| format!("\"{path}\" is an array, expected a group"))?);
                file.groups.borrow_mut().insert(address, contents.clone());
                contents
            }
        };
        Ok(Group { file, path, address, contents })
    }

    /// The budget for everything that is read from the file.
    pub(crate) fn budget(&self) -> &'a Budget {
        self.file.bytes.budget()
    }

    /// Whether the group has a member of this name.
    pub(crate) fn has(&self, name: &str) -> bool {
        self.contents.members.contains_key(name)
    }

    /// The number of members.
    pub(crate) fn len(&self) -> usize {
        self.contents.members.len()
    }

    /// Returns the group at a path relative to this group.
    pub(crate) fn group(&self, path: &str) -> Result<Group<'a>> {
        if path.split('/').count() > MAX_DEPTH {
            return Err(too_deep());
        }
        let step = |from: &Group<'a>, name| Group::read(from.file.clone(), from.below(name), from.address(name)?);
        let (first, rest) = path.split_once('/').map_or((path, None), |(first, rest)| (first, Some(rest)));
        let group = step(self, first)?;
        rest.into_iter().flat_map(|rest| rest.split('/')).try_fold(group, |group, name| step(&group, name))
    }

    /// Reads the array at a path relative to this group.
    pub(crate) fn array(&self, path: &str) -> Result<Array> {
        if let Some((groups, name)) = path.rsplit_once('/') {
            return self.group(groups)?.array(name);
        }
        let messages = messages(&self.file.bytes, self.address(path)?)?;
        value::array(&self.file.bytes, &messages).map_err(|problem| format!("\"{}\": {problem}", self.below(path)))
    }

    /// Reads a string attribute; `None` if the group does not have it.
    pub(crate) fn text(&self, name: &str) -> Result<Option<String>> {
        let Some(attribute) = self.contents.attributes.get(name) else { return Ok(None) };
        Ok(attribute.texts(&self.file.bytes, &self.file.heaps)?.into_iter().next())
    }

    /// Reads an attribute that is a list of strings; an empty list if the group does not have it. Keras splits a long list into
    /// attributes with numbered names, which are joined.
    pub(crate) fn texts(&self, name: &str) -> Result<Vec<String>> {
        let texts = |name: &str| {
            self.contents.attributes.get(name).map(|found| found.texts(&self.file.bytes, &self.file.heaps))
        };
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

    /// Reads every array in this group and its groups, with its path relative to this group. The result of an intact
    /// array is an error if its type or storage is not supported. An object with several paths is read once.
    pub(crate) fn arrays(&self) -> Result<Vec<(String, Result<Array>)>> {
        let (mut found, mut seen) = (Vec::new(), BTreeSet::from([self.address]));
        self.add_arrays(String::new(), 1, &mut seen, &mut found)?;
        Ok(found)
    }

    fn add_arrays(
        &self,
        prefix: String,
        depth: usize,
        seen: &mut BTreeSet<u64>,
        found: &mut Vec<(String, Result<Array>)>,
    ) -> Result<()> {
        if depth > MAX_DEPTH {
            return Err(too_deep());
        }
        for (name, address) in &self.contents.members {
            if !seen.insert(*address) {
                continue;
            }
            let (path, place) = (format!("{prefix}{name}"), self.below(name));
            self.file.bytes.spend(MEMBER_COST + path.len() as u64)?;
            let messages = messages(&self.file.bytes, *address)?;
            match Contents::read(&self.file.bytes, &messages, &place)? {
                Some(contents) => {
                    let group =
                        Group { file: self.file.clone(), path: place, address: *address, contents: Rc::new(contents) };
                    group.add_arrays(format!("{path}/"), depth + 1, seen, found)?;
                }
                None => match value::unsupported(&messages)? {
                    Some(problem) => found.push((path, Err(problem))),
                    None => {
                        let array = value::array(&self.file.bytes, &messages);
                        let array = array.map_err(|problem| format!("\"{place}\": {problem}"))?;
                        found.push((path, Ok(array)));
                    }
                },
            }
        }
        Ok(())
    }

    fn address(&self, name: &str) -> Result<u64> {
        let found = self.contents.members.get(name).copied();
        found.ok_or_else(|| format!("\"{}\" is missing, or is a soft or external link", self.below(name)))
    }

    fn below(&self, name: &str) -> String {
        if self.path.is_empty() { name.into() } else { format!("{}/{name}", self.path) }
    }
}

impl<'a> Contents<'a> {
    /// Reads the members and attributes from the messages of an object. `None` if it is an array or a datatype.
    fn read(bytes: &Bytes<'a>, messages: &[Message<'a>], path: &str) -> Result<Option<Contents<'a>>> {
        if messages.iter().any(|message| message.kind == kind::DATATYPE) {
            return Ok(None);
        }
        let Contents { mut members, mut attributes } = Contents::default();
        for Message { kind, mut body } in messages.iter().copied() {
            match kind {
                kind::SYMBOL_TABLE => symbol_table(bytes, body, &mut members)?,
                kind::LINK => {
                    bytes.spend(MEMBER_COST)?;
                    members.extend(link(body)?);
                }
                kind::LINK_INFO => reject_heap(&mut body, 8, path, "members")?,
                kind::ATTRIBUTE_INFO => reject_heap(&mut body, 2, path, "attributes")?,
                kind::ATTRIBUTE => {
                    bytes.spend(MEMBER_COST)?;
                    let (name, attribute) = value::attribute(body)?;
                    attributes.insert(name, attribute);
                }
                _ => {}
            }
        }
        Ok(Some(Contents { members, attributes }))
    }
}

fn too_deep() -> String {
    format!("a path has more than {MAX_DEPTH} groups; it is damaged")
}

/// Parses a link message (section IV.A.2.g): the name and the address of a hard link, `None` for other links.
fn link<'a>(mut body: Cursor<'a>) -> Result<Option<(&'a str, u64)>> {
    body.take(1)?;
    let flags = body.byte()?;
    let hard = flags & 8 == 0 || body.byte()? == 0;
    body.take(if flags & 4 != 0 { 8 } else { 0 } + if flags & 0x10 != 0 { 1 } else { 0 })?;
    let length = body.number(1 << (flags & 3))?;
    let name = Cursor(body.take(usize::try_from(length).unwrap_or(usize::MAX))?).text()?;
    Ok(if hard { Some((name, body.number(8)?)) } else { None })
}

/// Returns an error if a link info or attribute info message refers to a fractal heap (sections IV.A.2.c and IV.A.2.v).
fn reject_heap(body: &mut Cursor<'_>, index: usize, path: &str, what: &str) -> Result<()> {
    body.take(1)?;
    let skipped = if body.byte()? & 1 != 0 { index } else { 0 };
    body.take(skipped)?;
    if body.number(8)? == UNDEFINED_ADDRESS {
        return Ok(());
    }
    Err(format!(
        "\"{path}\" stores its {what} in a fractal heap, which is not supported; write it without libver=\"latest\""
    ))
}

/// Reads the members of a symbol table: names in a local heap, addresses in a B-tree (sections III.A.1, III.B and III.D).
fn symbol_table<'a>(bytes: &Bytes<'a>, mut body: Cursor<'a>, members: &mut BTreeMap<&'a str, u64>) -> Result<()> {
    let (tree, heap) = (body.number(8)?, body.number(8)?);
    let mut heap = bytes.slice(heap, 32)?;
    heap.signature("HEAP")?;
    heap.take(4)?;
    let length = heap.number(8)?;
    heap.take(8)?;
    let names = bytes.slice(heap.number(8)?, length)?;
    let (mut nodes, mut seen) = (vec![(tree, u64::MAX)], BTreeSet::new());
    while let Some((at, below)) = nodes.pop() {
        if !seen.insert(at) {
            return Err("it is damaged: a B-tree has two references to a node".into());
        }
        if bytes.slice(at, 4)?.0 == b"SNOD" {
            symbol_table_node(bytes, at, names, members)?;
            continue;
        }
        let mut node = bytes.slice(at, 24)?;
        node.signature("TREE")?;
        node.take(1)?;
        let (level, count) = (node.number(1)?, node.number(2)?);
        if level >= below {
            return Err("it is damaged: a B-tree of members is cyclic".into());
        }
        let mut entries = bytes.slice(at.saturating_add(24), count * 16)?;
        for _ in 0..count {
            entries.take(8)?; // the key: the smallest name in the child
            nodes.push((entries.number(8)?, level));
        }
    }
    Ok(())
}

fn symbol_table_node<'a>(
    bytes: &Bytes<'a>,
    at: u64,
    names: Cursor<'a>,
    members: &mut BTreeMap<&'a str, u64>,
) -> Result<()> {
    let mut node = bytes.slice(at, 8)?;
    node.take(6)?;
    let count = node.number(2)?;
    let mut entries = bytes.slice(at.saturating_add(8), count * 40)?;
    for _ in 0..count {
        let (name, address, cached) = (entries.number(8)?, entries.number(8)?, entries.number(4)?);
        entries.take(20)?;
        let name = usize::try_from(name).ok().and_then(|begin| names.0.get(begin..));
        let name = Cursor(name.ok_or("it is damaged: a member has no name")?).text()?;
        bytes.spend(MEMBER_COST + name.len() as u64)?;
        if cached != 2 {
            members.insert(name, address); // 2 is a link to a path
        }
    }
    Ok(())
}
