//! Cropping3d: removal of the borders of a volume.

use crate::error::{Error, Result};
use crate::layers::{Cursor, Layer, Weights, volumes};
use crate::padding3d::Padding3d;
use crate::settings::{FromSpec, options};
use crate::shape::Shape;
use crate::spec::Spec;
use crate::tape::Var;

options! {
    /// Removes planes, rows and columns at the borders of a volume. `Cropping3D` in Keras.
    ///
    /// Inputs are volumes depth × height × width × channels. Volumes have channels last; `data_format` of Keras has no
    /// counterpart.
    ///
    /// ```
    /// use gradus::{Sequential, Shape, layers::Cropping3d};
    /// let cropped = Cropping3d::new([[1, 0], [2, 1], [0, 0]]);
    /// let model = Sequential::new([4, 5, 3, 1]).add(cropped).architecture(0)?.into_model()?;
    /// assert_eq!(model.output_shapes(), [Shape::from([3, 2, 3, 1])]);
    /// # Ok::<(), gradus::Error>(())
    /// ```
    ///
    /// # Errors
    /// `compile` returns [`Error::Shape`](crate::Error::Shape) if the input is no volume, or nothing of it is left.
    #[derive(Clone, Copy, Debug)]
    pub struct Cropping3d("Cropping3D") of (cropping: Padding3d);
}

impl Cropping3d {
    /// Creates the layer for the numbers of planes, rows and columns to remove: one for all sides, one for both sides of each
    /// axis, or one for each side.
    pub fn new(cropping: impl Into<Padding3d>) -> Cropping3d {
        Cropping3d::with_defaults(cropping.into())
    }
}

impl Layer for Cropping3d {
    fn build(&self, inputs: &[Shape], _weights: &mut Weights<'_>) -> Result<Vec<Shape>> {
        let mut sizes = volumes::check(inputs)?;
        for (size, [before, after]) in sizes.iter_mut().zip(self.cropping.sides()) {
            let left = size.checked_sub(before).and_then(|size| size.checked_sub(after)).filter(|size| *size > 0);
            *size =
                left.ok_or_else(|| Error::expected("volumes with more planes, rows and columns than are cropped"))?;
        }
        Ok(vec![Shape::new(&sizes)?])
    }

    fn record<'r>(&self, _weights: &mut Cursor<'_, 'r>, inputs: &[Var<'r>]) -> Vec<Var<'r>> {
        let (x, [depth, rows, columns]) = (inputs[0].shape(), self.cropping.sides());
        let size = |axis: usize, [before, after]: [usize; 2]| x.axis(axis) - before - after;
        let sizes = [x.axis(0), size(1, depth), size(2, rows), size(3, columns), x.axis(4)];
        vec![inputs[0].slice(&[0, depth[0], rows[0], columns[0], 0], sizes).without_mask()]
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
            (Box::new(Cropping3d::new(1)), Shape::from([3, 4, 3, 2])),
            (Box::new(Cropping3d::new([[1, 0], [0, 2], [1, 1]])), Shape::from([2, 3, 4, 1])),
        ]
    }
}
