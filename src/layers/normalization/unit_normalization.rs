//! UnitNormalization: normalization of vectors to length 1.

use super::layer_norm::sizes_of;
use crate::axes::Axes;
use crate::error::{Error, Result};
use crate::layers::{Cursor, Layer, Weights};
use crate::settings::{FromSpec, options};
use crate::shape::Shape;
use crate::spec::Spec;
use crate::tape::Var;

options! {
    /// Divides the vectors along an axis, or several axes, by their Euclidean norms, so that each has norm 1. Vectors of zeros
    /// are unchanged. `UnitNormalization` in Keras.
    ///
    /// The output has the shape of the input.
    ///
    /// ```
    /// use gradus::{Sequential, layers::*};
    /// use ndarray::arr2;
    /// let model = Sequential::new([2]).add(UnitNormalization::new()).architecture(1)?.into_model()?;
    /// let error = model.predict(&arr2(&[[3.0f32, 4.0]]))? - arr2(&[[0.6f32, 0.8]]);
    /// assert!(error.iter().all(|error| error.abs() < 1e-6));
    /// # Ok::<(), gradus::Error>(())
    /// ```
    ///
    /// # Errors
    /// `compile` returns [`Error::Shape`](crate::Error::Shape) for an axis that does not exist or is the batch axis.
    #[derive(Clone, Debug)]
    #[must_use]
    pub struct UnitNormalization("UnitNormalization") {
        /// Axes of the vectors. Axis 0 is the batch axis and is an error; negative numbers count from the last axis, −1.
        /// Defaults to −1.
        into axis: Axes = Axes::from(-1),
    }
}

impl UnitNormalization {
    /// Creates the layer for the last axis, as in Keras.
    pub fn new() -> UnitNormalization {
        UnitNormalization::with_defaults()
    }
}

impl Layer for UnitNormalization {
    fn build(&self, inputs: &[Shape], _weights: &mut Weights<'_>) -> Result<Vec<Shape>> {
        let [x] = inputs else { return Err(Error::expected("one input")) };
        sizes_of(*x, &self.axis)?;
        Ok(vec![*x])
    }

    fn record<'r>(&self, _weights: &mut Cursor<'_, 'r>, inputs: &[Var<'r>]) -> Vec<Var<'r>> {
        let x = inputs[0];
        let squares = (x * x).sum_axes(self.axis.numbers(), true);
        vec![x / squares.clip(1e-24, f32::INFINITY).sqrt()]
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
            (Box::new(UnitNormalization::new()), Shape::from([3, 2])),
            (Box::new(UnitNormalization::new().axis(1)), Shape::from([3, 2])),
            (Box::new(UnitNormalization::new().axis([1, -1])), Shape::from([3, 2, 2])),
        ]
    }
}
