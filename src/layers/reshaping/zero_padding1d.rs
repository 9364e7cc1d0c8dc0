//! ZeroPadding1d: zeros around a sequence.

use crate::error::{Error, Result};
use crate::layers::{Cursor, Layer, Weights};
use crate::settings::{FromSpec, options};
use crate::shape::Shape;
use crate::sizes;
use crate::spec::Spec;
use crate::tape::Var;

options! {
    /// Adds zeros before and after sequences steps × features. Keras' `ZeroPadding1D`.
    ///
    /// ```
    /// use gradus::{Sequential, layers::*};
    /// use ndarray::arr3;
    /// let model = Sequential::new([1, 1]).add(ZeroPadding1d::new([1, 0])).architecture(1)?.into_model()?;
    /// let error = model.predict(&arr3(&[[[5.0f32]]]))? - arr3(&[[[0.0f32], [5.0]]]);
    /// assert!(error.iter().all(|error| error.abs() < 1e-6));
    /// # Ok::<(), gradus::Error>(())
    /// ```
    #[derive(Clone, Debug)]
    pub struct ZeroPadding1d("ZeroPadding1D") of (padding: Vec<usize>);
}

impl ZeroPadding1d {
    /// Adds `[before, after]` steps of zeros. Keras' default is one on either side.
    pub fn new(padding: [usize; 2]) -> ZeroPadding1d {
        ZeroPadding1d::with_defaults(padding.to_vec())
    }
}

impl Layer for ZeroPadding1d {
    fn build(&self, inputs: &[Shape], _weights: &mut Weights<'_>) -> Result<Vec<Shape>> {
        match (inputs, &self.padding[..]) {
            ([x], [before, after]) if x.rank() == 2 => {
                Ok(vec![Shape::new(&[sizes::sum(&[*before, x.axis(0), *after])?, x.axis(1)])?])
            }
            _ => Err(Error::expected("sequences steps × features, and a padding of two numbers")),
        }
    }

    fn record<'r>(&self, _weights: &mut Cursor<'_, 'r>, inputs: &[Var<'r>]) -> Vec<Var<'r>> {
        let [before, after] = [0, 1].map(|side| self.padding.get(side).copied().unwrap_or(0));
        vec![inputs[0].pad(&[[0, 0], [before, after], [0, 0]], 0.0).without_mask()]
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
            (Box::new(ZeroPadding1d::new([1, 1])), Shape::from([3, 2])),
            (Box::new(ZeroPadding1d::new([0, 2])), Shape::from([1, 4])),
        ]
    }
}
