//! Metrics, and the means of the loss and the metrics over an epoch.

mod accepted;
mod batch;
mod check;
mod confusion;
mod direction;
mod history;
mod mean;
mod metric;
mod names;
mod positive;
mod running_scores;
mod scores;
mod threshold;
mod totals;

pub use batch::{Position, ScoredBatch};
pub use confusion::ConfusionMatrix;
pub use direction::Direction;
pub use history::{Epoch, History};
pub use mean::{Count, Mean};
pub use metric::Metric;
pub use names::get;
pub use running_scores::RunningScores;
pub use scores::Scores;
pub use threshold::{RowThreshold, Threshold};

pub(crate) use crate::output_scale::argmax;

use crate::registry::{Constructor, Part};
use crate::settings::FromSpec;

/// Declares the metrics: each is a file and a line in the list below.
macro_rules! metrics {
    ($($file:ident::$Metric:ident),* $(,)?) => {
        $(mod $file; pub use $file::$Metric;)*

        impl Part for dyn Metric {
            const NAME: &'static str = "metric";

            fn built_in() -> Vec<(&'static str, Constructor<dyn Metric>)> {
                vec![$(($Metric::CLASS, |spec, classes| Ok(Box::new(spec.make_with::<$Metric>(classes)?)))),*]
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

#[cfg(test)]
mod tests;
