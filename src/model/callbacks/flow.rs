//! What a callback answers.

use std::ops::ControlFlow;

/// What a hook answers: go on, or [`Stop`].
pub type Flow = ControlFlow<Stop>;

/// Why training ends before its last epoch.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
#[non_exhaustive]
pub enum Stop {
    /// For now: training that resumes here goes on.
    Paused,
    /// For good: there is nothing left to train, after a resume either.
    Done,
}
