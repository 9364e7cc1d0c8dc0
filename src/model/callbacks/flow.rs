//! The result of hooks of callbacks.

use std::ops::ControlFlow;

/// The result of a hook: `Flow::Continue(())`, or `Flow::Break` with the kind of [`Stop`].
pub type Flow = ControlFlow<Stop>;

/// The kind of an early end of training.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
#[non_exhaustive]
pub enum Stop {
    /// Training is interrupted. Resumed training continues from here.
    Paused,
    /// Training is complete. Resumed training runs no further step.
    Done,
}
