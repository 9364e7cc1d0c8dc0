//! Flatten: all axes of a sample as one.

use crate::error::{Error, Result};
use crate::layers::{Cursor, Layer, Weights};
use crate::settings::{FromSpec, options};
use crate::shape::Shape;
use crate::spec::Spec;
use crate::tape::Var;

options! {
    /// Flattens each sample to one axis, row-major, without a copy. `Flatten` in Keras.
    ///
    /// ```
    /// use gradus::{Sequential, Shape, layers::Flatten};
    /// let model = Sequential::new([28, 28, 3]).add(Flatten).architecture(0)?.into_model()?;
    /// assert_eq!(model.output_shapes(), [Shape::from([28 * 28 * 3])]);
    /// # Ok::<(), gradus::Error>(())
    /// ```
    #[derive(Clone, Copy, Debug, Default)]
    pub struct Flatten("Flatten");
}

impl Layer for Flatten {
    fn build(&self, inputs: &[Shape], _weights: &mut Weights<'_>) -> Result<Vec<Shape>> {
        let [x] = inputs else { return Err(Error::expected("one input")) };
        Ok(vec![x.len().into()])
    }

    fn record<'r>(&self, _weights: &mut Cursor<'_, 'r>, inputs: &[Var<'r>]) -> Vec<Var<'r>> {
        vec![inputs[0].flatten().without_mask()]
    }

    fn supports_masking(&self) -> bool {
        true
    }

    fn spec(&self) -> Spec {
        Spec::new(Self::CLASS)
    }
}

#[cfg(test)]
pub(in crate::layers) mod tests {
    use super::*;

    pub(crate) fn samples() -> Vec<(Box<dyn Layer>, Shape)> {
        vec![(Box::new(Flatten), Shape::from([3, 2, 4])), (Box::new(Flatten), Shape::from([3]))]
    }
}
