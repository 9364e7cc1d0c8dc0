//! Outputs above a threshold, for precision and recall.

use super::ScoredBatch;
use crate::accepts::{Accepts, TargetKind};
use crate::error::{Result, check_setting};

/// Outputs above a threshold, of all classes or of a single one.
#[derive(Clone, Copy, Debug)]
pub(super) struct Positive {
    pub(super) threshold: f32,
    pub(super) class: Option<usize>,
}

impl Positive {
    /// The accepted targets: zeros and ones, or labels as one-hot rows.
    pub(super) fn accepts(&self) -> Accepts {
        Accepts::new(&[TargetKind::Labels, TargetKind::Binary]).class(self.class).threshold(self.threshold)
    }

    /// Adds the true positives to the first total, and to the second the outputs for which `counts(above, one)`: `above` is
    /// whether the output is above the threshold, `one` whether its target is 1.
    pub(super) fn add(&self, batch: &ScoredBatch<'_>, totals: &mut [f64], counts: impl Fn(bool, bool) -> bool) {
        let threshold = batch.threshold(self.threshold);
        for position in batch.positions() {
            let row = threshold.row(position.outputs());
            let selected = |class: usize| self.class.is_none_or(|only| only == class);
            let pairs = position.outputs().iter().zip(position.target()).enumerate();
            for (_, (output, target)) in pairs.filter(|(class, _)| selected(*class)) {
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
