//! Softmax: probabilities along an axis.

use crate::error::{Error, Result};
use crate::layers::{Cursor, Layer, Weights, masks};
use crate::ops;
use crate::settings::{FromSpec, options};
use crate::shape::Shape;
use crate::spec::Spec;
use crate::tape::Var;

options! {
    /// Softmax along an axis: eˣ / Σ eˣ, so that outputs are positive and their sum along the axis is 1. `Softmax` in Keras.
    ///
    /// The output has the shape of the input. Along the last axis, [`Activation::Softmax`](crate::layers::Activation::Softmax)
    /// computes the same function, and cross-entropy losses use its logits.
    ///
    /// ```
    /// use gradus::{Sequential, layers::Softmax};
    /// let model = Sequential::new([2, 3]).add(Softmax::new().axis(1)).architecture(0)?.into_model()?;
    /// let probabilities = model.predict(&ndarray::Array3::zeros((1, 2, 3)))?;
    /// assert!(probabilities.iter().all(|p| (p - 0.5).abs() < 1e-6));
    /// # Ok::<(), gradus::Error>(())
    /// ```
    ///
    /// A [mask](Var::mask) with the shape of the input makes the output 0 where it is 0. A mask with fewer axes, such as that of
    /// [`Embedding`](crate::layers::Embedding), is an error: the activation passes it on.
    ///
    /// # Errors
    /// `compile` returns [`Error::Shape`](crate::Error::Shape) for an axis that does not exist or is the batch axis.
    #[derive(Clone, Copy, Debug)]
    #[must_use]
    pub struct Softmax("Softmax") {
        /// Axis along which the outputs have the sum 1. Axis 0 is the batch axis and is an error; negative numbers count
        /// from the last axis, −1. Defaults to −1.
        value axis: isize = -1,
    }
}

/// The input that Keras takes for a masked position.
const MASKED: f32 = -1e9;

impl Softmax {
    /// Creates the layer for the last axis, as in Keras.
    pub fn new() -> Softmax {
        Softmax::with_defaults()
    }
}

impl Layer for Softmax {
    fn build(&self, inputs: &[Shape], _weights: &mut Weights<'_>) -> Result<Vec<Shape>> {
        let [x] = inputs else { return Err(Error::expected("one input")) };
        match ops::find_axis(x.batch(1)?, self.axis)? {
            0 => Err(Error::expected("an axis other than 0, which is the batch axis")),
            _ => Ok(vec![*x]),
        }
    }

    fn record<'r>(&self, _weights: &mut Cursor<'_, 'r>, inputs: &[Var<'r>]) -> Vec<Var<'r>> {
        let (x, recorder) = (inputs[0], inputs[0].recorder());
        let Some(mask) = x.mask() else { return vec![x.softmax_axis(self.axis)] };
        if mask.shape() != x.shape() {
            let expected =
                format!("a mask of {}, the shape of the input; Activation::Softmax accepts any mask", x.shape());
            recorder.fail(Error::expected(expected).at(|| recorder.current_scope(), &[mask.shape()]));
        }
        let lowest = recorder.constant_values(Shape::SCALAR, vec![MASKED]);
        vec![masks::select(mask, x, lowest).softmax_axis(self.axis).where_nonzero(mask)]
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
        vec![(Box::new(Softmax::new()), Shape::from([3, 2])), (Box::new(Softmax::new().axis(1)), Shape::from([3, 2]))]
    }
}
