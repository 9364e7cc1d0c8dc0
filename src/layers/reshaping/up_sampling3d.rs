//! UpSampling3d: repetition of each element of a volume.

use crate::error::{Result, check_setting};
use crate::layers::{Cursor, Layer, Weights, volumes};
use crate::settings::{FromSpec, options};
use crate::shape::Shape;
use crate::size3d::Size3d;
use crate::sizes;
use crate::spec::Spec;
use crate::tape::Var;

options! {
    /// Repeats the planes, rows and columns of a volume. `UpSampling3D` in Keras.
    ///
    /// Inputs are volumes depth × height × width × channels; the output has `size` times as many elements along each axis but the
    /// last. Volumes have channels last; `data_format` of Keras has no counterpart.
    ///
    /// ```
    /// use gradus::{Sequential, Shape, layers::UpSampling3d};
    /// let model = Sequential::new([2, 3, 4, 1]).add(UpSampling3d::new((1, 2, 3))).architecture(0)?.into_model()?;
    /// assert_eq!(model.output_shapes(), [Shape::from([2, 6, 12, 1])]);
    /// # Ok::<(), gradus::Error>(())
    /// ```
    ///
    /// # Errors
    /// `compile` returns [`Error::Setting`](crate::Error::Setting) if a size is 0, and [`Error::Shape`](crate::Error::Shape) if
    /// the input is no volume.
    #[derive(Clone, Copy, Debug)]
    pub struct UpSampling3d("UpSampling3D") of (size: Size3d);
}

impl UpSampling3d {
    /// Creates the layer for `size` repetitions along depth, rows and columns, at least 1. Keras defaults to 2.
    pub fn new(size: impl Into<Size3d>) -> UpSampling3d {
        UpSampling3d::with_defaults(size.into())
    }
}

impl Layer for UpSampling3d {
    fn build(&self, inputs: &[Shape], _weights: &mut Weights<'_>) -> Result<Vec<Shape>> {
        let (mut sizes, factors) = (volumes::check(inputs)?, self.size.sizes());
        check_setting(!factors.contains(&0), "UpSampling3d", "size", 0, "at least 1")?;
        for (size, factor) in sizes.iter_mut().zip(factors) {
            *size = sizes::product(&[*size, factor])?;
        }
        Ok(vec![Shape::new(&sizes)?])
    }

    fn record<'r>(&self, _weights: &mut Cursor<'_, 'r>, inputs: &[Var<'r>]) -> Vec<Var<'r>> {
        let repeated = |x: Var<'r>, (at, times): (usize, usize)| if times == 1 { x } else { x.repeat(at + 1, times) };
        vec![self.size.sizes().into_iter().enumerate().fold(inputs[0], repeated).without_mask()]
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
            (Box::new(UpSampling3d::new(2)), Shape::from([3, 2, 1, 2])),
            (Box::new(UpSampling3d::new((1, 3, 2))), Shape::from([1, 2, 3, 1])),
        ]
    }
}
