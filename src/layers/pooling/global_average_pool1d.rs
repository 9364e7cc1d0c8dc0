//! GlobalAveragePool1d: the mean of each feature over a sequence.

use crate::error::{Error, Result};
use crate::layers::{Cursor, Layer, Weights, masks};
use crate::settings::{FromSpec, options};
use crate::shape::Shape;
use crate::spec::Spec;
use crate::tape::Var;

options! {
    /// Averages each feature over sequences steps × features. Keras' `GlobalAveragePooling1D`.
    ///
    /// For an input with a [mask](Var::mask), the mean is that of the valid steps, and NaN for a row without any, as in Keras.
    ///
    /// ```
    /// use gradus::{Sequential, layers::*};
    /// use ndarray::{arr2, arr3};
    /// let model = Sequential::new([3, 1]).add(GlobalAveragePool1d).architecture(1)?.into_model()?;
    /// let error = model.predict(&arr3(&[[[1.0f32], [2.0], [3.0]]]))? - arr2(&[[2.0f32]]);
    /// assert!(error.iter().all(|error| error.abs() < 1e-6));
    /// # Ok::<(), gradus::Error>(())
    /// ```
    #[derive(Clone, Copy, Debug, Default)]
    pub struct GlobalAveragePool1d("GlobalAveragePooling1D");
}

impl Layer for GlobalAveragePool1d {
    fn build(&self, inputs: &[Shape], _weights: &mut Weights<'_>) -> Result<Vec<Shape>> {
        match inputs {
            [x] if x.rank() == 2 => Ok(vec![x.last().into()]),
            _ => Err(Error::expected("sequences steps × features")),
        }
    }

    fn record<'r>(&self, _weights: &mut Cursor<'_, 'r>, inputs: &[Var<'r>]) -> Vec<Var<'r>> {
        let x = inputs[0];
        let y = match masks::of_steps(x) {
            None => x.mean_axes(&[1], false),
            Some(valid) => x.where_nonzero(valid).sum_axes(&[1], false) / valid.sum_axes(&[1], false),
        };
        vec![y.without_mask()]
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
        vec![(Box::new(GlobalAveragePool1d), Shape::from([5, 3])), (Box::new(GlobalAveragePool1d), Shape::from([1, 1]))]
    }
}
