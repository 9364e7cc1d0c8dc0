//! Rescaling: a linear function of every element.

use crate::error::{Error, Result};
use crate::layers::{Cursor, Layer, Weights};
use crate::settings::{FromSpec, options};
use crate::shape::Shape;
use crate::spec::Spec;
use crate::tape::Var;

options! {
    /// Computes x · scale + offset for every element. Keras' `Rescaling`.
    ///
    /// ```
    /// use gradus::{Sequential, layers::*};
    /// use ndarray::arr2;
    /// let model = Sequential::new([2]).add(Rescaling::new(0.5).offset(-1.0)).architecture(1)?.into_model()?;
    /// let error = model.predict(&arr2(&[[2.0f32, 6.0]]))? - arr2(&[[0.0f32, 2.0]]);
    /// assert!(error.iter().all(|error| error.abs() < 1e-6));
    /// # Ok::<(), gradus::Error>(())
    /// ```
    #[derive(Clone, Copy, Debug)]
    #[must_use]
    pub struct Rescaling("Rescaling") of (scale: f32) {
        /// Constant that is added. Defaults to 0.
        value offset: f32 = 0.0,
    }
}

impl Rescaling {
    /// Multiplies every element by `scale`, such as 1/255 for bytes.
    pub fn new(scale: f32) -> Rescaling {
        Rescaling::with_defaults(scale)
    }
}

impl Layer for Rescaling {
    fn build(&self, inputs: &[Shape], _weights: &mut Weights<'_>) -> Result<Vec<Shape>> {
        let [x] = inputs else { return Err(Error::expected("one input")) };
        Ok(vec![*x])
    }

    fn record<'r>(&self, _weights: &mut Cursor<'_, 'r>, inputs: &[Var<'r>]) -> Vec<Var<'r>> {
        vec![inputs[0] * self.scale + self.offset]
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
            (Box::new(Rescaling::new(0.5)), Shape::from([3, 2])),
            (Box::new(Rescaling::new(-2.0).offset(1.0)), Shape::from([2])),
        ]
    }
}
