//! The limit on the memory for the contents of one file.
//!
//! Compressed members, repeated references and large declared shapes can expand a small file to far more data than its length.
//! A reader therefore subtracts everything that it allocates, and every repeated read, from one [`Budget`] for the whole
//! file. Rows that a caller passes to a model are not contents of the file and are not counted.

use std::cell::Cell;

/// Constant part of the default limit: 256 MiB.
const BASE: u64 = 256 << 20;

/// Part of the default limit per byte of the file.
const PER_BYTE: u64 = 16;

/// The maximum memory that the contents of a file may take when it is read. It also bounds the reading time.
///
/// The default is 256 MiB plus 16 times the length of the file. The values that an ONNX graph computes for one row count too;
/// for them, the limit is higher by 256 times the memory of a row of the inputs. The number of rows does not count. Files that compress very well, such as arrays of zeros, may
/// need more.
///
/// ```
/// use gradus::formats::MemoryLimit;
/// let limit = MemoryLimit::bytes(4 << 30); // 4 GiB
/// assert_ne!(limit, MemoryLimit::default()); // pass it to npz::read_with, keras::load_with or onnx::import_with
/// ```
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct MemoryLimit {
    /// `None` for the default.
    bytes: Option<u64>,
}

impl MemoryLimit {
    /// Creates a limit of `bytes` bytes, regardless of the length of the file.
    pub const fn bytes(bytes: u64) -> MemoryLimit {
        MemoryLimit { bytes: Some(bytes) }
    }

    /// The limit in bytes, unless it is the default.
    #[cfg(feature = "cli")]
    pub(crate) const fn given(self) -> Option<u64> {
        self.bytes
    }

    /// The budget for a file of this length.
    pub(crate) fn budget(self, file_length: usize) -> Budget {
        let length = u64::try_from(file_length).unwrap_or(u64::MAX);
        let limit = self.bytes.unwrap_or(BASE.saturating_add(length.saturating_mul(PER_BYTE)));
        Budget { limit, spent: Cell::new(0) }
    }
}

/// The memory that is left for the contents of one file.
#[derive(Debug)]
pub(crate) struct Budget {
    limit: u64,
    spent: Cell<u64>,
}

impl Budget {
    /// Subtracts `bytes` that are allocated or read. Call it before the allocation.
    ///
    /// # Errors
    /// A message about the file if the budget is exceeded.
    pub(crate) fn spend(&self, bytes: u64) -> Result<(), String> {
        match self.spent.get().checked_add(bytes) {
            Some(spent) if spent <= self.limit => {
                self.spent.set(spent);
                Ok(())
            }
            _ => Err(format!(
                "its contents need more memory than the limit of {}; if the file comes from a trusted source, raise the \
                 limit with MemoryLimit, with Registry::memory_limit for a model file of gradus, or with --memory in the \
                 program",
                size(self.limit)
            )),
        }
    }

    /// The bytes that are left.
    #[cfg(feature = "onnx")]
    pub(crate) fn left(&self) -> u64 {
        self.limit.saturating_sub(self.spent.get())
    }

    /// Checks that `bytes` are left without subtracting them.
    ///
    /// # Errors
    /// A message about the file if the budget is exceeded.
    #[cfg(feature = "onnx")]
    pub(crate) fn check(&self, bytes: u64) -> Result<(), String> {
        let spent = self.spent.get();
        self.spend(bytes)?;
        self.spent.set(spent);
        Ok(())
    }

    /// The budget with a limit that is higher by `bytes`.
    #[cfg(feature = "onnx")]
    pub(crate) fn extended(self, bytes: u64) -> Budget {
        Budget { limit: self.limit.saturating_add(bytes), ..self }
    }

    /// Subtracts the memory of an array.
    ///
    /// # Errors
    /// A message about the file if the budget is exceeded.
    #[cfg(feature = "npz")]
    pub(crate) fn spend_array(&self, elements: usize, bytes_per_element: usize) -> Result<(), String> {
        self.spend((elements as u64).saturating_mul(bytes_per_element as u64))
    }

    /// The bytes subtracted so far.
    #[cfg(test)]
    pub(crate) fn spent(&self) -> u64 {
        self.spent.get()
    }
}

/// A number of bytes for messages.
fn size(bytes: u64) -> String {
    if bytes >= 1 << 20 { format!("{} MiB", bytes >> 20) } else { format!("{bytes} bytes") }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn one_budget_limits_the_sum() {
        let budget = MemoryLimit::bytes(100).budget(1 << 30);
        budget.spend(60).unwrap();
        budget.spend_array(10, 4).unwrap();
        let text = budget.spend(1).unwrap_err();
        assert!(text.starts_with("its contents need more memory than the limit of 100 bytes"), "{text}");
        assert_eq!(budget.spent(), 100, "a rejected amount is not counted");
        budget.spend_array(usize::MAX, usize::MAX).unwrap_err();
    }

    #[test]
    fn the_default_grows_with_the_file() {
        let limit = |length| MemoryLimit::default().budget(length).limit;
        assert_eq!((limit(0), limit(1 << 30)), (256 << 20, (256 << 20) + (16 << 30)));
        assert_eq!(limit(usize::MAX), u64::MAX);
    }
}
