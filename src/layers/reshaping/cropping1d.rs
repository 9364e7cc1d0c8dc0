//! Cropping1d: removal of steps at the ends of a sequence.

use crate::error::{Error, Result};
use crate::layers::{Cursor, Layer, Weights};
use crate::settings::{FromSpec, options};
use crate::shape::Shape;
use crate::spec::Spec;
use crate::tape::Var;

options! {
    /// Removes steps at the beginning and the end of a sequence. `Cropping1D` in Keras.
    ///
    /// Inputs are sequences steps × features; outputs are (steps − before − after) × features.
    ///
    /// ```
    /// use gradus::{Sequential, layers::*};
    /// use ndarray::arr3;
    /// let model = Sequential::new([2, 1]).add(Cropping1d::new([1, 0])).architecture(1)?.into_model()?;
    /// let error = model.predict(&arr3(&[[[5.0f32], [6.0]]]))? - arr3(&[[[6.0f32]]]);
    /// assert!(error.iter().all(|error| error.abs() < 1e-6));
    /// # Ok::<(), gradus::Error>(())
    /// ```
    ///
    /// # Errors
    /// `compile` returns [`Error::Shape`](crate::Error::Shape) if the input is not a sequence or no step would remain.
    #[derive(Clone, Debug)]
    pub struct Cropping1d("Cropping1D") of (cropping: Vec<usize>);
}

impl Cropping1d {
    /// Creates the layer for `[before, after]`, the numbers of steps to remove at the beginning and the end. Keras defaults
    /// to one at each end.
    pub fn new(cropping: [usize; 2]) -> Cropping1d {
        Cropping1d::with_defaults(cropping.to_vec())
    }
}

impl Layer for Cropping1d {
    fn build(&self, inputs: &[Shape], _weights: &mut Weights<'_>) -> Result<Vec<Shape>> {
        let ([x], [before, after]) = (inputs, &self.cropping[..]) else {
            return Err(Error::expected("one input, and a cropping with two numbers, before and after"));
        };
        let left = x.sizes().first().and_then(|steps| steps.checked_sub(*before)?.checked_sub(*after));
        match left {
            Some(left) if x.rank() == 2 && left > 0 => Ok(vec![Shape::from([left, x.axis(1)])]),
            _ => Err(Error::expected("sequences steps × features with more steps than are cropped")),
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
