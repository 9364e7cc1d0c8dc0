//! Metrics: what is reported beside the loss, and the means of both over an epoch.

mod history;
mod mean;
mod scores;

pub use history::{Epoch, History};
pub use mean::Mean;
pub use scores::Scores;

pub(crate) use accuracy::argmax;

use crate::settings::{FromSpec, Make};
use crate::shape::View;
use crate::spec::Spec;
use std::fmt::Debug;

/// A mean over rows of how good predictions are.
pub trait Metric: Debug + Send + Sync {
    /// The name in [`History`] and in progress lines.
    fn name(&self) -> &str;

    /// The sum over a batch's rows. Predictions are n × …, targets as the dataset gives them.
    fn sum(&self, prediction: View<'_>, target: View<'_>) -> f64;

    /// The class name and the settings.
    fn spec(&self) -> Spec;
}

/// Every metric: one line here and one new file add one.
macro_rules! metrics {
    ($($file:ident::$Metric:ident),* $(,)?) => {
        $(mod $file; pub use $file::$Metric;)*

        /// Every metric's class, and how it is made from its settings.
        pub(crate) fn classes() -> Vec<(&'static str, Make<dyn Metric>)> {
            vec![$(($Metric::CLASS, |spec| Ok(Box::new(spec.make::<$Metric>()?)))),*]
        }
    };
}

metrics! {
    accuracy::Accuracy,
}
