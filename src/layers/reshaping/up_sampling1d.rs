//! UpSampling1d: each step of a sequence several times.

use crate::error::{Error, Result, check_setting};
use crate::layers::{Cursor, Layer, Weights};
use crate::settings::{FromSpec, options};
use crate::shape::Shape;
use crate::sizes;
use crate::spec::Spec;
use crate::tape::Var;

options! {
    /// Repeats each step of sequences steps × features `size` times. Keras' `UpSampling1D`.
    ///
    /// ```
    /// use gradus::{Sequential, layers::*};
    /// use ndarray::arr3;
    /// let model = Sequential::new([2, 1]).add(UpSampling1d::new(2)).architecture(1)?.into_model()?;
    /// let error = model.predict(&arr3(&[[[1.0f32], [2.0]]]))? - arr3(&[[[1.0f32], [1.0], [2.0], [2.0]]]);
    /// assert!(error.iter().all(|error| error.abs() < 1e-6));
    /// # Ok::<(), gradus::Error>(())
    /// ```
    #[derive(Clone, Copy, Debug)]
    pub struct UpSampling1d("UpSampling1D") of (size: usize);
}

impl UpSampling1d {
    /// Repeats each step this many times, at least 1. Keras' default is 2.
    pub fn new(size: usize) -> UpSampling1d {
        UpSampling1d::with_defaults(size)
    }
}

impl Layer for UpSampling1d {
    fn build(&self, inputs: &[Shape], _weights: &mut Weights<'_>) -> Result<Vec<Shape>> {
        check_setting(self.size > 0, "UpSampling1d", "size", self.size, "at least 1")?;
        match inputs {
            [x] if x.rank() == 2 => Ok(vec![Shape::new(&[sizes::product(&[x.axis(0), self.size])?, x.axis(1)])?]),
            _ => Err(Error::expected("sequences steps × features")),
        }
    }

    fn record<'r>(&self, _weights: &mut Cursor<'_, 'r>, inputs: &[Var<'r>]) -> Vec<Var<'r>> {
        vec![inputs[0].repeat(1, self.size).without_mask()]
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
            (Box::new(UpSampling1d::new(2)), Shape::from([3, 2])),
            (Box::new(UpSampling1d::new(1)), Shape::from([1, 4])),
        ]
    }
}
