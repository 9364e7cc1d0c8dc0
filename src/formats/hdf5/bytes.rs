//! Access to the bytes of a file, with a budget for everything that is read.

use crate::formats::budget::Budget;

/// A result whose error is a description of the problem with the file.
pub(super) type Result<T> = std::result::Result<T, String>;

/// Cost of a read in addition to its length, so that repeated empty reads are bounded too.
const READ_COST: u64 = 8;

/// A whole file in memory.
#[derive(Debug)]
pub(super) struct Bytes<'a> {
    all: &'a [u8],
    /// Bounds the work for files with cyclic or repeated references.
    budget: &'a Budget,
}

impl<'a> Bytes<'a> {
    pub(super) fn new(all: &'a [u8], budget: &'a Budget) -> Bytes<'a> {
        Bytes { all, budget }
    }

    pub(super) fn budget(&self) -> &'a Budget {
        self.budget
    }

    /// Returns a cursor over `length` bytes from `address`.
    pub(super) fn slice(&self, address: u64, length: u64) -> Result<Cursor<'a>> {
        let begin = usize::try_from(address).ok();
        let end = address.checked_add(length).and_then(|end| usize::try_from(end).ok());
        let piece = begin.zip(end).and_then(|(begin, end)| self.all.get(begin..end));
        let piece = piece.ok_or_else(|| {
            format!("it refers to byte {address}, which is beyond its end; it is truncated or damaged")
        })?;
        self.spend(length + READ_COST)?;
        Ok(Cursor(piece))
    }

    /// Subtracts `length` bytes, read or allocated, from the budget.
    pub(super) fn spend(&self, length: u64) -> Result<()> {
        self.budget.spend(length)
    }
}

/// A slice of a file that is consumed from the front.
#[derive(Clone, Copy, Debug)]
pub(super) struct Cursor<'a>(pub(super) &'a [u8]);

impl<'a> Cursor<'a> {
    /// Consumes the next bytes.
    pub(super) fn take(&mut self, length: usize) -> Result<&'a [u8]> {
        let (taken, rest) = self.0.split_at_checked(length).ok_or("it is damaged: a record is truncated")?;
        self.0 = rest;
        Ok(taken)
    }

    /// Consumes a little-endian number of `width` bytes.
    pub(super) fn number(&mut self, width: usize) -> Result<u64> {
        let mut eight = [0; 8];
        eight[..width].copy_from_slice(self.take(width)?);
        Ok(u64::from_le_bytes(eight))
    }

    pub(super) fn byte(&mut self) -> Result<u8> {
        Ok(self.take(1)?[0])
    }

    /// Consumes a signature and checks it.
    pub(super) fn signature(&mut self, expected: &str) -> Result<()> {
        match self.take(expected.len())? == expected.as_bytes() {
            true => Ok(()),
            false => Err(format!("it is damaged: a record should begin with {expected}")),
        }
    }

    /// The bytes as a string, up to the first zero byte.
    pub(super) fn text(&self) -> Result<&'a str> {
        let end = self.0.iter().position(|byte| *byte == 0).unwrap_or(self.0.len());
        std::str::from_utf8(&self.0[..end]).map_err(|_| "it is damaged: a name is not UTF-8".into())
    }
}
