//! MaxPool2d: the maximum of each window of an image.

use super::{Cursor, Layer, Weights};
use crate::error::{Error, Result};
use crate::ops::{self, Padding};
use crate::settings::{FromSpec, Settings};
use crate::shape::Shape;
use crate::size2d::Size2d;
use crate::spec::Spec;
use crate::tape::Var;

/// The maximum of each window of images height × width × channels. Keras' `MaxPooling2D`.
#[derive(Clone, Debug)]
#[must_use]
pub struct MaxPool2d {
    pool_size: [usize; 2],
    /// `None` where they are the pool size.
    strides: Option<[usize; 2]>,
    padding: Padding,
}

impl MaxPool2d {
    /// Windows of this many rows and columns side by side; sizes that they do not fill are cut off.
    pub fn new(pool_size: impl Into<Size2d>) -> MaxPool2d {
        MaxPool2d { pool_size: pool_size.into().sizes(), strides: None, padding: Padding::Valid }
    }

    /// Rows and columns from one window to the next; the pool size where they are not set.
    pub fn strides(mut self, strides: impl Into<Size2d>) -> MaxPool2d {
        self.strides = Some(strides.into().sizes());
        self
    }

    /// Whether windows reach over the images' border.
    pub fn padding(mut self, padding: Padding) -> MaxPool2d {
        self.padding = padding;
        self
    }

    /// The strides that were set, or the pool size.
    fn steps(&self) -> [usize; 2] {
        self.strides.unwrap_or(self.pool_size)
    }
}

impl Layer for MaxPool2d {
    fn build(&self, inputs: &[Shape], _weights: &mut Weights<'_>) -> Result<Vec<Shape>> {
        let [images] = inputs else { return Err(Error::expected("one input")) };
        Ok(vec![ops::pooled(*images, "MaxPool2d", self.pool_size, self.steps(), self.padding)?])
    }

    fn record<'r>(&self, _weights: &mut Cursor<'_, 'r>, inputs: &[Var<'r>]) -> Vec<Var<'r>> {
        vec![inputs[0].max_pool2d(self.pool_size, self.steps(), self.padding)]
    }

    fn spec(&self) -> Spec {
        let spec = Spec::new(Self::CLASS).with("pool_size", &self.pool_size[..]).with("strides", &self.steps()[..]);
        spec.with("padding", self.padding.name())
    }
}

impl FromSpec for MaxPool2d {
    const CLASS: &'static str = "MaxPooling2D";

    fn from_spec(settings: &mut Settings<'_>) -> Result<MaxPool2d> {
        let (pool_size, strides) = (settings.pair("pool_size")?, settings.pair("strides")?);
        Ok(MaxPool2d {
            pool_size,
            strides: (strides != pool_size).then_some(strides),
            padding: settings.or("padding", Padding::Valid, Padding::read)?,
        })
    }
}

#[cfg(test)]
pub(super) mod tests {
    use super::*;

    pub(crate) fn samples() -> Vec<(Box<dyn Layer>, Shape)> {
        vec![
            (Box::new(MaxPool2d::new(2)), Shape::from([5, 7, 3])),
            (Box::new(MaxPool2d::new(2).padding(Padding::Same)), Shape::from([5, 7, 3])),
            (Box::new(MaxPool2d::new((3, 2)).strides(1)), Shape::from([4, 4, 1])),
        ]
    }
}
