//! Cropping1d: a sequence without its ends.

use crate::error::{Error, Result};
use crate::layers::{Cursor, Layer, Weights};
use crate::settings::{FromSpec, options};
use crate::shape::Shape;
use crate::spec::Spec;
use crate::tape::Var;

options! {
    /// Removes steps at the ends of sequences steps × features. Keras' `Cropping1D`.
    ///
    /// ```
    /// use gradus::{Sequential, layers::*};
    /// use ndarray::arr3;
    /// let model = Sequential::new([2, 1]).add(Cropping1d::new([1, 0])).architecture(1)?.into_model()?;
    /// let error = model.predict(&arr3(&[[[5.0f32], [6.0]]]))? - arr3(&[[[6.0f32]]]);
    /// assert!(error.iter().all(|error| error.abs() < 1e-6));
    /// # Ok::<(), gradus::Error>(())
    /// ```
    #[derive(Clone, Debug)]
    pub struct Cropping1d("Cropping1D") of (cropping: Vec<usize>);
}

impl Cropping1d {
    /// Removes `[before, after]` steps. Keras' default is one at either end.
    pub fn new(cropping: [usize; 2]) -> Cropping1d {
        Cropping1d::with_defaults(cropping.to_vec())
    }
}

impl Layer for Cropping1d {
    fn build(&self, inputs: &[Shape], _weights: &mut Weights<'_>) -> Result<Vec<Shape>> {
        let ([x], [before, after]) = (inputs, &self.cropping[..]) else {
            return Err(Error::expected("one input, and a cropping of two numbers"));
        };
        let left = x.sizes().first().and_then(|steps| steps.checked_sub(*before)?.checked_sub(*after));
        match left {
            Some(left) if x.rank() == 2 && left > 0 => Ok(vec![Shape::from([left, x.axis(1)])]),
            _ => Err(Error::expected("sequences steps × features that are longer than the cropping")),
        }
    }

    fn record<'r>(&self, _weights: &mut Cursor<'_, 'r>, inputs: &[Var<'r>]) -> Vec<Var<'r>> {
        let (x, before) = (inputs[0].shape(), self.cropping.first().copied().unwrap_or(0));
        let removed: usize = self.cropping.iter().sum();
        vec![inputs[0].slice(&[0, before, 0], [x.axis(0), x.axis(1) - removed, x.axis(2)]).without_mask()]
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
            (Box::new(Cropping1d::new([1, 1])), Shape::from([3, 2])),
            (Box::new(Cropping1d::new([0, 2])), Shape::from([5, 4])),
        ]
    }
}
