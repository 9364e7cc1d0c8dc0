//! AveragePool2d: the mean of each window of an image.

use super::{Cursor, Layer, Weights};
use crate::error::{Error, Result};
use crate::ops::{self, Padding};
use crate::settings::{FromSpec, Settings};
use crate::shape::Shape;
use crate::size2d::Size2d;
use crate::spec::Spec;
use crate::tape::Var;

/// The mean of each window of images height × width × channels, over what lies inside the image. Keras'
/// `AveragePooling2D`.
#[derive(Clone, Debug)]
#[must_use]
pub struct AveragePool2d {
    pool_size: [usize; 2],
    /// `None` where they are the pool size.
    strides: Option<[usize; 2]>,
    padding: Padding,
}

impl AveragePool2d {
    /// Windows of this many rows and columns side by side; sizes that they do not fill are cut off.
    pub fn new(pool_size: impl Into<Size2d>) -> AveragePool2d {
        AveragePool2d { pool_size: pool_size.into().sizes(), strides: None, padding: Padding::Valid }
    }

    /// Rows and columns from one window to the next; the pool size where they are not set.
    pub fn strides(mut self, strides: impl Into<Size2d>) -> AveragePool2d {
        self.strides = Some(strides.into().sizes());
        self
    }

    /// Whether windows reach over the images' border.
    pub fn padding(mut self, padding: Padding) -> AveragePool2d {
        self.padding = padding;
        self
    }

    /// The strides that were set, or the pool size.
    fn steps(&self) -> [usize; 2] {
        self.strides.unwrap_or(self.pool_size)
    }
}

impl Layer for AveragePool2d {
    fn build(&self, inputs: &[Shape], _weights: &mut Weights<'_>) -> Result<Vec<Shape>> {
        let [images] = inputs else { return Err(Error::expected("one input")) };
        Ok(vec![ops::pooled(*images, "AveragePool2d", self.pool_size, self.steps(), self.padding)?])
    }

    fn record<'r>(&self, _weights: &mut Cursor<'_, 'r>, inputs: &[Var<'r>]) -> Vec<Var<'r>> {
        vec![inputs[0].average_pool2d(self.pool_size, self.steps(), self.padding)]
    }

    fn spec(&self) -> Spec {
        let spec = Spec::new(Self::CLASS).with("pool_size", &self.pool_size[..]).with("strides", &self.steps()[..]);
        spec.with("padding", self.padding.name())
    }
}

impl FromSpec for AveragePool2d {
    const CLASS: &'static str = "AveragePooling2D";

    fn from_spec(settings: &mut Settings<'_>) -> Result<AveragePool2d> {
        let (pool_size, strides) = (settings.pair("pool_size")?, settings.pair("strides")?);
        Ok(AveragePool2d {
            pool_size,
            strides: (strides != pool_size).then_some(strides),
            padding: Padding::read(settings, "padding")?,
        })
    }
}

#[cfg(test)]
pub(super) mod tests {
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
