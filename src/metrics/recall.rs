//! Recall: how many of those that belong to a class were taken for it.

use super::positive::Positive;
use super::{Metric, ratio, value_times_rows};
use crate::error::Result;
use crate::settings::{FromSpec, Settings};
use crate::shape::{Shape, View};
use crate::spec::Spec;

/// Of the predictions whose target is 1, the share above the threshold; 0 where there is none. Keras' `Recall`.
#[derive(Clone, Copy, Debug)]
pub struct Recall(Positive);

impl Default for Recall {
    /// Over all outputs, with a threshold of ½, as in Keras.
    fn default() -> Recall {
        Recall::new()
    }
}

impl Recall {
    /// Over all outputs, with a threshold of ½.
    pub fn new() -> Recall {
        Recall(Positive::DEFAULT)
    }

    /// Above what a prediction counts as yes, 0 ≤ threshold ≤ 1.
    pub fn threshold(mut self, threshold: f32) -> Recall {
        self.0.threshold = threshold;
        self
    }

    /// Of one output alone. Keras' `class_id`.
    pub fn class(mut self, class: usize) -> Recall {
        self.0.class = Some(class);
        self
    }
}

impl Metric for Recall {
    fn name(&self) -> &str {
        "recall"
    }

    fn sum(&self, prediction: View<'_>, target: View<'_>) -> f64 {
        value_times_rows(self, prediction, target)
    }

    /// The right ones, and all that belong to it.
    fn totals(&self, _prediction: Shape) -> usize {
        2
    }

    fn add(&self, prediction: View<'_>, target: View<'_>, totals: &mut [f64]) {
        self.0.add(prediction, target, totals, |_yes, real| real);
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

impl FromSpec for Recall {
    const CLASS: &'static str = "Recall";

    fn from_spec(settings: &mut Settings<'_>) -> Result<Recall> {
        Positive::from_spec(settings).map(Recall)
    }
}

#[cfg(test)]
pub(super) mod tests {
    use super::*;

    pub(crate) fn samples() -> Vec<Box<dyn Metric>> {
        vec![Box::new(Recall::new()), Box::new(Recall::new().threshold(0.25).class(1))]
    }
}
