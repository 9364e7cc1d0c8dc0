//! How much of the spread of values is explained.

use super::{Metric, value_times_rows};
use crate::error::Result;
use crate::settings::{FromSpec, Settings};
use crate::shape::{Shape, View};
use crate::spec::Spec;

/// 1 − Σ (p − t)² / Σ (t − mean t)² for each output over all rows, and the mean of that over the outputs; 0 for an output whose
/// targets are all the same. Keras' `R2Score`.
#[derive(Clone, Copy, Debug, Default)]
pub struct R2Score;

impl Metric for R2Score {
    fn name(&self) -> &str {
        "r2_score"
    }

    fn sum(&self, prediction: View<'_>, target: View<'_>) -> f64 {
        value_times_rows(self, prediction, target)
    }

    /// For each output Σ t, Σ t² and Σ (p − t)².
    fn totals(&self, prediction: Shape) -> usize {
        3 * prediction.len()
    }

    fn add(&self, prediction: View<'_>, target: View<'_>, totals: &mut [f64]) {
        let columns = totals.len() / 3;
        for (p, t) in prediction.chunks_exact(columns).zip(target.chunks_exact(columns)) {
            for ((total, p), t) in totals.as_chunks_mut::<3>().0.iter_mut().zip(p).zip(t) {
                let (p, t) = (f64::from(*p), f64::from(*t));
                total[0] += t;
                total[1] += t * t;
                total[2] += (p - t) * (p - t);
            }
        }
    }

    fn value(&self, totals: &[f64], rows: f64) -> f64 {
        let score = |[sum, squares, errors]: &[f64; 3]| {
            let score = 1.0 - errors / (squares - sum * (sum / rows));
            if score.is_infinite() { 0.0 } else { score }
        };
        let scores = totals.as_chunks::<3>().0.iter().map(score);
        scores.fold(0.0, |sum, score| sum + score) / (totals.len() / 3) as f64
    }

    fn spec(&self) -> Spec {
        Spec::new(Self::CLASS)
    }
}

impl FromSpec for R2Score {
    const CLASS: &'static str = "R2Score";

    fn from_spec(_settings: &mut Settings<'_>) -> Result<R2Score> {
        Ok(R2Score)
    }
}

#[cfg(test)]
pub(super) mod tests {
    use super::*;

    pub(crate) fn samples() -> Vec<Box<dyn Metric>> {
        vec![Box::new(R2Score)]
    }
}
