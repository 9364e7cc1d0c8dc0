//! Metrics: what is reported beside the loss, and the means of both over an epoch.

mod accuracy;
mod history;
mod mean;
mod scores;

pub use accuracy::Accuracy;
pub use history::{Epoch, History};
pub use mean::Mean;
pub use scores::Scores;

pub(crate) use accuracy::argmax;

use crate::shape::View;
use std::fmt::Debug;

/// A mean over rows of how good predictions are.
pub trait Metric: Debug + Send + Sync {
    /// The name in [`History`] and in progress lines.
    fn name(&self) -> &str;

    /// The sum over a batch's rows. Predictions are n × …, targets as the dataset gives them.
    fn sum(&self, prediction: View<'_>, target: View<'_>) -> f64;
}
