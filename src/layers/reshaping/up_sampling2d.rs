//! UpSampling2d: enlargement of an image.

use crate::error::{Error, Result, check_setting};
use crate::layers::{Cursor, Interpolation, Layer, Weights};
use crate::settings::{FromSpec, options};
use crate::shape::Shape;
use crate::size2d::Size2d;
use crate::sizes;
use crate::spec::Spec;
use crate::tape::Var;

options! {
    /// Enlarges an image by whole factors: repeats each row and each column, or interpolates between them. `UpSampling2D` in
    /// Keras.
    ///
    /// Inputs are images height × width × channels; outputs are (height · rows) × (width · columns) × channels for the size
    /// (rows, columns). Images have channels last; `data_format` of Keras has no counterpart.
    ///
    /// ```
    /// use gradus::{Sequential, layers::*};
    /// use ndarray::arr3;
    /// let network = Sequential::new([1, 2, 1]).add(UpSampling2d::new((1, 2))).add(Reshape::new([4, 1]));
    /// let y = network.architecture(1)?.into_model()?.predict(&arr3(&[[[1.0f32], [2.0]]]).insert_axis(ndarray::Axis(0)))?;
    /// assert_eq!(y, arr3(&[[[1.0f32], [1.0], [2.0], [2.0]]]).into_dyn());
    /// # Ok::<(), gradus::Error>(())
    /// ```
    ///
    /// # Errors
    /// `compile` returns [`Error::Setting`](crate::Error::Setting) if a size is 0, and [`Error::Shape`](crate::Error::Shape)
    /// if the input is no image.
    #[derive(Clone, Copy, Debug)]
    #[must_use]
    pub struct UpSampling2d("UpSampling2D") of (size: Size2d) {
        /// How pixels follow from the pixels of the input. Defaults to [`Interpolation::Nearest`], which repeats them.
        added interpolation: Interpolation = Interpolation::Nearest,
    }
}

/// The largest height or width of an interpolated image.
const MAX_SIZE: usize = 1 << 16;

impl UpSampling2d {
    /// Creates the layer for `size` repetitions of each row and each column, at least 1. Keras defaults to 2.
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
                let most = height.max(width);
                let fits = self.interpolation == Interpolation::Nearest || (1..MAX_SIZE).contains(&most);
                check_setting(
                    fits,
                    "UpSampling2d",
                    "size",
                    rows.max(columns),
                    "so small that both sizes are below 2¹⁶",
                )?;
                Ok(vec![Shape::new(&[height, width, x.axis(2)])?])
            }
            _ => Err(Error::expected("images height × width × channels; Reshape adds a missing axis")),
        }
    }

    fn record<'r>(&self, _weights: &mut Cursor<'_, 'r>, inputs: &[Var<'r>]) -> Vec<Var<'r>> {
        let (x, [rows, columns]) = (inputs[0], self.size.sizes());
        if self.interpolation == Interpolation::Nearest {
            return vec![x.repeat(2, columns).repeat(1, rows).without_mask()];
        }
        let terms = |axis: usize, factor: usize| {
            let size = x.shape().axis(axis);
            self.interpolation.terms(size, size.saturating_mul(factor), false)
        };
        vec![x.resample(1, terms(1, rows)).resample(2, terms(2, columns)).without_mask()]
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
            (Box::new(UpSampling2d::new((2, 3)).interpolation(Interpolation::Bicubic)), Shape::from([2, 3, 2])),
        ]
    }
}
