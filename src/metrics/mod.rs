//! Metrics: what is reported beside the loss, and the means of both over an epoch.

mod confusion;
mod history;
mod mean;
mod positive;
mod scores;

pub use confusion::ConfusionMatrix;
pub use history::{Epoch, History};
pub use mean::Mean;
pub use scores::Scores;

pub(crate) use accuracy::argmax;

use crate::error::Result;
use crate::known::{Make, Part};
use crate::lookup;
use crate::settings::FromSpec;
use crate::shape::{Shape, View};
use crate::spec::Spec;
use std::fmt::Debug;

/// A measure of how good predictions are: a mean over rows, or what follows from sums over rows.
pub trait Metric: Debug + Send + Sync {
    /// The name in [`History`] and in progress lines.
    fn name(&self) -> &str;

    /// The sum over a batch's rows: the value over these rows alone, times how many they are. Predictions are n × …,
    /// targets as the dataset gives them.
    fn sum(&self, prediction: View<'_>, target: View<'_>) -> f64;

    /// How many totals it keeps over an epoch, where the prediction of a row has this shape; a mean needs one.
    fn totals(&self, _prediction: Shape) -> usize {
        1
    }

    /// Adds a batch's rows to the totals. Called in every training step, so it should not allocate. A row adds the same
    /// whatever stands beside it: where rows have weights, each is added by itself, its part times its weight.
    fn add(&self, prediction: View<'_>, target: View<'_>, totals: &mut [f64]) {
        totals[0] += self.sum(prediction, target);
    }

    /// The value that follows from totals over so many rows; where rows have weights, `rows` is the sum of these. A mean
    /// is 0 over none.
    fn value(&self, totals: &[f64], rows: f64) -> f64 {
        ratio(totals[0], rows)
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

impl<M: Metric + 'static> From<M> for Box<dyn Metric> {
    fn from(metric: M) -> Box<dyn Metric> {
        Box::new(metric)
    }
}

/// Every metric: one line here and one new file add one.
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

        /// What the tests that walk all metrics run.
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

/// Keras' other names of metrics.
const ALIASES: &[(&str, &str)] = &[("acc", "Accuracy"), ("mae", "MeanAbsoluteError"), ("mse", "MeanSquaredError")];

/// Returns the metric of a name: its class, Keras' name of it, or an abbreviation of Keras, with settings other than the
/// defaults in parentheses.
///
/// ```
/// use gradus::metrics;
/// assert_eq!(metrics::get("acc")?.name(), "accuracy");
/// assert_eq!(metrics::get("precision(threshold=0.75)")?.spec().to_string(), "Precision(threshold=0.75)");
/// # Ok::<(), gradus::Error>(())
/// ```
///
/// # Errors
/// [`Error::Unknown`](crate::Error::Unknown) for a name that no metric has, with the classes there are;
/// [`Error::Spec`](crate::Error::Spec) for a setting that the metric does not have or that is of another kind; settings out
/// of range.
pub fn get(name: &str) -> Result<Box<dyn Metric>> {
    let metric: Box<dyn Metric> = lookup::find(name, all().iter().map(|metric| metric.spec()).collect(), ALIASES)?;
    metric.check()?;
    Ok(metric)
}

/// Several positions in a row of the batch count as its mean.
fn mean_of_positions(right: usize, prediction: View<'_>) -> f64 {
    let positions = prediction.shape().rows() / prediction.shape().axis(0);
    right as f64 / positions as f64
}

/// The mean over the elements of each row, summed up.
fn sum_of_means(prediction: View<'_>, target: View<'_>, of: impl Fn(f32, f32) -> f64) -> f64 {
    let sum = prediction.iter().zip(target.data()).fold(0.0, |sum, (p, t)| sum + of(*p, *t));
    sum / prediction.shape().sample().len() as f64
}

/// What a metric that is no mean gives as its `sum`: its value over these rows, times how many they are.
fn value_times_rows(metric: &dyn Metric, prediction: View<'_>, target: View<'_>) -> f64 {
    let rows = prediction.shape().axis(0) as f64;
    let mut totals = vec![0.0; metric.totals(prediction.shape().sample())];
    metric.add(prediction, target, &mut totals);
    metric.value(&totals, rows) * rows
}

/// A part of a whole, or 0 of nothing.
fn ratio(part: f64, whole: f64) -> f64 {
    if whole == 0.0 { 0.0 } else { part / whole }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::known::BUILT_IN;

    #[test]
    fn totals_of_batches_give_the_value_of_all_rows() {
        let p: Vec<f32> = (0..24).map(|i| ((i * 7 % 24) as f32 + 0.5) / 24.0).collect();
        let t: Vec<f32> = (0..24).map(|i| f32::from(u8::from(i % 3 == i / 3 % 3))).collect();
        for metric in samples() {
            let columns = if metric.spec().class().starts_with("Sparse") { 1 } else { 3 };
            let (p, t) = (View::new(Shape::from([8, 3]), &p), &t[..8 * columns]);
            let target = |rows: std::ops::Range<usize>| {
                let shape = if columns == 1 { Shape::from([rows.len()]) } else { Shape::from([rows.len(), 3]) };
                View::new(shape, &t[rows.start * columns..rows.end * columns])
            };
            let mut totals = vec![0.0; metric.totals(Shape::from([3]))];
            for rows in [0..5, 5..8] {
                let batch = View::new(Shape::from([rows.len(), 3]), &p[rows.start * 3..rows.end * 3]);
                metric.add(batch, target(rows), &mut totals);
            }
            let (found, whole) = (metric.value(&totals, 8.0), metric.sum(p, target(0..8)) / 8.0);
            assert!((found - whole).abs() < 1e-12 && whole.is_finite(), "{metric:?}: {found}, not {whole}");
        }
    }

    #[test]
    fn metrics_have_the_names_of_their_classes_and_those_of_keras() {
        for metric in all() {
            let spec = metric.spec();
            for name in [spec.class(), metric.name(), &spec.to_string()] {
                assert_eq!(get(name).unwrap().spec(), spec, "{name}");
            }
        }
        let spec = |text: &str| get(text).map(|metric| metric.spec().to_string()).map_err(|error| error.to_string());
        assert_eq!(spec("recall(class=2)").unwrap(), Recall::new().class(2).spec().to_string());
        assert_eq!(spec("f1_score(threshold=1)").unwrap(), F1Score::new().threshold(1.0).spec().to_string());
        assert!(spec("mse_loss").unwrap_err().starts_with("there is no metric \"mse_loss\"; there is Accuracy, "));
    }

    #[test]
    fn specs_lead_back_and_settings_are_right() {
        for metric in samples() {
            let spec = metric.spec();
            assert_eq!(format!("{:?}", BUILT_IN.make::<dyn Metric>(&spec).unwrap()), format!("{metric:?}"));
            assert!(metric.check().is_ok() && !metric.name().is_empty());
        }
    }
}
