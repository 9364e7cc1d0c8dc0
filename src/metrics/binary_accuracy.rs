//! Accuracy of predictions that are yes or no each.

use super::{Metric, sum_of_means};
use crate::error::{Result, check_setting};
use crate::settings::{FromSpec, Settings};
use crate::shape::View;
use crate::spec::Spec;

/// The share of predictions that are on their target's side of a threshold: 1 above it, 0 otherwise. Keras'
/// `BinaryAccuracy`.
#[derive(Clone, Copy, Debug)]
pub struct BinaryAccuracy {
    threshold: f32,
}

impl Default for BinaryAccuracy {
    /// With a threshold of ½, as in Keras.
    fn default() -> BinaryAccuracy {
        BinaryAccuracy::new(0.5)
    }
}

impl BinaryAccuracy {
    /// With this threshold.
    pub fn new(threshold: f32) -> BinaryAccuracy {
        BinaryAccuracy { threshold }
    }
}

impl Metric for BinaryAccuracy {
    fn name(&self) -> &str {
        "binary_accuracy"
    }

    fn sum(&self, prediction: View<'_>, target: View<'_>) -> f64 {
        let class = |p: f32| f32::from(u8::from(p > self.threshold));
        sum_of_means(prediction, target, |p, t| f64::from(u8::from(class(p) == t)))
    }

    fn check(&self) -> Result<()> {
        check_setting(!self.threshold.is_nan(), Self::CLASS, "threshold", f64::from(self.threshold), "numbers")
    }

    fn spec(&self) -> Spec {
        Spec::new(Self::CLASS).with("threshold", self.threshold)
    }
}

impl FromSpec for BinaryAccuracy {
    const CLASS: &'static str = "BinaryAccuracy";

    fn from_spec(settings: &mut Settings<'_>) -> Result<BinaryAccuracy> {
        settings.number("threshold").map(BinaryAccuracy::new)
    }
}

#[cfg(test)]
pub(super) mod tests {
    use super::*;

    pub(crate) fn samples() -> Vec<Box<dyn Metric>> {
        vec![Box::new(BinaryAccuracy::default()), Box::new(BinaryAccuracy::new(0.7))]
    }
}
