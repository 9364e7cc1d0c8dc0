//! Faults: invalid values that operations report, such as an index out of range.

use crate::error::Error;
use std::sync::{Mutex, PoisonError};

/// The reported fault with the smallest row.
#[derive(Debug, Default)]
pub(super) struct Faults(Mutex<Option<(usize, Error)>>);

impl Faults {
    /// Stores a fault unless an earlier one has a row that is not greater.
    pub(super) fn report(&self, row: usize, problem: impl FnOnce() -> Error) {
        let mut stored = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        if stored.as_ref().is_none_or(|(earlier, _)| row < *earlier) {
            *stored = Some((row, problem()));
        }
    }

    /// Removes and returns the stored fault.
    pub(super) fn take(&mut self) -> Option<(usize, Error)> {
        self.0.get_mut().unwrap_or_else(PoisonError::into_inner).take()
    }
}
