//! UnitNormalization: vectors of length 1.

use crate::error::{Error, Result};
use crate::layers::{Cursor, Layer, Weights};
use crate::ops;
use crate::settings::{FromSpec, options};
use crate::shape::Shape;
use crate::spec::Spec;
use crate::tape::Var;

options! {
    /// Divides the vectors along an axis by their Euclidean lengths, which become 1. A vector of zeros stays. Keras'
    /// `UnitNormalization`.
    /// ```
    /// use gradus::{Sequential, layers::*};
    /// use ndarray::arr2;
    /// let model = Sequential::new([2]).add(UnitNormalization::new()).architecture(1)?.into_model()?;
    /// let error = model.predict(&arr2(&[[3.0f32, 4.0]]))? - arr2(&[[0.6f32, 0.8]]);
    /// assert!(error.iter().all(|error| error.abs() < 1e-6));
    /// # Ok::<(), gradus::Error>(())
    /// ```
    #[derive(Clone, Copy, Debug)]
    #[must_use]
    pub struct UnitNormalization("UnitNormalization") {
        /// Axis of the vectors: counted from the batch axis, which is 0 and is refused, or from the last axis, which is −1.
        /// Defaults to −1.
        value axis: isize = -1,
    }
}

impl UnitNormalization {
    /// Normalizes along the last axis, as in Keras.
    pub fn new() -> UnitNormalization {
        UnitNormalization::with_defaults()
    }
}

impl Layer for UnitNormalization {
    fn build(&self, inputs: &[Shape], _weights: &mut Weights<'_>) -> Result<Vec<Shape>> {
        let [x] = inputs else { return Err(Error::expected("one input")) };
        match ops::find_axis(x.batch(1)?, self.axis)? {
            0 => Err(Error::expected("an axis other than 0, the axis of the batch")),
            _ => Ok(vec![*x]),
        }
    }

    fn record<'r>(&self, _weights: &mut Cursor<'_, 'r>, inputs: &[Var<'r>]) -> Vec<Var<'r>> {
        let x = inputs[0];
        let squares = (x * x).sum_axes(&[self.axis], true);
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
        ]
    }
}
