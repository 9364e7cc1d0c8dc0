//! Normalization: standardization of features by given means and variances.

use crate::axes::Axes;
use crate::error::{Error, Result, check_setting};
use crate::initializers::{Ones, Zeros};
use crate::layers::{Cursor, Layer, Weights};
use crate::settings::{FromSpec, options};
use crate::shape::Shape;
use crate::spec::Spec;
use crate::tape::Var;
use ndarray::{ArrayRef, Dimension};

options! {
    /// Standardizes inputs: (x − mean) / max(√variance, 10⁻⁷), with one mean and one variance for each index along the kept
    /// axes. `Normalization` in Keras.
    ///
    /// [`adapt`](Normalization::adapt) computes means and variances from data; they are then settings of the layer. Without
    /// them, as in files of Keras with an adapted layer, they are the weights `mean` and `variance` (with `count`, which has no
    /// effect), initially 0 and 1, which training does not change.
    ///
    /// ```
    /// use gradus::{Sequential, layers::Normalization};
    /// use ndarray::arr2;
    /// let data = arr2(&[[1.0, 10.0], [3.0, 30.0]]);
    /// let network = Sequential::new([2]).add(Normalization::new().adapt(&data)?);
    /// let outputs = network.architecture(0)?.into_model()?.predict(&data)?;
    /// assert_eq!(outputs, arr2(&[[-1.0, -1.0], [1.0, 1.0]]).into_dyn());
    /// # Ok::<(), gradus::Error>(())
    /// ```
    ///
    /// # Errors
    /// `compile` returns [`Error::Setting`](crate::Error::Setting) if only one of `mean` and `variance` is set or a variance is
    /// negative, and [`Error::Shape`](crate::Error::Shape) if their lengths or the axes do not fit the input.
    #[derive(Clone, Debug)]
    #[must_use]
    pub struct Normalization("Normalization") {
        /// Axes with separate means and variances. Axis 0 is the batch axis and is an error; negative numbers count from the
        /// last axis, −1. An empty list stands for a single mean and variance. Defaults to −1.
        into axis: Axes = Axes::from(-1),
        /// Means, row-major along the axes, or a single mean for all. Defaults to none.
        some mean: Vec<f32>,
        /// Variances, as many as means. Defaults to none.
        some variance: Vec<f32>,
        /// Whether to compute the inverse, mean + x · max(√variance, 10⁻⁷). Defaults to `false`.
        value invert: bool = false,
    }
}

impl Normalization {
    /// The smallest divisor, as in Keras.
    pub(crate) const SMALLEST_DEVIATION: f32 = 1e-7;

    /// Creates the layer for the last axis, as in Keras.
    pub fn new() -> Normalization {
        Normalization::with_defaults()
    }

    /// Sets means and (biased) variances to those of samples, whose first axis is the batch axis.
    ///
    /// # Errors
    /// [`Error::Shape`](crate::Error::Shape) if the data are empty or an axis does not exist.
    pub fn adapt<D: Dimension>(mut self, data: &ArrayRef<f32, D>) -> Result<Normalization> {
        let shape = Shape::new(data.shape())?;
        if shape.is_empty() {
            return Err(Error::expected("at least one sample").at(|| "adapt".into(), &[shape]));
        }
        let kept = self.kept(shape).map_err(|error| error.at(|| "adapt".into(), &[shape]))?;
        let count: usize = kept.iter().map(|axis| shape.axis(*axis)).product();
        let (mut sums, mut squares) = (vec![0.0f64; count], vec![0.0f64; count]);
        let place = |at: usize| {
            let (mut rest, mut place, mut stride) = (at, 0, 1);
            for axis in (0..shape.rank()).rev() {
                let index = rest % shape.axis(axis);
                rest /= shape.axis(axis);
                if kept.contains(&axis) {
                    place += index * stride;
                    stride *= shape.axis(axis);
                }
            }
            place
        };
        let number = (shape.len() / count) as f64;
        data.iter().enumerate().for_each(|(at, value)| sums[place(at)] += f64::from(*value));
        for (at, value) in data.iter().enumerate() {
            let place = place(at);
            let distance = f64::from(*value) - sums[place] / number;
            squares[place] += distance * distance;
        }
        self.mean = Some(sums.iter().map(|sum| (sum / number) as f32).collect());
        self.variance = Some(squares.iter().map(|sum| (sum / number) as f32).collect());
        Ok(self)
    }

    /// The kept axes of a batch of this shape.
    fn kept(&self, batch: Shape) -> Result<Vec<usize>> {
        let kept = if self.axis.numbers().is_empty() { Vec::new() } else { self.axis.indices(batch)? };
        if kept.first() == Some(&0) {
            return Err(Error::expected("axes other than 0, which is the batch axis"));
        }
        Ok(kept)
    }

    /// The sizes of a batch along the kept axes.
    fn sizes(&self, batch: Shape) -> Result<Vec<usize>> {
        Ok(self.kept(batch)?.iter().map(|axis| batch.axis(*axis)).collect())
    }
}

impl Layer for Normalization {
    fn build(&self, inputs: &[Shape], weights: &mut Weights<'_>) -> Result<Vec<Shape>> {
        let [x] = inputs else { return Err(Error::expected("one input")) };
        let shape = Shape::new(&self.sizes(x.batch(1)?)?)?;
        match (&self.mean, &self.variance) {
            (None, None) => {
                weights.add_state("mean", shape, &Zeros)?;
                weights.add_state("variance", shape, &Ones)?;
                weights.add_state("count", Shape::SCALAR, &Zeros)?;
            }
            (Some(mean), Some(variance)) => {
                let check = |name, values: &[f32], least: f32, expected| {
                    let wrong = values.iter().copied().find(|value| !value.is_finite() || *value < least);
                    check_setting(wrong.is_none(), "Normalization", name, f64::from(wrong.unwrap_or(0.0)), expected)
                };
                check("mean", mean, f32::MIN, "finite")?;
                check("variance", variance, 0.0, "finite and ≥ 0")?;
                if mean.len() != variance.len() || ![1, shape.len()].contains(&mean.len()) {
                    let expected = format!("{} means and {} variances, or one", mean.len(), variance.len());
                    return Err(Error::expected(format!("an input with {expected}, along the axes")));
                }
            }
            _ => check_setting(false, "Normalization", "mean", 0, "set together with variance")?,
        }
        Ok(vec![*x])
    }

    fn record<'r>(&self, weights: &mut Cursor<'_, 'r>, inputs: &[Var<'r>]) -> Vec<Var<'r>> {
        let (x, recorder) = (inputs[0], inputs[0].recorder());
        let kept = self.kept(x.shape()).unwrap_or_default();
        let first = kept.first().copied().unwrap_or(x.shape().rank());
        let size = |axis: usize| if kept.contains(&axis) { x.shape().axis(axis) } else { 1 };
        let sizes: Vec<usize> = (first..x.shape().rank()).map(size).collect();
        let shape = Shape::new(&sizes).unwrap_or(x.shape());
        let [mean, variance] = match (&self.mean, &self.variance) {
            (Some(mean), Some(variance)) => [mean, variance].map(|values| {
                let shape = if values.len() == 1 { Shape::SCALAR } else { shape };
                recorder.constant_values(shape, values.clone())
            }),
            _ => {
                let [mean, variance, _count] = weights.take();
                [mean, variance].map(|values| values.reshape(shape))
            }
        };
        let deviation = variance.sqrt().clip(Self::SMALLEST_DEVIATION, f32::INFINITY);
        vec![if self.invert { mean + x * deviation } else { (x - mean) / deviation }]
    }

    fn supports_masking(&self) -> bool {
        true
    }

    fn spec(&self) -> Spec {
        self.write_options(Spec::new(Self::CLASS))
    }
}

#[cfg(test)]
pub(in crate::layers) mod tests {
    use super::*;
    use ndarray::{Array3, arr3};

    pub(crate) fn samples() -> Vec<(Box<dyn Layer>, Shape)> {
        let given = Normalization::new().mean(vec![0.5, -0.25]).variance(vec![4.0, 0.25]);
        vec![
            (Box::new(Normalization::new()), Shape::from([3, 2])),
            (Box::new(given.clone()), Shape::from([3, 2])),
            (Box::new(given.invert(true)), Shape::from([2])),
            (Box::new(Normalization::new().axis([1, -1]).mean(vec![0.5]).variance(vec![2.0])), Shape::from([2, 1, 2])),
            (Box::new(Normalization::new().axis([])), Shape::from([2, 2])),
        ]
    }

    #[test]
    fn means_and_variances_are_those_of_the_data() {
        let data = arr3(&[[[1.0f32, 2.0], [3.0, 6.0]], [[5.0, 2.0], [3.0, 2.0]]]);
        let found = |axes: Axes| {
            let adapted = Normalization::new().axis(axes).adapt(&data).unwrap();
            (adapted.mean.unwrap(), adapted.variance.unwrap())
        };
        assert_eq!(found(Axes::from(-1)), (vec![3.0, 3.0], vec![2.0, 3.0]));
        assert_eq!(found(Axes::from(1)), (vec![2.5, 3.5], vec![2.25, 2.25]));
        assert_eq!(found(Axes::from([1, 2])), (vec![3.0, 2.0, 3.0, 4.0], vec![4.0, 0.0, 0.0, 4.0]));
        assert_eq!(found(Axes::from([])), (vec![3.0], vec![2.5]));
        let message = Normalization::new().adapt(&Array3::<f32>::zeros((0, 2, 2))).unwrap_err().to_string();
        assert!(message.starts_with("adapt: found shape 0 × 2 × 2"), "{message}");
    }

    #[test]
    fn settings_that_do_not_fit_are_rejected() {
        let message = |layer: Normalization| crate::Sequential::new([2]).add(layer).summary().unwrap_err().to_string();
        let found = message(Normalization::new().mean(vec![1.0]));
        assert!(found.contains("mean must be set together with variance"), "{found}");
        let found = message(Normalization::new().mean(vec![1.0; 3]).variance(vec![1.0; 3]));
        assert!(found.contains("an input with 3 means and 3 variances"), "{found}");
        let found = message(Normalization::new().mean(vec![1.0]).variance(vec![-1.0]));
        assert!(found.contains("variance must be finite and ≥ 0, got -1"), "{found}");
        let found = message(Normalization::new().mean(vec![1.0, f32::NAN]).variance(vec![1.0; 2]));
        assert!(found.contains("mean must be finite, got NaN"), "{found}");
        let found = message(Normalization::new().mean(vec![1.0]).variance(vec![f32::NAN]));
        assert!(found.contains("variance must be finite and ≥ 0, got NaN"), "{found}");
    }
}
