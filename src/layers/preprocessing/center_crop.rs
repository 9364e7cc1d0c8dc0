//! CenterCrop: the central part of images.

use crate::error::{Result, check_setting};
use crate::layers::random_transform;
use crate::layers::{Cropping2d, Cursor, Layer, Resizing, Weights};
use crate::settings::{FromSpec, options};
use crate::shape::Shape;
use crate::spec::Spec;
use crate::tape::Var;

options! {
    /// Crops images around their center to `height` × `width`. `CenterCrop` in Keras.
    ///
    /// Inputs are images of any height × width × channels; outputs are `height` × `width` × channels. If an image has fewer rows
    /// or columns, the largest central part with the ratio of `height` and `width` is resized by bilinear interpolation. Images
    /// have channels last; `data_format` of Keras has no counterpart.
    ///
    /// ```
    /// use gradus::{Sequential, Shape, layers::*};
    /// let model = Sequential::new([32, 20, 3]).add(CenterCrop::new(24, 16)).architecture(0)?.into_model()?;
    /// assert_eq!(model.output_shapes(), [Shape::from([24, 16, 3])]);
    /// # Ok::<(), gradus::Error>(())
    /// ```
    ///
    /// # Errors
    /// `compile` returns [`Error::Setting`](crate::Error::Setting) if a size is 0, and [`Error::Shape`](crate::Error::Shape) if
    /// the input is no image.
    #[derive(Clone, Copy, Debug)]
    pub struct CenterCrop("CenterCrop") of (height: usize, width: usize);
}

impl CenterCrop {
    /// Creates the layer for images of `height` × `width`, both at least 1.
    pub fn new(height: usize, width: usize) -> CenterCrop {
        CenterCrop::with_defaults(height, width)
    }

    /// The layer that crops images of this shape.
    pub(crate) fn equivalent(&self, image: Shape) -> Box<dyn Layer> {
        match [image.axis(0).checked_sub(self.height), image.axis(1).checked_sub(self.width)] {
            [Some(rows), Some(columns)] => {
                let sides = |rest: usize| (rest / 2, rest - rest / 2);
                Box::new(Cropping2d::new((sides(rows), sides(columns))))
            }
            _ => Box::new(Resizing::new(self.height, self.width).crop_to_aspect_ratio(true)),
        }
    }
}

impl Layer for CenterCrop {
    fn build(&self, inputs: &[Shape], weights: &mut Weights<'_>) -> Result<Vec<Shape>> {
        for (name, size) in [("height", self.height), ("width", self.width)] {
            check_setting(size > 0, "CenterCrop", name, size, "at least 1")?;
        }
        self.equivalent(random_transform::check_images(inputs)?).build(inputs, weights)
    }

    fn record<'r>(&self, weights: &mut Cursor<'_, 'r>, inputs: &[Var<'r>]) -> Vec<Var<'r>> {
        self.equivalent(inputs[0].shape().sample()).record(weights, inputs)
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
            (Box::new(CenterCrop::new(2, 3)), Shape::from([5, 4, 2])),
            (Box::new(CenterCrop::new(4, 4)), Shape::from([3, 7, 1])),
        ]
    }
}
