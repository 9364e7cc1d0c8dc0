//! MaxPool1d: the maximum of each window of a sequence.

use crate::error::{Error, Result};
use crate::layers::{Cursor, Layer, Weights};
use crate::ops::{self, Padding};
use crate::settings::{FromSpec, options};
use crate::shape::Shape;
use crate::spec::Spec;
use crate::tape::Var;

options! {
    /// Takes the maximum of each window of sequences steps × features. Keras' `MaxPooling1D`.
    ///
    /// ```
    /// use gradus::{Sequential, layers::*};
    /// use ndarray::arr3;
    /// let model = Sequential::new([4, 1]).add(MaxPool1d::new(2)).architecture(1)?.into_model()?;
    /// let error = model.predict(&arr3(&[[[1.0f32], [2.0], [3.0], [4.0]]]))? - arr3(&[[[2.0f32], [4.0]]]);
    /// assert!(error.iter().all(|error| error.abs() < 1e-6));
    /// # Ok::<(), gradus::Error>(())
    /// ```
    #[derive(Clone, Copy, Debug)]
    #[must_use]
    pub struct MaxPool1d("MaxPooling1D") of (pool_size: usize) {
        /// Steps from one window to the next, at least 1. Defaults to the size of the windows.
        value strides: usize = pool_size,
        /// Whether windows may extend beyond the ends of the sequence. Defaults to [`Padding::Valid`]: they may not.
        value padding: Padding = Padding::Valid,
    }
}

impl MaxPool1d {
    /// Windows of this many steps side by side; steps that do not fill a window are ignored.
    pub fn new(pool_size: usize) -> MaxPool1d {
        MaxPool1d::with_defaults(pool_size)
    }
}

impl Layer for MaxPool1d {
    fn build(&self, inputs: &[Shape], _weights: &mut Weights<'_>) -> Result<Vec<Shape>> {
        let [x] = inputs else { return Err(Error::expected("one input")) };
        if x.rank() != 2 {
            return Err(Error::expected("sequences steps × features"));
        }
        let images = Shape::from([x.axis(0), 1, x.axis(1)]);
        let pooled = ops::pooled(images, "MaxPool1d", [self.pool_size, 1], [self.strides, 1], self.padding)?;
        Ok(vec![Shape::from([pooled.axis(0), pooled.axis(2)])])
    }

    fn record<'r>(&self, _weights: &mut Cursor<'_, 'r>, inputs: &[Var<'r>]) -> Vec<Var<'r>> {
        let [rows, steps, features] = [0, 1, 2].map(|axis| inputs[0].shape().axis(axis));
        let images = inputs[0].reshape([rows, steps, 1, features]);
        let pooled = images.max_pool2d((self.pool_size, 1), (self.strides, 1), self.padding);
        vec![pooled.reshape([rows, pooled.shape().axis(1), features]).without_mask()]
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
            (Box::new(MaxPool1d::new(2)), Shape::from([5, 3])),
            (Box::new(MaxPool1d::new(3).strides(1).padding(Padding::Same)), Shape::from([4, 2])),
        ]
    }
}
