//! What an operation is told about the run in which it computes, and where it reports values that it cannot use.

use crate::error::Error;
use crate::random::Key;
use std::sync::{Mutex, PoisonError};

/// The run in which an operation computes its value: passed to [`Op::forward`](super::Op::forward).
#[derive(Clone, Copy, Debug)]
pub struct Context<'a> {
    pub(super) key: Key,
    /// What the key is split by for the operation; `None` where no operation may draw.
    pub(super) path: Option<u64>,
    pub(super) first_row: usize,
    pub(super) faults: &'a Faults,
}

impl Context<'_> {
    /// The key of this operation in this step. Draws made under it depend on nothing else.
    pub fn key(&self) -> Key {
        self.path.map_or(self.key, |path| self.key.split(path))
    }

    /// The position of the batch's first row within the global batch; 0 unless several tapes compute one batch together.
    pub fn first_row(&self) -> usize {
        self.first_row
    }

    /// Reports that the operation cannot compute `row`, counted from 0 along the first axis of its inputs. The run ends with
    /// [`Error::Fault`], which adds the layer, the operation and the row to `problem`; the value of the operation is then
    /// never read, so `forward` may return at once and leave it unfinished.
    ///
    /// May be called from several threads. Of several reports the one of the smallest row is kept, and of those of one row
    /// the first: report a row from one thread only, so that the error does not depend on their timing. `problem` is not
    /// called where a smaller row was reported before.
    pub fn fault(&self, row: usize, problem: impl FnOnce() -> Error) {
        self.faults.report(self.first_row.saturating_add(row), problem);
    }
}

/// The fault of the smallest row that an operation has reported.
#[derive(Debug, Default)]
pub(super) struct Faults(Mutex<Option<(usize, Error)>>);

impl Faults {
    fn report(&self, row: usize, problem: impl FnOnce() -> Error) {
        let mut kept = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        if kept.as_ref().is_none_or(|(earlier, _)| row < *earlier) {
            *kept = Some((row, problem()));
        }
    }

    /// What was reported, which is then forgotten.
    pub(super) fn take(&mut self) -> Option<(usize, Error)> {
        self.0.get_mut().unwrap_or_else(PoisonError::into_inner).take()
    }
}

/// `layer: operation`, for messages; the layer alone where the operation has its name.
pub(super) fn place(scope: &str, op: &str) -> String {
    match scope.rsplit('/').next() {
        Some(last) if last == op => scope.to_owned(),
        _ if scope.is_empty() => op.to_owned(),
        _ => format!("{scope}: {op}"),
    }
}
