//! Targets that several losses take, and the remedies where they are given others.

use crate::accepts::{Accepts, TargetKind};

/// What to do where a loss of several classes has one output.
pub(super) const ONE_OUTPUT: &str = "BinaryCrossentropy takes one output";

/// What to do where a loss of one-hot rows is given labels.
pub(super) const ONE_HOT: &str = "Arrays::one_hot and to_categorical make one-hot rows";

/// What losses of numbers take.
pub(super) fn values() -> Accepts {
    Accepts::new(&[TargetKind::Values]).remedy("SparseCategoricalCrossentropy takes integer labels")
}
