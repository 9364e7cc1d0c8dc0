//! Unique numbers of tapes and parameter sets, which detect ids that are used with the wrong one.

use std::sync::atomic::{AtomicU64, Ordering};

/// A number that is unique within the process.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub(crate) struct Stamp(u64);

impl Stamp {
    /// Creates a new stamp.
    pub(crate) fn next() -> Stamp {
        static NEXT: AtomicU64 = AtomicU64::new(0);
        Stamp(NEXT.fetch_add(1, Ordering::Relaxed))
    }

    /// The number, which no other stamp of the process has.
    pub(crate) fn number(self) -> u64 {
        self.0
    }
}
