//! Precision: how many of those taken for a class belong to it.

use super::{Metric, ratio, value_times_rows};
use crate::error::{Result, check_setting};
use crate::settings::{FromSpec, Settings};
use crate::shape::{Shape, View};
use crate::spec::Spec;

/// Of the predictions above the threshold, the share whose target is 1; 0 where there is none. Keras' `Precision`.
#[derive(Clone, Copy, Debug)]
pub struct Precision {
    threshold: f32,
    class: Option<usize>,
}

impl Default for Precision {
    /// Over all outputs, with a threshold of ½, as in Keras.
    fn default() -> Precision {
        Precision::new()
    }
}

impl Precision {
    /// Over all outputs, with a threshold of ½.
    pub fn new() -> Precision {
        Precision { threshold: 0.5, class: None }
    }

    /// Above what a prediction counts as yes, 0 ≤ threshold ≤ 1.
    pub fn threshold(mut self, threshold: f32) -> Precision {
        self.threshold = threshold;
        self
    }

    /// Of one output alone. Keras' `class_id`.
    pub fn class(mut self, class: usize) -> Precision {
        self.class = Some(class);
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
        let columns = prediction.shape().last();
        let wanted = |column: usize| self.class.is_none_or(|class| class == column % columns);
        let pairs = prediction.iter().zip(target.data()).enumerate();
        for (_, (p, t)) in pairs.filter(|(at, _)| wanted(*at)) {
            let (yes, real) = (*p > self.threshold, *t > 0.0);
            totals[0] += f64::from(u8::from(yes && real));
            totals[1] += f64::from(u8::from(yes));
        }
    }

    fn value(&self, totals: &[f64], _rows: usize) -> f64 {
        ratio(totals[0], totals[1])
    }

    fn check(&self) -> Result<()> {
        let fits = (0.0..=1.0).contains(&self.threshold);
        check_setting(fits, Self::CLASS, "threshold", f64::from(self.threshold), "0 ≤ threshold ≤ 1")
    }

    fn spec(&self) -> Spec {
        let spec = Spec::new(Self::CLASS).with("threshold", self.threshold);
        self.class.map_or(spec.clone(), |class| spec.with("class", class))
    }
}

impl FromSpec for Precision {
    const CLASS: &'static str = "Precision";

    fn from_spec(settings: &mut Settings<'_>) -> Result<Precision> {
        let threshold = settings.number("threshold")?;
        let class = if settings.has("class") { Some(settings.size("class")?) } else { None };
        Ok(Precision { threshold, class })
    }
}

#[cfg(test)]
pub(super) mod tests {
    use super::*;

    pub(crate) fn samples() -> Vec<Box<dyn Metric>> {
        vec![Box::new(Precision::new()), Box::new(Precision::new().threshold(0.25).class(1))]
    }
}
