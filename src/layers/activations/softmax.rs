//! Softmax: probabilities along one or several axes.

use crate::axes::Axes;
use crate::error::{Error, Result};
use crate::layers::{Cursor, Layer, Weights, masks};
use crate::settings::{FromSpec, options};
use crate::shape::Shape;
use crate::spec::Spec;
use crate::tape::Var;

options! {
    /// Softmax along one or several axes: eˣ / Σ eˣ, so that outputs are positive and their sum over the axes is 1. `Softmax` in
    /// Keras.
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
    /// A [mask](Var::mask) with the shape of the input makes the output 0 where it is 0. A mask with fewer axes, such as the
    /// mask of [`Embedding`](crate::layers::Embedding), is an error; [`Activation`](crate::layers::Activation) passes such a
    /// mask on.
    ///
    /// # Errors
    /// `compile` returns [`Error::Shape`](crate::Error::Shape) for an axis that does not exist or is the batch axis.
    #[derive(Clone, Debug)]
    #[must_use]
    pub struct Softmax("Softmax") {
        /// Axes over which the outputs have the sum 1. Axis 0 is the batch axis and is an error; negative numbers count
        /// from the last axis, −1. Defaults to −1.
        into axis: Axes = Axes::from(-1),
    }
}

/// The value that Keras uses as the input at a masked position.
const MASKED: f32 = -1e9;

impl Softmax {
    /// Creates the layer for the last axis, as in Keras.
    pub fn new() -> Softmax {
        Softmax::with_defaults()
    }

    /// The probabilities. Several axes are moved to the end and merged.
    fn probabilities<'r>(&self, x: Var<'r>) -> Var<'r> {
        let (shape, rank) = (x.shape(), x.shape().rank());
        let axes = match (self.axis.numbers(), self.axis.indices(shape)) {
            ([axis], _) => return x.softmax_axis(*axis),
            (_, Ok(axes)) => axes,
            (_, Err(error)) => return x.recorder().alias(x, "softmax", Err(error)),
        };
        let mut order: Vec<usize> = (0..rank).filter(|axis| !axes.contains(axis)).collect();
        let kept: Vec<usize> = order.iter().map(|axis| shape.axis(*axis)).collect();
        order.extend(&axes);
        let moved = x.transpose(&order);
        let merged = axes.iter().fold(1, |merged: usize, axis| merged.saturating_mul(shape.axis(*axis)));
        let y = match Shape::new(&[&kept[..], &[merged]].concat()) {
            Ok(merged) => moved.reshape(merged).softmax().reshape(moved.shape()),
            Err(error) => return x.recorder().alias(x, "softmax", Err(error)),
        };
        let mut back = vec![0; rank];
        order.iter().enumerate().for_each(|(place, axis)| back[*axis] = place);
        y.transpose(&back)
    }
}

impl Layer for Softmax {
    fn build(&self, inputs: &[Shape], _weights: &mut Weights<'_>) -> Result<Vec<Shape>> {
        let [x] = inputs else { return Err(Error::expected("one input")) };
        match self.axis.indices(x.batch(1)?)?[0] {
            0 => Err(Error::expected("an axis other than 0, which is the batch axis")),
            _ => Ok(vec![*x]),
        }
    }

    fn record<'r>(&self, _weights: &mut Cursor<'_, 'r>, inputs: &[Var<'r>]) -> Vec<Var<'r>> {
        let (x, recorder) = (inputs[0], inputs[0].recorder());
        let Some(mask) = x.mask() else { return vec![self.probabilities(x)] };
        if mask.shape() != x.shape() {
            let expected =
                format!("a mask of {}, the shape of the input; Activation::Softmax accepts any mask", x.shape());
            recorder.fail(Error::expected(expected).at(|| recorder.current_scope(), &[mask.shape()]));
        }
        let lowest = recorder.constant_values(Shape::SCALAR, vec![MASKED]);
        vec![self.probabilities(masks::select(mask, x, lowest)).where_nonzero(mask)]
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
            (Box::new(Softmax::new()), Shape::from([3, 2])),
            (Box::new(Softmax::new().axis(1)), Shape::from([3, 2])),
            (Box::new(Softmax::new().axis([1, 3])), Shape::from([2, 3, 2])),
        ]
    }
}
