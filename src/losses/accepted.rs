//! Targets that several losses accept, and remedies for other targets.

use crate::accepts::{Accepts, TargetKind};

/// The remedy when a loss of several classes has a single output.
pub(super) const ONE_OUTPUT: &str = "BinaryCrossentropy takes one output";

/// The remedy when a loss of one-hot rows is given labels.
pub(super) const ONE_HOT: &str = "Arrays::one_hot and to_categorical make one-hot rows";

/// The accepted targets of losses of numbers.
pub(super) fn values() -> Accepts {
    Accepts::new(&[TargetKind::Values]).remedy("SparseCategoricalCrossentropy takes integer labels")
}
