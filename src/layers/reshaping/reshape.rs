//! Reshape: another shape for each sample.

use crate::error::{Error, Result};
use crate::layers::{Cursor, Layer, Weights};
use crate::settings::{FromSpec, options};
use crate::shape::Shape;
use crate::spec::Spec;
use crate::tape::Var;

options! {
    /// Changes the shape of each sample, row-major, without a copy. `Reshape` in Keras.
    ///
    /// The input and the target shape have the same number of elements. A size of −1, which Keras infers, has no counterpart.
    ///
    /// ```
    /// use gradus::{Sequential, Shape, layers::Reshape};
    /// let model = Sequential::new([784]).add(Reshape::new([28, 28, 1])).architecture(0)?.into_model()?;
    /// assert_eq!(model.output_shapes(), [Shape::from([28, 28, 1])]);
    /// # Ok::<(), gradus::Error>(())
    /// ```
    ///
    /// # Errors
    /// `compile` returns [`Error::Shape`](crate::Error::Shape) if the numbers of elements differ.
    #[derive(Clone, Copy, Debug)]
    pub struct Reshape("Reshape") of (target_shape: Shape);
}

impl Reshape {
    /// Creates the layer for this shape of one sample, without the batch axis.
    pub fn new(target: impl Into<Shape>) -> Reshape {
        Reshape::with_defaults(target.into())
    }
}

impl Layer for Reshape {
    fn build(&self, inputs: &[Shape], _weights: &mut Weights<'_>) -> Result<Vec<Shape>> {
        match inputs {
            [x] if x.len() == self.target_shape.len() => Ok(vec![self.target_shape]),
            _ => Err(Error::expected(format!(
                "{} elements per sample, as in {}",
                self.target_shape.len(),
                self.target_shape
            ))),
        }
    }

    fn record<'r>(&self, _weights: &mut Cursor<'_, 'r>, inputs: &[Var<'r>]) -> Vec<Var<'r>> {
        vec![inputs[0].reshape_samples(self.target_shape).without_mask()]
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
        vec![(Box::new(Reshape::new([2, 6])), Shape::from([3, 4])), (Box::new(Reshape::new(4)), Shape::from([2, 2]))]
    }
}
