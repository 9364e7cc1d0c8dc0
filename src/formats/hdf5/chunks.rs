//! Arrays that are stored in chunks of equal shape (sections III.A.1 and IV.A.2.i, and VII.A to VII.C for version 4).
//!
//! Every chunk and the whole array are subtracted from the budget, so damaged indices cannot cause unbounded work.

use super::UNDEFINED_ADDRESS;
use super::bytes::{Bytes, Cursor, Result};
use super::checksum::lookup3;
use super::filters::Filters;
use std::collections::BTreeSet;

/// An array in chunks.
pub(super) struct Chunks<'b, 'a> {
    bytes: &'b Bytes<'a>,
    filters: Filters,
    /// The sizes of the array and those of a chunk.
    sizes: Vec<usize>,
    chunk: Vec<usize>,
    /// The number of bytes of an element and of a chunk.
    width: usize,
    length: usize,
    /// The elements read so far.
    data: Vec<u8>,
}

/// A stored chunk.
struct Stored {
    address: u64,
    length: u64,
    /// Bit i is 1 if filter i was not applied.
    skipped: u64,
}

impl<'b, 'a> Chunks<'b, 'a> {
    /// Reads the elements of an array with these sizes and this number of bytes per element. `fill` is the value of elements
    /// without a chunk.
    pub(super) fn read(
        bytes: &'b Bytes<'a>,
        layout: Cursor<'a>,
        filters: Filters,
        sizes: &[usize],
        width: usize,
        fill: &[u8],
    ) -> Result<Vec<u8>> {
        let mut body = layout;
        let (version, _class) = (body.byte()?, body.byte()?);
        let flags = if version == 4 { body.byte()? } else { 0 };
        let rank = usize::from(body.byte()?);
        let index = match version {
            3 => Some(body.number(8)?),
            _ => None,
        };
        let size_width = if version == 4 { usize::from(body.byte()?) } else { 4 };
        if rank != sizes.len() + 1 || !(1..=8).contains(&size_width) {
            return Err("it is damaged: its chunks have another number of axes".into());
        }
        let mut chunk = Vec::new();
        for _ in 0..rank {
            chunk.push(usize::try_from(body.number(size_width)?).unwrap_or(usize::MAX));
        }
        if chunk.pop() != Some(width) || chunk.contains(&0) {
            return Err("it is damaged: its chunks are empty or have elements of another size".into());
        }
        let product = |sizes: &[usize]| sizes.iter().try_fold(width, |product, size| product.checked_mul(*size));
        let (Some(total), Some(length)) = (product(sizes), product(&chunk)) else {
            return Err("it is damaged: the number of its elements overflows".into());
        };
        bytes.spend(total as u64)?;
        let mut data = vec![0; total];
        if fill.len() == width && fill.iter().any(|byte| *byte != 0) {
            data.chunks_exact_mut(width).for_each(|element| element.copy_from_slice(fill));
        }
        let mut chunks = Chunks { bytes, filters, sizes: sizes.to_vec(), chunk, width, length, data };
        if total > 0 {
            match index {
                Some(UNDEFINED_ADDRESS) => {}
                Some(tree) => chunks.tree(tree)?,
                None => chunks.indexed(body, flags)?,
            }
        }
        Ok(chunks.data)
    }

    /// Reads the chunks in a B-tree of version 1.
    fn tree(&mut self, root: u64) -> Result<()> {
        let key = 8 + 8 * (self.sizes.len() as u64 + 1);
        let (mut nodes, mut seen) = (vec![(root, u64::MAX)], BTreeSet::new());
        while let Some((at, below)) = nodes.pop() {
            if !seen.insert(at) {
                return Err("it is damaged: a B-tree has two references to a node".into());
            }
            let mut node = self.bytes.slice(at, 24)?;
            node.signature("TREE")?;
            if node.byte()? != 1 {
                return Err("it is damaged: a B-tree of chunks has another type".into());
            }
            let (level, count) = (node.number(1)?, node.number(2)?);
            if level >= below {
                return Err("it is damaged: a B-tree of chunks is cyclic".into());
            }
            let mut entries = self.bytes.slice(at.saturating_add(24), count * (key + 8))?;
            for _ in 0..count {
                let (length, skipped) = (entries.number(4)?, entries.number(4)?);
                let mut first = Vec::new();
                for _ in 0..self.sizes.len() {
                    first.push(usize::try_from(entries.number(8)?).unwrap_or(usize::MAX));
                }
                entries.take(8)?; // the place within an element
                let address = entries.number(8)?;
                match level {
                    0 => self.chunk(&first, &Stored { address, length, skipped })?,
                    _ => nodes.push((address, level)),
                }
            }
        }
        Ok(())
    }

    /// Reads the chunks of a layout of version 4. Its index has a type and parameters.
    fn indexed(&mut self, mut body: Cursor<'a>, flags: u8) -> Result<()> {
        let whole = self.length as u64;
        match body.byte()? {
            // A single chunk.
            1 => {
                let (length, skipped) = if flags & 2 != 0 { (body.number(8)?, body.number(4)?) } else { (whole, 0) };
                let stored = Stored { address: body.number(8)?, length, skipped };
                self.chunk(&vec![0; self.sizes.len()], &stored)
            }
            // All chunks one after the other, without filters.
            2 => {
                let address = body.number(8)?;
                for number in 0..self.count() {
                    let address = address.saturating_add((number as u64).saturating_mul(whole));
                    self.chunk(&self.first(number), &Stored { address, length: whole, skipped: 0 })?;
                }
                Ok(())
            }
            // An array of addresses.
            3 => {
                body.take(1)?;
                let header = body.number(8)?;
                self.fixed_array(header)
            }
            _ => {
                Err("it can grow and was written with libver=\"latest\", which is not supported; copy it with h5repack"
                    .into())
            }
        }
    }

    /// Reads the chunks in a fixed array (section VII.B).
    fn fixed_array(&mut self, header: u64) -> Result<()> {
        let mut head = Cursor(self.checked(header, 28)?);
        head.signature("FAHD")?;
        head.take(1)?;
        let (filtered, entry, page_bits) = (head.byte()? == 1, u64::from(head.byte()?), u32::from(head.byte()?));
        let (count, block) = (head.number(8)?, head.number(8)?);
        let expected = if filtered { 13..=20 } else { 8..=8 };
        if !expected.contains(&entry) || page_bits > 32 || count < self.count() as u64 {
            return Err("it is damaged: the index of its chunks does not match its shape".into());
        }
        if block == UNDEFINED_ADDRESS {
            return Ok(());
        }
        let page = 1u64 << page_bits;
        let pages = if count > page { count.div_ceil(page) } else { 0 };
        let prefix = 14u64.saturating_add(pages.div_ceil(8));
        // Without pages, the entries precede the checksum of the prefix.
        let unpaged = if pages == 0 { entry * count } else { 0 };
        let mut block_content = Cursor(self.checked(block, prefix.saturating_add(unpaged).saturating_add(4))?);
        block_content.signature("FADB")?;
        block_content.take(10)?;
        let written = block_content.take(pages.div_ceil(8) as usize)?;
        let mut entries = block_content;
        let mut at = block.saturating_add(prefix + 4);
        for number in 0..self.count() {
            let number = number as u64;
            if pages > 0 && number.is_multiple_of(page) {
                let (of, length) = (number / page, entry * page.min(count - number));
                let bit = written.get((of / 8) as usize).is_some_and(|byte| byte >> (7 - of % 8) & 1 == 1);
                entries = if bit { Cursor(self.checked(at, length + 4)?) } else { Cursor(&[]) };
                at = at.saturating_add(length + 4);
            }
            if pages > 0 && entries.0.is_empty() {
                continue;
            }
            let address = entries.number(8)?;
            let (length, skipped) = match filtered {
                true => (entries.number(entry as usize - 12)?, entries.number(4)?),
                false => (self.length as u64, 0),
            };
            self.chunk(&self.first(number as usize), &Stored { address, length, skipped })?;
        }
        Ok(())
    }

    /// Returns a block without its checksum.
    fn checked(&self, address: u64, length: u64) -> Result<&'a [u8]> {
        match self.bytes.slice(address, length)?.0.split_last_chunk() {
            Some((block, sum)) if u32::from_le_bytes(*sum) == lookup3(block) => Ok(block),
            _ => Err(format!("it is damaged: the checksum at byte {address} does not match; use another copy")),
        }
    }

    /// The number of chunks along an axis.
    fn along(&self, axis: usize) -> usize {
        self.sizes[axis].div_ceil(self.chunk[axis])
    }

    fn count(&self) -> usize {
        (0..self.sizes.len()).map(|axis| self.along(axis)).product()
    }

    /// The place of the first element of a chunk.
    fn first(&self, mut number: usize) -> Vec<usize> {
        let mut first = vec![0; self.sizes.len()];
        for axis in (0..self.sizes.len()).rev() {
            first[axis] = number % self.along(axis) * self.chunk[axis];
            number /= self.along(axis);
        }
        first
    }

    /// Copies the elements of a chunk that are within the array.
    fn chunk(&mut self, first: &[usize], stored: &Stored) -> Result<()> {
        let outside = first.iter().zip(&self.sizes).any(|(first, size)| first >= size);
        if outside || stored.address == UNDEFINED_ADDRESS {
            return Ok(());
        }
        let packed = self.bytes.slice(stored.address, stored.length)?.0;
        self.bytes.spend(2 * self.length as u64)?;
        let chunk = self.filters.decode(packed, stored.skipped, self.length)?;
        let inside: Vec<usize> =
            (0..first.len()).map(|axis| self.chunk[axis].min(self.sizes[axis] - first[axis])).collect();
        // Elements along the last axis are next to each other in both.
        let (outer, run) = inside.split_at(inside.len().saturating_sub(1));
        let run = run.first().copied().unwrap_or(1) * self.width;
        let lines = outer.iter().product::<usize>();
        for line in 0..lines {
            let (mut rest, mut place) = (line, vec![0; first.len()]);
            for axis in (0..outer.len()).rev() {
                place[axis] = rest % outer[axis];
                rest /= outer[axis];
            }
            let (mut from, mut to) = (0, 0);
            for axis in 0..first.len() {
                from = from * self.chunk[axis] + place[axis];
                to = to * self.sizes[axis] + first[axis] + place[axis];
            }
            let (from, to) = (from * self.width, to * self.width);
            self.data[to..to + run].copy_from_slice(&chunk[from..from + run]);
        }
        Ok(())
    }
}
