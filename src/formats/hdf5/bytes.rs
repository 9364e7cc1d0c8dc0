//! The bytes of a file, read piece by piece with a limit on how much is read in all.

use std::cell::Cell;

/// What is wrong with a file, in words.
pub(super) type Result<T> = std::result::Result<T, String>;

/// A whole file in memory.
#[derive(Debug)]
pub(super) struct Bytes<'a> {
    all: &'a [u8],
    /// How many bytes may still be looked at: a file that leads round in circles, or to the same place again and again,
    /// soon comes to an end.
    left: Cell<usize>,
}

impl<'a> Bytes<'a> {
    pub(super) fn new(all: &'a [u8]) -> Bytes<'a> {
        Bytes { all, left: Cell::new(all.len().saturating_mul(8).saturating_add(1 << 20)) }
    }

    /// `length` bytes from `address` on.
    pub(super) fn at(&self, address: u64, length: u64) -> Result<Piece<'a>> {
        self.spend(length)?;
        let begin = usize::try_from(address).ok();
        let end = address.checked_add(length).and_then(|end| usize::try_from(end).ok());
        let piece = begin.zip(end).and_then(|(begin, end)| self.all.get(begin..end));
        piece
            .map(Piece)
            .ok_or_else(|| format!("it refers to byte {address}, which it does not have; was it cut short?"))
    }

    /// Counts bytes that are read or made.
    pub(super) fn spend(&self, length: u64) -> Result<()> {
        let left = usize::try_from(length).ok().and_then(|length| self.left.get().checked_sub(length));
        self.left.set(left.ok_or("it claims to hold much more than its length; it is damaged")?);
        Ok(())
    }
}

/// A piece of a file, taken off from the front.
#[derive(Clone, Copy, Debug)]
pub(super) struct Piece<'a>(pub(super) &'a [u8]);

impl<'a> Piece<'a> {
    /// The next bytes.
    pub(super) fn take(&mut self, length: usize) -> Result<&'a [u8]> {
        let (taken, rest) = self.0.split_at_checked(length).ok_or("it is damaged: a record ends before its end")?;
        self.0 = rest;
        Ok(taken)
    }

    /// The next number, which is this many bytes wide.
    pub(super) fn number(&mut self, width: usize) -> Result<u64> {
        let mut eight = [0; 8];
        eight[..width].copy_from_slice(self.take(width)?);
        Ok(u64::from_le_bytes(eight))
    }

    pub(super) fn byte(&mut self) -> Result<u8> {
        Ok(self.take(1)?[0])
    }

    /// Bytes that have to be these.
    pub(super) fn signature(&mut self, expected: &str) -> Result<()> {
        match self.take(expected.len())? == expected.as_bytes() {
            true => Ok(()),
            false => Err(format!("it is damaged: a record should begin with {expected}")),
        }
    }

    /// A text that ends with a zero.
    pub(super) fn text(&self) -> Result<&'a str> {
        let end = self.0.iter().position(|byte| *byte == 0).unwrap_or(self.0.len());
        std::str::from_utf8(&self.0[..end]).map_err(|_| "it is damaged: a name is not UTF-8".into())
    }
}
