//! Identity: the input itself.

use crate::error::{Error, Result};
use crate::layers::{Cursor, Layer, Weights};
use crate::settings::{FromSpec, options};
use crate::shape::Shape;
use crate::spec::Spec;
use crate::tape::Var;

options! {
    /// Returns its input. Keras' `Identity`.
    ///
    /// ```
    /// use gradus::{Sequential, layers::*};
    /// use ndarray::arr2;
    /// let model = Sequential::new([2]).add(Identity).architecture(1)?.into_model()?;
    /// let error = model.predict(&arr2(&[[1.0f32, 2.0]]))? - arr2(&[[1.0f32, 2.0]]);
    /// assert!(error.iter().all(|error| error.abs() < 1e-6));
    /// # Ok::<(), gradus::Error>(())
    /// ```
    #[derive(Clone, Copy, Debug, Default)]
    pub struct Identity("Identity");
}

impl Layer for Identity {
    fn build(&self, inputs: &[Shape], _weights: &mut Weights<'_>) -> Result<Vec<Shape>> {
        let [x] = inputs else { return Err(Error::expected("one input")) };
        Ok(vec![*x])
    }

    fn record<'r>(&self, _weights: &mut Cursor<'_, 'r>, inputs: &[Var<'r>]) -> Vec<Var<'r>> {
        vec![inputs[0]]
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
        vec![(Box::new(Identity), Shape::from([3, 2]))]
    }
}
