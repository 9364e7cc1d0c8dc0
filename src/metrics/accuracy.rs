//! Accuracy: the share of rows whose most probable class is the right one.

use super::{BinaryAccuracy, CategoricalAccuracy, Metric, SparseCategoricalAccuracy};
use crate::error::Result;
use crate::settings::{FromSpec, Settings};
use crate::shape::View;
use crate::spec::Spec;

/// The share of rows whose largest prediction stands at the target's class. Keras' `accuracy`: targets may be one-hot
/// rows ([`CategoricalAccuracy`]) or labels ([`SparseCategoricalAccuracy`]); a single prediction for each row counts as a
/// class when it is above ½ ([`BinaryAccuracy`]). The first of equal maxima wins.
#[derive(Clone, Copy, Debug, Default)]
pub struct Accuracy;

impl Metric for Accuracy {
    fn name(&self) -> &str {
        "accuracy"
    }

    fn sum(&self, prediction: View<'_>, target: View<'_>) -> f64 {
        match prediction.shape().last() {
            1 => BinaryAccuracy::default().sum(prediction, target),
            _ if target.shape() == prediction.shape() => CategoricalAccuracy.sum(prediction, target),
            _ => SparseCategoricalAccuracy.sum(prediction, target),
        }
    }

    fn spec(&self) -> Spec {
        Spec::new(Self::CLASS)
    }
}

impl FromSpec for Accuracy {
    const CLASS: &'static str = "Accuracy";

    fn from_spec(_settings: &mut Settings<'_>) -> Result<Accuracy> {
        Ok(Accuracy)
    }
}

/// The place of the first maximum.
pub(crate) fn argmax(row: &[f32]) -> usize {
    let mut best = 0;
    for (at, value) in row.iter().enumerate() {
        if *value > row[best] {
            best = at;
        }
    }
    best
}

#[cfg(test)]
pub(super) mod tests {
    use super::*;
    use crate::shape::Shape;

    pub(crate) fn samples() -> Vec<Box<dyn Metric>> {
        vec![Box::new(Accuracy)]
    }

    fn accuracy(prediction: &[f32], columns: usize, target: &[f32]) -> f64 {
        let rows = prediction.len() / columns;
        let shape = if target.len() == rows { Shape::from([rows]) } else { Shape::from([rows, columns]) };
        Accuracy.sum(View::new(Shape::from([rows, columns]), prediction), View::new(shape, target))
    }

    #[test]
    fn labels_and_one_hot_rows_agree() {
        let prediction = [0.1, 0.7, 0.2, 0.5, 0.5, 0.0, 0.2, 0.3, 0.5];
        assert_eq!(accuracy(&prediction, 3, &[1.0, 0.0, 1.0]), 2.0);
        assert_eq!(accuracy(&prediction, 3, &[0.0, 1.0, 0.0, 1.0, 0.0, 0.0, 0.0, 1.0, 0.0]), 2.0);
    }

    #[test]
    fn a_single_output_is_a_class_above_one_half() {
        assert_eq!(accuracy(&[0.5, 0.6, 0.4], 1, &[0.0, 1.0, 1.0]), 2.0);
    }
}
