//! RandomTranslation: images moved by a random distance.

use crate::error::Result;
use crate::layers::factor::Bounds;
use crate::layers::random_transform::{self, Transform};
use crate::layers::{Cursor, Factor, FillMode, Interpolation, Layer, Weights, factor};
use crate::random::Draws;
use crate::settings::{FromSpec, options};
use crate::shape::Shape;
use crate::spec::Spec;
use crate::tape::Var;

options! {
    /// Moves each image by random distances in training. `RandomTranslation` in Keras.
    ///
    /// Inputs and outputs are images height × width × channels. In evaluation and prediction, the output is the input. Draws
    /// follow from the seed of the model, the step and the position of the image in the batch.
    ///
    /// ```
    /// use gradus::{Sequential, layers::*};
    /// let moved = RandomTranslation::new(0.1, (0.0, 0.2)).fill_mode(FillMode::Constant);
    /// assert!(Sequential::new([28, 28, 1]).add(moved).architecture(0).is_ok());
    /// ```
    ///
    /// # Errors
    /// `compile` returns [`Error::Setting`](crate::Error::Setting) unless the factors are from −1 to 1 and the interpolation
    /// is nearest or bilinear, and [`Error::Shape`](crate::Error::Shape) if the input is no image.
    #[derive(Clone, Copy, Debug)]
    #[must_use]
    pub struct RandomTranslation("RandomTranslation") of (height_factor: Bounds, width_factor: Bounds) {
        /// The values outside the image. Defaults to [`FillMode::Reflect`].
        value fill_mode: FillMode = FillMode::Reflect,
        /// How values between pixels are computed: [`Interpolation::Nearest`] or [`Interpolation::Bilinear`]. Defaults to
        /// [`Interpolation::Bilinear`].
        value interpolation: Interpolation = Interpolation::Bilinear,
        /// The value outside the image with [`FillMode::Constant`]. Defaults to 0.
        value fill_value: f32 = 0.0,
    }
}

impl RandomTranslation {
    /// Creates the layer for ranges of the distance down, in heights, and to the right, in widths. One number stands for the
    /// range from its negative to the number.
    pub fn new(height_factor: impl Into<Factor>, width_factor: impl Into<Factor>) -> RandomTranslation {
        RandomTranslation::with_defaults(height_factor.into().around_zero(), width_factor.into().around_zero())
    }

    /// The transform that moves an image by these numbers of columns and rows.
    fn transform([right, down]: [f32; 2]) -> Transform {
        [1.0, 0.0, -right, 0.0, 1.0, -down, 0.0, 0.0]
    }

    fn draw(self, draws: &mut Draws, [height, width]: [usize; 2]) -> Transform {
        let down = factor::uniform(draws, self.height_factor) * height as f32;
        let right = factor::uniform(draws, self.width_factor) * width as f32;
        RandomTranslation::transform([right, down])
    }
}

impl Layer for RandomTranslation {
    fn build(&self, inputs: &[Shape], _weights: &mut Weights<'_>) -> Result<Vec<Shape>> {
        factor::check("RandomTranslation", "height_factor", self.height_factor, [-1.0, 1.0])?;
        factor::check("RandomTranslation", "width_factor", self.width_factor, [-1.0, 1.0])?;
        random_transform::options(self.interpolation, self.fill_mode, self.fill_value).check("RandomTranslation")?;
        Ok(vec![random_transform::check_images(inputs)?])
    }

    fn record<'r>(&self, _weights: &mut Cursor<'_, 'r>, inputs: &[Var<'r>]) -> Vec<Var<'r>> {
        let (x, layer, size) = (inputs[0], *self, random_transform::size(inputs[0]));
        let options = random_transform::options(self.interpolation, self.fill_mode, self.fill_value);
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
    use crate::layers::random_transform::tests::{check, filled};

    pub(crate) fn samples() -> Vec<(Box<dyn Layer>, Shape)> {
        let moved = RandomTranslation::new((0.1, -0.3), 0.5).fill_mode(FillMode::Constant).fill_value(0.5);
        vec![
            (Box::new(RandomTranslation::new(0.2, 0.2)), Shape::from([5, 4, 2])),
            (Box::new(moved.interpolation(Interpolation::Nearest)), Shape::from([3, 6, 1])),
        ]
    }

    #[test]
    fn pictures_are_those_of_keras() {
        for (case, options) in filled("translation") {
            check(&case, options, |given, _| RandomTranslation::transform([given[0], given[1]]));
        }
    }
}
