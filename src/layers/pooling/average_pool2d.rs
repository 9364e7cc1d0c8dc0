//! AveragePool2d: the mean of each window of an image.

use crate::error::{Error, Result};
use crate::layers::{Cursor, Layer, Weights};
use crate::ops::{self, Padding};
use crate::settings::{FromSpec, options};
use crate::shape::Shape;
use crate::size2d::Size2d;
use crate::spec::Spec;
use crate::tape::Var;

options! {
    /// The mean of each window of images height × width × channels, over what lies inside the image. Keras'
    /// `AveragePooling2D`.
    #[derive(Clone, Debug)]
    #[must_use]
    pub struct AveragePool2d("AveragePooling2D") of (pool_size: Size2d) {
        /// Rows and columns from one window to the next, at least 1. Defaults to the size of the windows.
        into strides: Size2d = pool_size,
        /// Whether windows may extend beyond the border of the images. Defaults to [`Padding::Valid`]: they may not.
        value padding: Padding = Padding::Valid,
    }
}

impl AveragePool2d {
    /// Windows of this many rows and columns side by side; sizes that they do not fill are cut off.
    pub fn new(pool_size: impl Into<Size2d>) -> AveragePool2d {
        AveragePool2d::with_defaults(pool_size.into())
    }
}

impl Layer for AveragePool2d {
    fn build(&self, inputs: &[Shape], _weights: &mut Weights<'_>) -> Result<Vec<Shape>> {
        let [images] = inputs else { return Err(Error::expected("one input")) };
        Ok(vec![ops::pooled(*images, "AveragePool2d", self.pool_size.sizes(), self.strides.sizes(), self.padding)?])
    }

    fn record<'r>(&self, _weights: &mut Cursor<'_, 'r>, inputs: &[Var<'r>]) -> Vec<Var<'r>> {
        vec![inputs[0].average_pool2d(self.pool_size, self.strides, self.padding)]
    }

    fn spec(&self) -> Spec {
        self.write_options(Spec::new(Self::CLASS))
    }
}

#[cfg(test)]
pub(in crate::layers) mod tests {
    use super::*;

    pub(crate) fn samples() -> Vec<(Box<dyn Layer>, Shape)> {
        let overlapping = AveragePool2d::new((3, 2)).strides(1);
        vec![
            (Box::new(AveragePool2d::new(2)), Shape::from([5, 7, 3])),
            (Box::new(AveragePool2d::new(3).padding(Padding::Same)), Shape::from([5, 7, 3])),
            (Box::new(overlapping), Shape::from([4, 4, 1])),
        ]
    }
}
