//! Locations of the arrays that operations read.

use crate::shape::Shape;

/// The location of an array.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub(super) enum Place {
    /// A buffer of the tape.
    Buffer(usize),
    /// A parameter.
    Param(usize),
    /// No location: the placeholder for the output of an operation that could not be recorded.
    Nowhere,
}

/// An array that an operation reads: its location, and the shape with which it is read.
#[derive(Clone, Copy, Debug, PartialEq)]
pub(super) struct Source {
    pub(super) place: Place,
    pub(super) shape: Shape,
}
