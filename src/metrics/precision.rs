//! Precision: how many of those taken for a class belong to it.

use super::positive::Positive;
use super::{Metric, ratio, value_times_rows};
use crate::error::Result;
use crate::settings::{FromSpec, Settings};
use crate::shape::{Shape, View};
use crate::spec::Spec;

/// Of the predictions above the threshold, the share whose target is 1; 0 where there is none. Keras' `Precision`.
#[derive(Clone, Copy, Debug)]
pub struct Precision(Positive);

impl Default for Precision {
    /// Over all outputs, with a threshold of ½, as in Keras.
    fn default() -> Precision {
        Precision::new()
    }
}

impl Precision {
    /// Over all outputs, with a threshold of ½.
    pub fn new() -> Precision {
        Precision(Positive::DEFAULT)
    }

    /// Above what a prediction counts as yes, 0 ≤ threshold ≤ 1.
    pub fn threshold(mut self, threshold: f32) -> Precision {
        self.0.threshold = threshold;
        self
    }

    /// Of one output alone. Keras' `class_id`.
    pub fn class(mut self, class: usize) -> Precision {
        self.0.class = Some(class);
        self
    }
}

impl Metric for Precision {
    fn name(&self) -> &str {
        "precision"
    }

    fn sum(&self, prediction: View<'_>, target: View<'_>) -> f64 {
        value_times_rows(self, prediction, target)
    }

    /// The right ones, and all that were taken for it.
    fn totals(&self, _prediction: Shape) -> usize {
        2
    }

    fn add(&self, prediction: View<'_>, target: View<'_>, totals: &mut [f64]) {
        self.0.add(prediction, target, totals, |yes, _real| yes);
    }

    fn value(&self, totals: &[f64], _rows: f64) -> f64 {
        ratio(totals[0], totals[1])
    }

    fn check(&self) -> Result<()> {
        self.0.check(Self::CLASS)
    }

    fn spec(&self) -> Spec {
        self.0.spec(Self::CLASS)
    }
}

impl FromSpec for Precision {
    const CLASS: &'static str = "Precision";

    fn from_spec(settings: &mut Settings<'_>) -> Result<Precision> {
        Positive::from_spec(settings).map(Precision)
    }
}

#[cfg(test)]
pub(super) mod tests {
    use super::*;

    pub(crate) fn samples() -> Vec<Box<dyn Metric>> {
        vec![Box::new(Precision::new()), Box::new(Precision::new().threshold(0.25).class(1))]
    }
}
