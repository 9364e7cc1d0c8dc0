//! Ids of recorded values.

use super::stamp::Stamp;

/// The id of a recorded value, by which its [`Tape`](super::Tape) accesses it after recording.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub struct ValueId {
    pub(super) stamp: Stamp,
    /// The index of the value in its recording.
    pub(super) var: usize,
}
