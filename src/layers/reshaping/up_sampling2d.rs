//! UpSampling2d: each pixel of an image several times.

use crate::error::{Error, Result, check_setting};
use crate::layers::{Cursor, Layer, Weights};
use crate::settings::{FromSpec, options};
use crate::shape::Shape;
use crate::size2d::Size2d;
use crate::sizes;
use crate::spec::Spec;
use crate::tape::Var;

options! {
    /// Repeats the rows and columns of images height × width × channels (nearest-neighbour interpolation). Keras'
    /// `UpSampling2D` with `interpolation="nearest"`.
    ///
    /// ```
    /// use gradus::{Sequential, layers::*};
    /// use ndarray::arr3;
    /// let network = Sequential::new([1, 2, 1]).add(UpSampling2d::new((1, 2))).add(Reshape::new([4, 1]));
    /// let y = network.architecture(1)?.into_model()?.predict(&arr3(&[[[1.0f32], [2.0]]]).insert_axis(ndarray::Axis(0)))?;
    /// assert_eq!(y, arr3(&[[[1.0f32], [1.0], [2.0], [2.0]]]).into_dyn());
    /// # Ok::<(), gradus::Error>(())
    /// ```
    #[derive(Clone, Copy, Debug)]
    pub struct UpSampling2d("UpSampling2D") of (size: Size2d);
}

impl UpSampling2d {
    /// Repeats rows and columns this many times, each at least 1. Keras' default is 2.
    pub fn new(size: impl Into<Size2d>) -> UpSampling2d {
        UpSampling2d::with_defaults(size.into())
    }
}

impl Layer for UpSampling2d {
    fn build(&self, inputs: &[Shape], _weights: &mut Weights<'_>) -> Result<Vec<Shape>> {
        let [rows, columns] = self.size.sizes();
        check_setting(rows.min(columns) > 0, "UpSampling2d", "size", 0, "at least 1")?;
        match inputs {
            [x] if x.rank() == 3 => {
                let [height, width] = [sizes::product(&[x.axis(0), rows])?, sizes::product(&[x.axis(1), columns])?];
                Ok(vec![Shape::new(&[height, width, x.axis(2)])?])
            }
            _ => Err(Error::expected("images height × width × channels")),
        }
    }

    fn record<'r>(&self, _weights: &mut Cursor<'_, 'r>, inputs: &[Var<'r>]) -> Vec<Var<'r>> {
        let [rows, columns] = self.size.sizes();
        vec![inputs[0].repeat(2, columns).repeat(1, rows).without_mask()]
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
            (Box::new(UpSampling2d::new(2)), Shape::from([3, 2, 2])),
            (Box::new(UpSampling2d::new((1, 3))), Shape::from([2, 2, 1])),
        ]
    }
}
