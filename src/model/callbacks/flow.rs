//! The result of a callback's hook: continue or stop.

use std::ops::ControlFlow;

/// Whether training continues or stops, as returned by hooks.
pub type Flow = ControlFlow<Stop>;

/// Why training ends before its last epoch.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
#[non_exhaustive]
pub enum Stop {
    /// Training pauses: a later resume continues it.
    Paused,
    /// Training is finished: a later resume trains no further.
    Done,
}
