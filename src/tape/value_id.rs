//! Ids of recorded values.

use super::stamp::Stamp;

/// The id of a recorded value. It gives access to the value on its [`Tape`](super::Tape) after recording.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub struct ValueId {
    pub(super) stamp: Stamp,
    /// The index of the value in its recording.
    pub(super) var: usize,
}
