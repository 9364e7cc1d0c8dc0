//! ZeroPadding3d: padding of a volume with zeros.

use crate::error::Result;
use crate::layers::{Cursor, Layer, Weights, volumes};
use crate::ops;
use crate::padding3d::Padding3d;
use crate::settings::{FromSpec, options};
use crate::shape::Shape;
use crate::spec::Spec;
use crate::tape::Var;

options! {
    /// Adds planes, rows and columns of zeros around a volume. `ZeroPadding3D` in Keras.
    ///
    /// Inputs are volumes depth × height × width × channels. Volumes have channels last; `data_format` of Keras has no
    /// counterpart.
    ///
    /// ```
    /// use gradus::{Sequential, Shape, layers::ZeroPadding3d};
    /// let padded = ZeroPadding3d::new([[1, 0], [2, 1], [0, 0]]);
    /// let model = Sequential::new([4, 5, 3, 1]).add(padded).architecture(0)?.into_model()?;
    /// assert_eq!(model.output_shapes(), [Shape::from([5, 8, 3, 1])]);
    /// # Ok::<(), gradus::Error>(())
    /// ```
    ///
    /// # Errors
    /// `compile` returns [`Error::Shape`](crate::Error::Shape) if the input is no volume, and
    /// [`Error::TooLarge`](crate::Error::TooLarge) if the output does not fit in memory.
    #[derive(Clone, Copy, Debug)]
    pub struct ZeroPadding3d("ZeroPadding3D") of (padding: Padding3d);
}

impl ZeroPadding3d {
    /// Creates the layer for numbers of planes, rows and columns: one for all sides, one for both sides of each axis, or one for
    /// each side. Keras defaults to 1.
    pub fn new(padding: impl Into<Padding3d>) -> ZeroPadding3d {
        ZeroPadding3d::with_defaults(padding.into())
    }

    /// The padding before and after each axis of a batch or of a sample.
    fn around<const N: usize>(&self) -> [[usize; 2]; N] {
        let mut around = [[0; 2]; N];
        around[N - 4..N - 1].copy_from_slice(&self.padding.sides());
        around
    }
}

impl Layer for ZeroPadding3d {
    fn build(&self, inputs: &[Shape], _weights: &mut Weights<'_>) -> Result<Vec<Shape>> {
        Ok(vec![Shape::new(&ops::padded(&volumes::check(inputs)?, &self.around::<4>()))?])
    }

    fn record<'r>(&self, _weights: &mut Cursor<'_, 'r>, inputs: &[Var<'r>]) -> Vec<Var<'r>> {
        vec![inputs[0].pad(&self.around::<5>(), 0.0).without_mask()]
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
            (Box::new(ZeroPadding3d::new(1)), Shape::from([2, 1, 3, 2])),
            (Box::new(ZeroPadding3d::new([[1, 0], [0, 2], [1, 1]])), Shape::from([1, 2, 2, 1])),
        ]
    }
}
