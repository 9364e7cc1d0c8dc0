//! R², the coefficient of determination.

use super::accepted::values;
use super::metric::Metric;
use super::{Count, Direction, ScoredBatch};
use crate::accepts::Accepts;
use crate::error::Result;
use crate::settings::{FromSpec, Settings};
use crate::shape::Shape;
use crate::spec::Spec;

/// The mean over the outputs of 1 − Σ (p − t)² / Σ (t − mean t)², with sums over all rows. `R2Score` in Keras.
///
/// Targets are numbers in the output's shape.
///
/// If all targets of an output are equal, as with a single row, Keras yields NaN. This metric follows `r2_score` of
/// scikit-learn: 1 if the predictions are exact, otherwise 0. The value is 0 without rows, and if all sample weights are 0.
///
/// ```
/// use gradus::{Shape, View, metrics::{Metric, R2Score, ScoredBatch}};
/// let outputs = View::new(Shape::from([3, 1]), &[1.0, 2.0, 4.0]);
/// let batch = ScoredBatch::values(outputs, View::new(Shape::from([3, 1]), &[1.0, 2.0, 3.0]));
/// assert_eq!(R2Score.score(&batch)?, 0.5);
/// # Ok::<(), gradus::Error>(())
/// ```
#[derive(Clone, Copy, Debug, Default)]
pub struct R2Score;

impl Metric for R2Score {
    fn name(&self) -> &str {
        "r2_score"
    }

    fn direction(&self) -> Option<Direction> {
        Some(Direction::Higher)
    }

    fn accepts(&self, _output: Shape) -> Accepts {
        values()
    }

    /// For each output, Σ t, Σ t² and Σ (p − t)².
    fn totals(&self, output: Shape) -> usize {
        3 * output.len()
    }

    fn add(&self, batch: &ScoredBatch<'_>, totals: &mut [f64]) {
        let totals = totals.as_chunks_mut::<3>().0;
        let outputs = totals.len();
        for (at, (p, t)) in batch.pairs().enumerate() {
            let (total, p, t) = (&mut totals[at % outputs], f64::from(p), f64::from(t));
            total[0] += t;
            total[1] += t * t;
            total[2] += (p - t) * (p - t);
        }
    }

    fn value(&self, totals: &[f64], over: Count) -> f64 {
        if over.weight == 0.0 {
            return 0.0;
        }
        let scores = totals.as_chunks::<3>().0.iter().map(|totals| score(*totals, over));
        scores.fold(0.0, |sum, score| sum + score) / (totals.len() / 3) as f64
    }

    fn spec(&self) -> Spec {
        Spec::new(Self::CLASS)
    }
}

/// The score of one output.
fn score([sum, squares, errors]: [f64; 3], over: Count) -> f64 {
    let spread = squares - sum * (sum / over.weight);
    // Sums of equal numbers have errors of up to a seventh of n · 2⁻⁵²: a variance below a quarter of it is rounding.
    let constant = spread <= squares * (over.rows as f64 * 0.25 * f64::EPSILON);
    let score = if constant && errors == 0.0 { 1.0 } else { 1.0 - errors / if constant { 0.0 } else { spread } };
    if score.is_infinite() { 0.0 } else { score }
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
    use crate::shape::View;

    pub(crate) fn samples() -> Vec<Box<dyn Metric>> {
        vec![Box::new(R2Score)]
    }

    /// The score over all rows, in batches of `batch`.
    fn scored(targets: &[f32], errors: impl Fn(usize) -> f32, batch: usize) -> f64 {
        let mut totals = [0.0; 3];
        for (number, targets) in targets.chunks(batch).enumerate() {
            let outputs: Vec<f32> = (0..targets.len()).map(|at| targets[at] + errors(number * batch + at)).collect();
            let view = |values| View::new(Shape::from([targets.len(), 1]), values);
            let mut of_batch = [0.0; 3];
            R2Score.add(&ScoredBatch::values(view(&outputs), view(targets)), &mut of_batch);
            totals.iter_mut().zip(of_batch).for_each(|(total, more)| *total += more);
        }
        R2Score.value(&totals, Count::of(targets.len()))
    }

    /// Sums round, so equal targets seldom have a variance of exactly 0.
    #[test]
    fn constant_targets_score_1_or_0() {
        for constant in [0.0, 0.1, -3.3, 1234.567, 1e-3, 1e9] {
            for rows in [1, 2, 3, 100, 12_345] {
                for batch in [1, 32] {
                    let targets = vec![constant; rows];
                    assert_eq!(scored(&targets, |_| 0.0, batch), 1.0, "{rows} × {constant}");
                    let error = constant.abs().max(1.0);
                    let found = scored(&targets, |row| if row == 0 { error } else { 0.0 }, batch);
                    assert_eq!(found, 0.0, "{rows} × {constant}");
                    assert!(scored(&targets, |_| f32::NAN, batch).is_nan(), "NaN shows");
                }
            }
        }
    }

    #[test]
    fn small_variances_are_not_constants() {
        let mut targets = vec![1000.0f32; 100];
        targets[7] = 1000.1;
        assert_eq!(scored(&targets, |_| 0.0, 32), 1.0);
        let found = scored(&targets, |row| if row == 7 { 1000.0 - 1000.1 } else { 0.0 }, 32);
        approx::assert_relative_eq!(found, 1.0 - 1.0 / 0.99, max_relative = 1e-3);
    }
}
