//! Outputs above a threshold: what precision and recall share.

use super::ScoredBatch;
use crate::accepts::{Accepts, TargetKind};
use crate::error::{Result, check_setting};

/// Outputs above a threshold, of all classes or of one alone.
#[derive(Clone, Copy, Debug)]
pub(super) struct Positive {
    pub(super) threshold: f32,
    pub(super) class: Option<usize>,
}

impl Positive {
    /// Zeros and ones, or labels as one-hot rows.
    pub(super) fn accepts(&self) -> Accepts {
        Accepts::new(&[TargetKind::Labels, TargetKind::Binary]).class(self.class).threshold(self.threshold)
    }

    /// Adds to the totals the outputs that are rightly above the threshold, and all that `counts(above, one)`: whether the
    /// output is above the threshold, and whether its target is 1.
    pub(super) fn add(&self, batch: &ScoredBatch<'_>, totals: &mut [f64], counts: impl Fn(bool, bool) -> bool) {
        let threshold = batch.threshold(self.threshold);
        for position in batch.positions() {
            let row = threshold.row(position.outputs());
            let wanted = |class: usize| self.class.is_none_or(|only| only == class);
            let pairs = position.outputs().iter().zip(position.target()).enumerate();
            for (_, (output, target)) in pairs.filter(|(class, _)| wanted(*class)) {
                let (above, one) = (row.is_above(*output), target > 0.0);
                totals[0] += f64::from(u8::from(above && one));
                totals[1] += f64::from(u8::from(counts(above, one)));
            }
        }
    }

    pub(super) fn check(&self, owner: &'static str) -> Result<()> {
        let fits = (0.0..=1.0).contains(&self.threshold);
        check_setting(fits, owner, "threshold", f64::from(self.threshold), "≥ 0 and ≤ 1")
    }
}
