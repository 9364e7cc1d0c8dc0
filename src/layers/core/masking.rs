//! Masking: marks steps that are padding.

use crate::error::{Error, Result, check_setting};
use crate::layers::{Cursor, Layer, Weights};
use crate::settings::{FromSpec, options};
use crate::shape::Shape;
use crate::spec::Spec;
use crate::tape::Var;

options! {
    /// Marks a step as padding if all its features are equal to a value, and sets it to 0. `Masking` in Keras.
    ///
    /// Inputs are … × steps × features. The output has the shape of the input, and a [mask](Var::mask) … × steps, which is 0
    /// for padding. Following layers, the loss and the metrics ignore padding.
    ///
    /// ```
    /// use gradus::{Sequential, layers::*};
    /// use ndarray::{arr2, arr3};
    /// let network = Sequential::new([3, 1]).add(Masking::new(-1.0)).add(GlobalAveragePool1d::new());
    /// let model = network.architecture(0)?.into_model()?;
    /// assert_eq!(model.predict(&arr3(&[[[2.0f32], [4.0], [-1.0]]]))?, arr2(&[[3.0f32]]).into_dyn());
    /// # Ok::<(), gradus::Error>(())
    /// ```
    ///
    /// # Errors
    /// `compile` returns [`Error::Shape`](crate::Error::Shape) if a sample has no axis, and
    /// [`Error::Setting`](crate::Error::Setting) if the value is NaN, which equals nothing.
    #[derive(Clone, Copy, Debug)]
    #[must_use]
    pub struct Masking("Masking") {
        /// The value of all features of a step that is padding. Defaults to 0.
        value mask_value: f32 = 0.0,
    }
}

impl Masking {
    /// Creates the layer for this padding value. Keras defaults to 0.
    pub fn new(mask_value: f32) -> Masking {
        Masking::with_defaults().mask_value(mask_value)
    }
}

impl Layer for Masking {
    fn build(&self, inputs: &[Shape], _weights: &mut Weights<'_>) -> Result<Vec<Shape>> {
        check_setting(!self.mask_value.is_nan(), "Masking", "mask_value", self.mask_value, "a number that is not NaN")?;
        match inputs {
            [x] if x.rank() > 0 => Ok(vec![*x]),
            _ => Err(Error::expected("one input with at least one axis of features")),
        }
    }

    fn record<'r>(&self, _weights: &mut Cursor<'_, 'r>, inputs: &[Var<'r>]) -> Vec<Var<'r>> {
        let x = inputs[0];
        let number = |value| x.recorder().constant_values(Shape::SCALAR, vec![value]);
        let equal = x.equal(number(self.mask_value)).sum_axes(&[-1], true);
        let valid = equal.less(number(x.shape().last() as f32));
        let shape = x.shape();
        let mask = x.recorder().alias(valid, "mask", Shape::new(&shape.sizes()[..shape.rank() - 1]));
        vec![x.where_nonzero(valid).with_mask(mask)]
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
            (Box::new(Masking::new(0.0)), Shape::from([5, 3])),
            (Box::new(Masking::new(-1.5)), Shape::from([2, 2, 2])),
            (Box::new(Masking::new(1.0)), Shape::from([4])),
        ]
    }
}
