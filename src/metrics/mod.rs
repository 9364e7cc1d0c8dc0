//! Metrics, and the means of the loss and the metrics over an epoch.

mod batch;
mod confusion;
mod direction;
mod history;
mod mean;
mod names;
mod positive;
mod running_scores;
mod scores;
#[cfg(test)]
mod tests;
mod threshold;

pub use batch::{Position, ScoredBatch};
pub use confusion::ConfusionMatrix;
pub use direction::Direction;
pub use history::{Epoch, History};
pub use mean::{Count, Mean};
pub use names::get;
pub use running_scores::RunningScores;
pub use scores::Scores;
pub use threshold::{RowThreshold, Threshold};

pub(crate) use crate::output_scale::argmax;

use crate::accepts::{Accepts, TargetKind};
use crate::error::{Error, Result};
use crate::forward::forward;
use crate::registry::{Make, Part};
use crate::settings::FromSpec;
use crate::shape::Shape;
use crate::spec::Spec;
use crate::target::Target;
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
    /// The name in [`History`] and in progress lines.
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

/// Declares the metrics: each is a file and a line in the list below.
macro_rules! metrics {
    ($($file:ident::$Metric:ident),* $(,)?) => {
        $(mod $file; pub use $file::$Metric;)*

        impl Part for dyn Metric {
            const NAME: &'static str = "metric";

            fn built_in() -> Vec<(&'static str, Make<dyn Metric>)> {
                vec![$(($Metric::CLASS, |spec, known| Ok(Box::new(spec.make_of::<$Metric>(known)?)))),*]
            }
        }

        /// Every metric with its default settings.
        fn all() -> Vec<Box<dyn Metric>> {
            vec![$(Box::new($Metric::default())),*]
        }

        /// Samples for the tests of all metrics.
        #[cfg(test)]
        fn samples() -> Vec<Box<dyn Metric>> {
            [$($file::tests::samples()),*].into_iter().flatten().collect()
        }
    };
}

metrics! {
    accuracy::Accuracy,
    binary_accuracy::BinaryAccuracy,
    categorical_accuracy::CategoricalAccuracy,
    f1_score::F1Score,
    mean_absolute_error::MeanAbsoluteError,
    mean_squared_error::MeanSquaredError,
    precision::Precision,
    r2_score::R2Score,
    recall::Recall,
    sparse_categorical_accuracy::SparseCategoricalAccuracy,
    sparse_top_k::SparseTopKCategoricalAccuracy,
    top_k::TopKCategoricalAccuracy,
}

/// The remedy when a metric of several outputs has a single output.
const ONE_OUTPUT: &str = "Accuracy and BinaryAccuracy take one output";

/// Checks a batch against the requirements of a metric.
fn check_batch(accepts: Accepts, class: &str, batch: &ScoredBatch<'_>) -> Result<()> {
    let (outputs, targets) = (batch.outputs().shape(), batch.targets().shape());
    if outputs.axis(0) != targets.axis(0) {
        return Err(Error::Rows { first: ("outputs", outputs.axis(0)), second: ("targets", targets.axis(0)) });
    }
    if outputs.is_empty() {
        return Err(Error::Empty { what: "the batch".into() });
    }
    let (output, target) = (outputs.sample(), targets.sample());
    let place = || format!("targets for {class}");
    accepts.check_output(|| class.to_owned(), output, batch.output_scale())?;
    let target = if batch.has_labels() { Target::Labels(target) } else { Target::Values(target) };
    let kind = accepts.check(place, output, target)?.kind;
    let rows = batch.targets().data().chunks(target.len().max(1)).enumerate();
    let mut numbers = rows.flat_map(|(row, numbers)| numbers.iter().map(move |number| (row, *number)));
    numbers.try_for_each(|(row, number)| kind.check(number, output.last(), row, place))
}

/// Adds the number of correct positions; the positions of a row count as their mean.
fn add_right(batch: &ScoredBatch<'_>, totals: &mut [f64], is_right: impl Fn(&Position<'_>) -> bool) {
    let positions = batch.outputs().shape().rows() / batch.rows();
    totals[0] += batch.positions().filter(is_right).count() as f64 / positions as f64;
}

/// Adds the mean error over the outputs of each row.
fn add_errors(batch: &ScoredBatch<'_>, totals: &mut [f64], error: impl Fn(f32, f32) -> f64) {
    let sum = batch.pairs().fold(0.0, |sum, (output, target)| sum + error(output, target));
    totals[0] += sum / batch.outputs().shape().sample().len() as f64;
}

/// The accepted targets of metrics of numbers.
fn values() -> Accepts {
    let remedy = "metrics of classes, such as Accuracy, take integer labels";
    Accepts::new(&[TargetKind::Values]).remedy(remedy)
}

/// The ratio of a part to a whole, or 0 if the whole is 0.
fn ratio(part: f64, whole: f64) -> f64 {
    if whole == 0.0 { 0.0 } else { part / whole }
}
