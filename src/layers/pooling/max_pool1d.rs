//! MaxPool1d: maximum of each window of a sequence.

use crate::error::Result;
use crate::layers::sequence_image::{check_steps, image_shape, to_images, to_sequences};
use crate::layers::{Cursor, Layer, Weights};
use crate::ops::{self, Padding};
use crate::settings::{FromSpec, options};
use crate::shape::Shape;
use crate::spec::Spec;
use crate::tape::Var;

options! {
    /// Max pooling: the maximum of each feature over each window of a sequence. `MaxPooling1D` in Keras.
    ///
    /// Inputs are sequences steps × features; outputs are positions × features with
    /// positions = ⌊(steps − pool size) / stride⌋ + 1. Padding is never the maximum. Sequences have features last;
    /// `data_format` of Keras has no counterpart.
    ///
    /// ```
    /// use gradus::{Sequential, layers::*};
    /// use ndarray::arr3;
    /// let model = Sequential::new([4, 1]).add(MaxPool1d::new(2)).architecture(1)?.into_model()?;
    /// let error = model.predict(&arr3(&[[[1.0f32], [2.0], [3.0], [4.0]]]))? - arr3(&[[[2.0f32], [4.0]]]);
    /// assert!(error.iter().all(|error| error.abs() < 1e-6));
    /// # Ok::<(), gradus::Error>(())
    /// ```
    ///
    /// # Errors
    /// `compile` returns [`Error::Setting`](crate::Error::Setting) if a size or a stride is 0, and
    /// [`Error::Shape`](crate::Error::Shape) if the input is not a sequence or is shorter than a window without padding.
    #[derive(Clone, Copy, Debug)]
    #[must_use]
    pub struct MaxPool1d("MaxPooling1D") of (pool_size: usize) {
        /// Distance between windows in steps, at least 1. Defaults to `pool_size`.
        value strides: usize = pool_size,
        /// Padding of the sequences. Defaults to [`Padding::Valid`], none: steps that fill no window are ignored. With
        /// [`Padding::Same`], the output has ⌈steps / stride⌉ positions.
        value padding: Padding = Padding::Valid,
    }
}

impl MaxPool1d {
    /// Creates the layer for windows of `pool_size` steps, at least 1, without overlap and without padding.
    pub fn new(pool_size: usize) -> MaxPool1d {
        MaxPool1d::with_defaults(pool_size)
    }
}

impl Layer for MaxPool1d {
    fn build(&self, inputs: &[Shape], _weights: &mut Weights<'_>) -> Result<Vec<Shape>> {
        let images = image_shape(inputs, "features")?;
        check_steps(images, self.pool_size, self.padding)?;
        let pooled = ops::pooled(images, "MaxPool1d", [self.pool_size, 1], [self.strides, 1], self.padding)?;
        Ok(vec![Shape::from([pooled.axis(0), pooled.axis(2)])])
    }

    fn record<'r>(&self, _weights: &mut Cursor<'_, 'r>, inputs: &[Var<'r>]) -> Vec<Var<'r>> {
        let pooled = to_images(inputs[0]).max_pool2d((self.pool_size, 1), (self.strides, 1), self.padding);
        vec![to_sequences(pooled).without_mask()]
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
