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

/// A metric of predictions: a mean over rows, or a function of sums over rows.
///
/// ```
/// use gradus::metrics::{Direction, Metric, ScoredBatch};
/// use gradus::{Accepts, Shape, Spec, TargetKind};
///
/// /// The largest class probability, correct or not.
/// #[derive(Debug)]
/// struct Confidence;
///
/// impl Metric for Confidence {
///     fn name(&self) -> &str {
///         "confidence"
///     }
///     fn direction(&self) -> Option<Direction> {
///         None // neither direction is better, so a monitor has to choose one
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
/// A metric is plain configuration: its totals over an epoch are stored outside it. `Box` and `Arc` of a metric are metrics,
/// so that one can be chosen at run time and shared.
pub trait Metric: Debug + Send + Sync {
    /// The name in [`History`](super::History) and in progress lines.
    fn name(&self) -> &str;

    /// Whether lower or higher values are better, for a [`Monitor`](crate::Monitor); `None` if neither is.
    fn direction(&self) -> Option<Direction>;

    /// The accepted targets and the requirements on the model's output, for an output of this shape per row. `compile` checks
    /// the output; `fit` and `evaluate` check the targets before they start.
    fn accepts(&self, output: Shape) -> Accepts;

    /// The number of totals over an epoch, for an output of this shape per row. Defaults to 1, which is enough for a mean.
    fn totals(&self, _output: Shape) -> usize {
        1
    }

    /// Adds the rows of a batch to the totals. Called in every training step, so it should not allocate. The contribution of
    /// a row must not depend on the other rows: with sample weights, each row is added alone and multiplied by its weight.
    fn add(&self, batch: &ScoredBatch<'_>, totals: &mut [f64]);

    /// Computes the value from the totals over the counted rows. The default is a mean: the first total divided by the sum of
    /// the sample weights, or 0 if that is 0.
    fn value(&self, totals: &[f64], over: Count) -> f64 {
        ratio(totals[0], over.weight)
    }

    /// Computes the value over a single batch, for a custom training loop.
    ///
    /// # Errors
    /// Targets or outputs that the metric does not accept.
    fn score(&self, batch: &ScoredBatch<'_>) -> Result<f64> {
        check_batch(self.accepts(batch.outputs().shape().sample()), self.spec().class(), batch)?;
        let mut totals = vec![0.0; self.totals(batch.outputs().shape().sample())];
        self.add(batch, &mut totals);
        Ok(self.value(&totals, Count::of(batch.rows())))
    }

    /// Checks the settings.
    ///
    /// # Errors
    /// [`Error::Setting`](crate::Error::Setting) when a setting is out of range.
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
