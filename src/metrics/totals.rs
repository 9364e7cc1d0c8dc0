//! Totals that several metrics have in common, and the mean that follows from them.

use super::{Position, ScoredBatch};

/// Adds the number of correct positions, averaged over the positions of each row.
pub(super) fn add_right(batch: &ScoredBatch<'_>, totals: &mut [f64], is_right: impl Fn(&Position<'_>) -> bool) {
    let positions = batch.outputs().shape().rows() / batch.rows();
    totals[0] += batch.positions().filter(is_right).count() as f64 / positions as f64;
}

/// Adds the mean error over the outputs of each row.
pub(super) fn add_errors(batch: &ScoredBatch<'_>, totals: &mut [f64], error: impl Fn(f32, f32) -> f64) {
    let sum = batch.pairs().fold(0.0, |sum, (output, target)| sum + error(output, target));
    totals[0] += sum / batch.outputs().shape().sample().len() as f64;
}

/// `part` / `whole`, or 0 if `whole` is 0.
pub(super) fn ratio(part: f64, whole: f64) -> f64 {
    if whole == 0.0 { 0.0 } else { part / whole }
}
