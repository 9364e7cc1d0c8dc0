//! MaxPool2d: the maximum of each window of an image.

use crate::error::{Error, Result};
use crate::layers::{Cursor, Layer, Weights};
use crate::ops::{self, Padding};
use crate::settings::{FromSpec, options};
use crate::shape::Shape;
use crate::size2d::Size2d;
use crate::spec::Spec;
use crate::tape::Var;

options! {
    /// The maximum of each window of images height × width × channels. Keras' `MaxPooling2D`.
    #[derive(Clone, Debug)]
    #[must_use]
    pub struct MaxPool2d("MaxPooling2D") of (pool_size: Size2d) {
        /// Rows and columns from one window to the next, at least 1. Defaults to the size of the windows.
        into strides: Size2d = pool_size,
        /// Whether windows may extend beyond the border of the images. Defaults to [`Padding::Valid`]: they may not.
        value padding: Padding = Padding::Valid,
    }
}

impl MaxPool2d {
    /// Windows of this many rows and columns side by side; sizes that they do not fill are cut off.
    pub fn new(pool_size: impl Into<Size2d>) -> MaxPool2d {
        MaxPool2d::with_defaults(pool_size.into())
    }
}

impl Layer for MaxPool2d {
    fn build(&self, inputs: &[Shape], _weights: &mut Weights<'_>) -> Result<Vec<Shape>> {
        let [images] = inputs else { return Err(Error::expected("one input")) };
        Ok(vec![ops::pooled(*images, "MaxPool2d", self.pool_size.sizes(), self.strides.sizes(), self.padding)?])
    }

    fn record<'r>(&self, _weights: &mut Cursor<'_, 'r>, inputs: &[Var<'r>]) -> Vec<Var<'r>> {
        vec![inputs[0].max_pool2d(self.pool_size, self.strides, self.padding)]
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
            (Box::new(MaxPool2d::new(2)), Shape::from([5, 7, 3])),
            (Box::new(MaxPool2d::new(2).padding(Padding::Same)), Shape::from([5, 7, 3])),
            (Box::new(MaxPool2d::new((3, 2)).strides(1)), Shape::from([4, 4, 1])),
        ]
    }
}
