//! Targets that several metrics take, and the remedy where an output does not fit.

use crate::accepts::{Accepts, TargetKind};

/// What to do where a metric of several outputs has one.
pub(super) const ONE_OUTPUT: &str = "Accuracy and BinaryAccuracy take one output";

/// What metrics of numbers take.
pub(super) fn values() -> Accepts {
    let remedy = "metrics of classes, such as Accuracy, take integer labels";
    Accepts::new(&[TargetKind::Values]).remedy(remedy)
}
