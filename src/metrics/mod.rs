//! Metrics: what is reported beside the loss, and the means of both over an epoch.

mod confusion;
mod history;
mod mean;
mod scores;

pub use confusion::ConfusionMatrix;
pub use history::{Epoch, History};
pub use mean::Mean;
pub use scores::Scores;

pub(crate) use accuracy::argmax;

use crate::error::Result;
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

/// Every metric: one line here and one new file add one.
macro_rules! metrics {
    ($($file:ident::$Metric:ident),* $(,)?) => {
        $(mod $file; pub use $file::$Metric;)*

        /// Every metric's class, and how it is made from its settings.
        pub(crate) fn classes() -> Vec<(&'static str, Make<dyn Metric>)> {
            vec![$(($Metric::CLASS, |spec| Ok(Box::new(spec.make::<$Metric>()?)))),*]
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
    top_k::TopKCategoricalAccuracy,
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn specs_lead_back_and_settings_are_right() {
        for metric in samples() {
            let (spec, all) = (metric.spec(), classes());
            let (_, make) = all.iter().find(|(class, _)| *class == spec.class()).unwrap();
            assert_eq!(format!("{:?}", make(&spec).unwrap()), format!("{metric:?}"));
            assert!(metric.check().is_ok() && !metric.name().is_empty());
        }
    }
}
