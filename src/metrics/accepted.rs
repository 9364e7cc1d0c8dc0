//! Targets that several metrics accept, and remedies for unsuitable outputs.

use crate::accepts::{Accepts, TargetKind};

/// The remedy when a metric of several outputs has a single output.
pub(super) const ONE_OUTPUT: &str = "Accuracy and BinaryAccuracy take one output";

/// The accepted targets of metrics of numbers.
pub(super) fn values() -> Accepts {
    let remedy = "metrics of classes, such as Accuracy, take integer labels";
    Accepts::new(&[TargetKind::Values]).remedy(remedy)
}
