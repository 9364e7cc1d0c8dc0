//! The contract of metrics.

use super::check::check_batch;
use super::totals::ratio;
use super::{Count, Direction, ScoredBatch};
use crate::accepts::Accepts;
use crate::error::Result;
use crate::forward::forward;
use crate::shape::Shape;
use crate::spec::Spec;
use std::fmt::Debug;
use std::sync::Arc;

/// A measure of how good predictions are: a mean over rows, or what follows from sums over rows.
///
/// ```
/// use gradus::metrics::{Direction, Metric, ScoredBatch};
/// use gradus::{Accepts, Shape, Spec, TargetKind};
///
/// /// The largest class probability, however right it is.
/// #[derive(Debug)]
/// struct Confidence;
///
/// impl Metric for Confidence {
///     fn name(&self) -> &str {
///         "confidence"
///     }
///     fn direction(&self) -> Option<Direction> {
///         None // neither way is better, so a monitor has to say which one it means
///     }
///     fn accepts(&self, _output: Shape) -> Accepts {
///         Accepts::new(&[TargetKind::Any])
///     }
///     fn add(&self, batch: &ScoredBatch<'_>, totals: &mut [f64]) {
///         for position in batch.positions() {
///             totals[0] += f64::from(position.outputs().iter().copied().fold(f32::MIN, f32::max));
///         }
///     }
///     fn spec(&self) -> Spec {
///         Spec::new("Confidence")
///     }
/// }
/// ```
///
/// The totals of an epoch are kept outside of the metric, which is plain configuration. `Box` and `Arc` of a metric are
/// metrics, so that one can be chosen at run time and shared.
pub trait Metric: Debug + Send + Sync {
    /// The name in [`History`] and in progress lines.
    fn name(&self) -> &str;

    /// Whether lower or higher values are better; `None` where neither is. A [`Monitor`](crate::Monitor) of the metric asks
    /// for it.
    fn direction(&self) -> Option<Direction>;

    /// The targets that it takes, and its requirements on the model's output, where a row's output has this shape. Checked
    /// by `compile`, and before any work by every call that takes a dataset.
    fn accepts(&self, output: Shape) -> Accepts;

    /// The number of totals that it keeps over an epoch, where a row's output has this shape; a mean needs one.
    fn totals(&self, _output: Shape) -> usize {
        1
    }

    /// Adds a batch's rows to the totals. Called in every training step, so it should not allocate. A row adds the same
    /// whatever other rows the batch has: where rows have weights, each is added alone, its part times its weight.
    fn add(&self, batch: &ScoredBatch<'_>, totals: &mut [f64]);

    /// The value that follows from the totals over the counted rows. The default is a mean: the first
    /// total over the rows' weights, and 0 over none.
    fn value(&self, totals: &[f64], over: Count) -> f64 {
        ratio(totals[0], over.weight)
    }

    /// The value over a single batch, for a training loop of your own.
    ///
    /// # Errors
    /// Targets or outputs that the metric does not take.
    fn score(&self, batch: &ScoredBatch<'_>) -> Result<f64> {
        check_batch(self.accepts(batch.outputs().shape().sample()), self.spec().class(), batch)?;
        let mut totals = vec![0.0; self.totals(batch.outputs().shape().sample())];
        self.add(batch, &mut totals);
        Ok(self.value(&totals, Count::of(batch.rows())))
    }

    /// Checks the settings.
    ///
    /// # Errors
    /// One of them is out of range.
    fn check(&self) -> Result<()> {
        Ok(())
    }

    /// The class name and the settings.
    fn spec(&self) -> Spec;
}

forward!(Metric for [Box, Arc] {
    fn name(&self) -> &str;
    fn direction(&self) -> Option<Direction>;
    fn accepts(&self, output: Shape) -> Accepts;
    fn totals(&self, output: Shape) -> usize;
    fn add(&self, batch: &ScoredBatch<'_>, totals: &mut [f64]);
    fn value(&self, totals: &[f64], over: Count) -> f64;
    fn score(&self, batch: &ScoredBatch<'_>) -> Result<f64>;
    fn check(&self) -> Result<()>;
    fn spec(&self) -> Spec;
});
