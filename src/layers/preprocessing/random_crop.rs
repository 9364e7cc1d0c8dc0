//! RandomCrop: a random part of images.

use crate::error::{Result, check_setting};
use crate::layers::random_transform::{self, Transform};
use crate::layers::{Cursor, FillMode, Interpolation, Layer, Resizing, Weights};
use crate::random::Draws;
use crate::settings::{FromSpec, options};
use crate::shape::Shape;
use crate::spec::Spec;
use crate::tape::{Mode, Var};

options! {
    /// Crops each image to `height` × `width` at a random place in training. `RandomCrop` in Keras.
    ///
    /// Inputs are images of any height × width × channels; outputs are `height` × `width` × channels. In evaluation and
    /// prediction, and if the image does not have more rows and more columns, the largest central part with the ratio of
    /// `height` and `width` is resized by bilinear interpolation. Draws follow from the seed of the model, the step and the
    /// position of the image in the batch. Keras crops all images of a batch at the same place.
    ///
    /// ```
    /// use gradus::{Sequential, Shape, layers::*};
    /// let model = Sequential::new([32, 32, 3]).add(RandomCrop::new(28, 28)).architecture(0)?.into_model()?;
    /// assert_eq!(model.output_shapes(), [Shape::from([28, 28, 3])]);
    /// # Ok::<(), gradus::Error>(())
    /// ```
    ///
    /// # Errors
    /// `compile` returns [`Error::Setting`](crate::Error::Setting) if a size is 0, and [`Error::Shape`](crate::Error::Shape) if
    /// the input is no image.
    #[derive(Clone, Copy, Debug)]
    pub struct RandomCrop("RandomCrop") of (height: usize, width: usize);
}

impl RandomCrop {
    /// Creates the layer for images of `height` × `width`, both at least 1.
    pub fn new(height: usize, width: usize) -> RandomCrop {
        RandomCrop::with_defaults(height, width)
    }

    /// The layer in evaluation and prediction.
    pub(crate) fn equivalent(&self) -> Resizing {
        Resizing::new(self.height, self.width).crop_to_aspect_ratio(true)
    }

    /// The transform that crops an image from this row and column.
    fn transform([row, column]: [usize; 2]) -> Transform {
        [1.0, 0.0, column as f32, 0.0, 1.0, row as f32, 0.0, 0.0]
    }

    fn draw(self, draws: &mut Draws, [height, width]: [usize; 2]) -> Transform {
        let mut start = |rest: usize| draws.below(u32::try_from(rest + 1).unwrap_or(u32::MAX)) as usize;
        let row = start(height - self.height);
        RandomCrop::transform([row, start(width - self.width)])
    }
}

impl Layer for RandomCrop {
    fn build(&self, inputs: &[Shape], weights: &mut Weights<'_>) -> Result<Vec<Shape>> {
        for (name, size) in [("height", self.height), ("width", self.width)] {
            check_setting(size > 0, "RandomCrop", name, size, "at least 1")?;
        }
        random_transform::check_images(inputs)?;
        self.equivalent().build(inputs, weights)
    }

    fn record<'r>(&self, weights: &mut Cursor<'_, 'r>, inputs: &[Var<'r>]) -> Vec<Var<'r>> {
        let (x, layer, size) = (inputs[0], *self, random_transform::size(inputs[0]));
        let crops = size[0] > self.height && size[1] > self.width;
        if x.recorder().mode() == Mode::Inference || !crops {
            return self.equivalent().record(weights, inputs);
        }
        let options = random_transform::options(Interpolation::Nearest, FillMode::Constant, 0.0);
        let options = options.size((self.height, self.width));
        vec![random_transform::transformed(x, options, move |draws| layer.draw(draws, size)).without_mask()]
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
    use crate::layers::random_transform::tests::check;

    pub(crate) fn samples() -> Vec<(Box<dyn Layer>, Shape)> {
        vec![
            (Box::new(RandomCrop::new(2, 3)), Shape::from([5, 4, 2])),
            (Box::new(RandomCrop::new(4, 4)), Shape::from([3, 7, 1])),
        ]
    }

    #[test]
    fn pictures_are_those_of_keras() {
        let options = random_transform::options(Interpolation::Nearest, FillMode::Constant, 0.0).size((3, 2));
        check("crop", options, |given, _| RandomCrop::transform([given[0] as usize, given[1] as usize]));
    }
}
