//! The context of a forward pass: the random key of an operation, and the report of faults.

use super::faults::Faults;
use crate::error::Error;
use crate::random::Key;

/// The context in which an operation computes its value: passed to [`Op::forward`](super::Op::forward).
#[derive(Clone, Copy, Debug)]
pub struct Context<'a> {
    pub(super) key: Key,
    /// The number by which the key is split for the operation; `None` in inference, where no operation draws.
    pub(super) path: Option<u64>,
    pub(super) first_row: usize,
    pub(super) faults: &'a Faults,
}

impl Context<'_> {
    /// The random key of this operation in this run. Its draws depend on nothing else. Draws for the rows of a batch should
    /// depend on their positions in the global batch, [`first_row`](Context::first_row) and those after it, so that several
    /// tapes together draw what one tape draws.
    pub fn key(&self) -> Key {
        self.path.map_or(self.key, |path| self.key.split(path))
    }

    /// The position of the batch's first row within the global batch; 0 unless several tapes compute one batch together.
    pub fn first_row(&self) -> usize {
        self.first_row
    }

    /// Reports an invalid value in row `row`, counted from 0 along the first axis of the inputs. The run ends with
    /// [`Error::Fault`], which adds the layer, the operation and the row to `problem`. The value of the operation is not
    /// read after a fault, so `forward` may return immediately.
    ///
    /// May be called from several threads. Of several reports the one with the smallest row counts, and among those for one
    /// row the first: report a row from one thread only, so that the error does not depend on timing. `problem` is not
    /// called if a smaller row was reported before.
    pub fn fault(&self, row: usize, problem: impl FnOnce() -> Error) {
        self.faults.report(self.first_row.saturating_add(row), problem);
    }
}
