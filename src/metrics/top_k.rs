//! Top-k accuracy: the share of rows whose class is among the k most probable.

use super::{Metric, argmax, mean_of_positions};
use crate::error::{Result, check_setting};
use crate::settings::{FromSpec, Settings};
use crate::shape::View;
use crate::spec::Spec;

/// The share of rows with fewer than k predictions larger than that of the row's class, so that ties count as right.
/// Keras' `TopKCategoricalAccuracy`; targets may be one-hot rows or labels. A prediction that is not finite is wrong.
#[derive(Clone, Copy, Debug)]
pub struct TopKCategoricalAccuracy {
    k: usize,
}

impl Default for TopKCategoricalAccuracy {
    /// Of the five most probable classes, as in Keras.
    fn default() -> TopKCategoricalAccuracy {
        TopKCategoricalAccuracy::new(5)
    }
}

impl TopKCategoricalAccuracy {
    /// Of the `k` most probable classes, 1 ≤ k.
    pub fn new(k: usize) -> TopKCategoricalAccuracy {
        TopKCategoricalAccuracy { k }
    }

    fn is_right(&self, row: &[f32], class: usize) -> bool {
        let Some(own) = row.get(class) else { return false };
        own.is_finite() && row.iter().filter(|other| *other > own).count() < self.k
    }
}

impl Metric for TopKCategoricalAccuracy {
    fn name(&self) -> &str {
        "top_k_categorical_accuracy"
    }

    fn sum(&self, prediction: View<'_>, target: View<'_>) -> f64 {
        let columns = prediction.shape().last();
        let rows = prediction.chunks_exact(columns);
        let right = if target.shape() == prediction.shape() {
            rows.zip(target.chunks_exact(columns)).filter(|(row, target)| self.is_right(row, argmax(target))).count()
        } else {
            rows.zip(target.data()).filter(|(row, target)| self.is_right(row, **target as usize)).count()
        };
        mean_of_positions(right, prediction)
    }

    fn check(&self) -> Result<()> {
        check_setting(self.k > 0, "TopKCategoricalAccuracy", "k", self.k as f64, "1 ≤ k")
    }

    fn spec(&self) -> Spec {
        Spec::new(Self::CLASS).with("k", self.k)
    }
}

impl FromSpec for TopKCategoricalAccuracy {
    const CLASS: &'static str = "TopKCategoricalAccuracy";

    fn from_spec(settings: &mut Settings<'_>) -> Result<TopKCategoricalAccuracy> {
        Ok(TopKCategoricalAccuracy { k: settings.size("k")? })
    }
}

#[cfg(test)]
pub(super) mod tests {
    use super::*;
    use crate::shape::Shape;

    pub(crate) fn samples() -> Vec<Box<dyn Metric>> {
        vec![Box::new(TopKCategoricalAccuracy::default()), Box::new(TopKCategoricalAccuracy::new(2))]
    }

    #[test]
    fn ties_count_as_right_and_what_is_not_finite_does_not() {
        let prediction = [0.1, 0.2, 0.2, 0.5, 0.3, 0.3, 0.2, 0.2, f32::NAN, 0.0, 0.0, 0.0];
        let sum = |k, target: &[f32], shape: Shape| {
            let prediction = View::new(Shape::from([3, 4]), &prediction);
            TopKCategoricalAccuracy::new(k).sum(prediction, View::new(shape, target))
        };
        let labels = |k, labels: [f32; 3]| sum(k, &labels, Shape::from([3]));
        assert_eq!([1, 2, 3, 4].map(|k| labels(k, [2.0, 2.0, 0.0])), [0.0, 1.0, 2.0, 2.0]);
        let one_hot = [0.0, 0.0, 1.0, 0.0, 0.0, 0.0, 1.0, 0.0, 1.0, 0.0, 0.0, 0.0];
        assert_eq!(sum(3, &one_hot, Shape::from([3, 4])), 2.0);
        assert_eq!(
            TopKCategoricalAccuracy::new(0).check().unwrap_err().to_string(),
            "TopKCategoricalAccuracy: k 0 is not in 1 ≤ k"
        );
    }
}
