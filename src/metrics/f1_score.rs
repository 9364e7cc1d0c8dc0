//! F1: the harmonic mean of precision and recall, class by class.

use super::{Metric, ratio, value_times_rows};
use crate::error::{Result, check_setting};
use crate::settings::{FromSpec, Settings};
use crate::shape::{Shape, View};
use crate::spec::Spec;

/// 2 · right / (taken + belonging) of each output, and the mean of that over the outputs. A row is taken for its largest
/// prediction, or for each above a threshold where there is one; targets are 0 and 1. Keras' `F1Score(average="macro")`.
///
/// [`ConfusionMatrix`](super::ConfusionMatrix) has it by class.
#[derive(Clone, Copy, Debug, Default)]
pub struct F1Score {
    threshold: Option<f32>,
}

impl F1Score {
    /// Of the largest predictions.
    pub fn new() -> F1Score {
        F1Score::default()
    }

    /// Of all predictions above this, 0 < threshold ≤ 1.
    pub fn threshold(mut self, threshold: f32) -> F1Score {
        self.threshold = Some(threshold);
        self
    }
}

impl Metric for F1Score {
    fn name(&self) -> &str {
        "f1_score"
    }

    fn sum(&self, prediction: View<'_>, target: View<'_>) -> f64 {
        value_times_rows(self, prediction, target)
    }

    /// For each output: the right ones, and those taken for it with those that belong to it.
    fn totals(&self, prediction: Shape) -> usize {
        2 * prediction.last()
    }

    fn add(&self, prediction: View<'_>, target: View<'_>, totals: &mut [f64]) {
        let columns = totals.len() / 2;
        for (p, t) in prediction.chunks_exact(columns).zip(target.chunks_exact(columns)) {
            let most = p.iter().fold(f32::NEG_INFINITY, |most, p| if *p > most { *p } else { most });
            // A prediction of 0 is taken for nothing, also where it is the largest.
            let taken = |p: f32| self.threshold.map_or(p >= most && p.abs() > 1e-9, |threshold| p > threshold);
            for ((total, p), t) in totals.as_chunks_mut::<2>().0.iter_mut().zip(p).zip(t) {
                let (taken, t) = (f64::from(u8::from(taken(*p))), f64::from(*t));
                total[0] += taken * t;
                total[1] += taken + t;
            }
        }
    }

    fn value(&self, totals: &[f64], _rows: f64) -> f64 {
        let scores = totals.as_chunks::<2>().0.iter().map(|[right, all]| ratio(2.0 * right, *all));
        scores.fold(0.0, |sum, score| sum + score) / (totals.len() / 2) as f64
    }

    fn check(&self) -> Result<()> {
        let threshold = self.threshold.unwrap_or(1.0);
        let fits = threshold > 0.0 && threshold <= 1.0;
        check_setting(fits, Self::CLASS, "threshold", f64::from(threshold), "0 < threshold ≤ 1")
    }

    fn spec(&self) -> Spec {
        let spec = Spec::new(Self::CLASS);
        self.threshold.map_or(spec.clone(), |threshold| spec.with("threshold", threshold))
    }
}

impl FromSpec for F1Score {
    const CLASS: &'static str = "F1Score";

    fn from_spec(settings: &mut Settings<'_>) -> Result<F1Score> {
        let threshold = if settings.has("threshold") { Some(settings.number("threshold")?) } else { None };
        Ok(F1Score { threshold })
    }
}

#[cfg(test)]
pub(super) mod tests {
    use super::*;

    pub(crate) fn samples() -> Vec<Box<dyn Metric>> {
        vec![Box::new(F1Score::new()), Box::new(F1Score::new().threshold(0.25))]
    }
}
