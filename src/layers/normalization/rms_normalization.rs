//! RmsNormalization: normalization of the last axis by its root mean square.

use super::layer_norm::sizes_of;
use crate::axes::Axes;
use crate::error::{Error, Result, check_setting};
use crate::initializers::Ones;
use crate::layers::{Cursor, Layer, Weights};
use crate::settings::{FromSpec, options};
use crate::shape::Shape;
use crate::spec::Spec;
use crate::tape::Var;

options! {
    /// RMS normalization: scale · x / √(mean(x²) + epsilon), with the mean over the last axis or several axes (Zhang and
    /// Sennrich 2019). `RMSNormalization` in Keras.
    ///
    /// The output has the shape of the input. Training and prediction compute the same function. The weight is `scale`, of the
    /// sizes of these axes.
    ///
    /// ```
    /// use gradus::{Sequential, layers::*};
    /// use ndarray::arr2;
    /// let model = Sequential::new([2]).add(RmsNormalization::new().epsilon(1e-12)).architecture(1)?.into_model()?;
    /// let error = model.predict(&arr2(&[[1.0f32, 7.0]]))? - arr2(&[[0.2f32, 1.4]]);
    /// assert!(error.iter().all(|error| error.abs() < 1e-6));
    /// # Ok::<(), gradus::Error>(())
    /// ```
    ///
    /// # Errors
    /// `compile` returns [`Error::Setting`](crate::Error::Setting) if epsilon is not finite and > 0, and
    /// [`Error::Shape`](crate::Error::Shape) if a sample has no axis.
    #[derive(Clone, Debug)]
    #[must_use]
    pub struct RmsNormalization("RMSNormalization") {
        /// Constant added to the mean square under the root, > 0. Defaults to 10⁻⁶.
        value epsilon: f32 = 1e-6,
        /// Axes of the mean, in ascending order. Axis 0 is the batch axis and is an error; negative numbers count from the last
        /// axis, −1. Defaults to −1.
        added_into axis: Axes = Axes::from(-1),
    }
}

impl RmsNormalization {
    /// Creates the layer with epsilon 10⁻⁶ and a scale of ones, as in Keras.
    pub fn new() -> RmsNormalization {
        RmsNormalization::with_defaults()
    }
}

impl Layer for RmsNormalization {
    fn build(&self, inputs: &[Shape], weights: &mut Weights<'_>) -> Result<Vec<Shape>> {
        let epsilon = self.epsilon;
        check_setting(epsilon > 0.0 && epsilon.is_finite(), "RmsNormalization", "epsilon", f64::from(epsilon), "> 0")?;
        let [x] = inputs else { return Err(Error::expected("one input")) };
        if x.rank() == 0 {
            return Err(Error::expected("at least one axis per sample"));
        }
        weights.add("scale", sizes_of(*x, &self.axis)?, &Ones)?;
        Ok(vec![*x])
    }

    fn record<'r>(&self, weights: &mut Cursor<'_, 'r>, inputs: &[Var<'r>]) -> Vec<Var<'r>> {
        let (x, [scale]) = (inputs[0], weights.take());
        let axes = self.axis.indices(x.shape()).unwrap_or_default();
        let size = |axis: usize| if axes.contains(&axis) { x.shape().axis(axis) } else { 1 };
        let sizes: Vec<usize> = (axes.first().copied().unwrap_or(0)..x.shape().rank()).map(size).collect();
        let scale =
            if axes.len() == sizes.len() { scale } else { scale.reshape(Shape::new(&sizes).unwrap_or(x.shape())) };
        let y = x / ((x * x).mean_axes(self.axis.numbers(), true) + self.epsilon).sqrt() * scale;
        vec![y.without_mask()]
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

    pub(crate) fn samples() -> Vec<(Box<dyn Layer>, Shape)> {
        vec![
            (Box::new(RmsNormalization::new()), Shape::from([5])),
            (Box::new(RmsNormalization::new().epsilon(0.1)), Shape::from([3, 2])),
            (Box::new(RmsNormalization::new().axis(1)), Shape::from([3, 2])),
            (Box::new(RmsNormalization::new().axis([1, 3])), Shape::from([3, 2, 2])),
        ]
    }
}
