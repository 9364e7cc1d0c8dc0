//! RandomZoom: images zoomed by a random factor.

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
    /// Zooms each image around its center by random factors in training. `RandomZoom` in Keras.
    ///
    /// Inputs and outputs are images height × width × channels. A factor of 0.2 zooms out by 20 %, a factor of −0.2 zooms in. In
    /// evaluation and prediction, the output is the input. Draws follow from the seed of the model, the step and the position
    /// of the image in the batch.
    ///
    /// ```
    /// use gradus::{Sequential, layers::*};
    /// assert!(Sequential::new([28, 28, 1]).add(RandomZoom::new((-0.2, 0.1))).architecture(0).is_ok());
    /// ```
    ///
    /// # Errors
    /// `compile` returns [`Error::Setting`](crate::Error::Setting) unless the factors are greater than −1 and at most 1 and
    /// the interpolation is nearest or bilinear, and [`Error::Shape`](crate::Error::Shape) if the input is no image.
    #[derive(Clone, Copy, Debug)]
    #[must_use]
    pub struct RandomZoom("RandomZoom") of (height_factor: Bounds) {
        /// The range of the factor of the width.
        field width_factor: OptionalBounds = None,
        /// The values outside the image. Defaults to [`FillMode::Reflect`].
        value fill_mode: FillMode = FillMode::Reflect,
        /// How values between pixels are computed: [`Interpolation::Nearest`] or [`Interpolation::Bilinear`]. Defaults to
        /// [`Interpolation::Bilinear`].
        value interpolation: Interpolation = Interpolation::Bilinear,
        /// The value outside the image with [`FillMode::Constant`]. Defaults to 0.
        value fill_value: f32 = 0.0,
    }
}

/// The bounds of the width, if they are not those of the height.
type OptionalBounds = Option<Bounds>;

/// The range of valid factors.
const VALID: Bounds = [-1.0 + f32::EPSILON / 2.0, 1.0];

impl RandomZoom {
    /// Creates the layer for a range of the factor. One number stands for the range from its negative to the number.
    pub fn new(height_factor: impl Into<Factor>) -> RandomZoom {
        RandomZoom::with_defaults(height_factor.into().around_zero())
    }

    /// The range of the factor of the width, which is drawn separately. One number stands for the range from its negative to
    /// the number. Default: the factor of the height.
    pub fn width_factor(mut self, width_factor: impl Into<Factor>) -> RandomZoom {
        self.width_factor = Some(width_factor.into().around_zero());
        self
    }

    /// The transform with these factors of the width and the height, 1 for none.
    fn transform([x, y]: [f32; 2], [height, width]: [usize; 2]) -> Transform {
        let offset = |size: usize, zoom: f32| (size as f32 - 1.0) / 2.0 * (1.0 - zoom);
        [x, 0.0, offset(width, x), 0.0, y, offset(height, y), 0.0, 0.0]
    }

    fn draw(self, draws: &mut Draws, size: [usize; 2]) -> Transform {
        let y = 1.0 + factor::uniform(draws, self.height_factor);
        let x = self.width_factor.map_or(y, |bounds| 1.0 + factor::uniform(draws, bounds));
        RandomZoom::transform([x, y], size)
    }
}

impl Layer for RandomZoom {
    fn build(&self, inputs: &[Shape], _weights: &mut Weights<'_>) -> Result<Vec<Shape>> {
        factor::check("RandomZoom", "height_factor", self.height_factor, VALID)?;
        let width = self.width_factor.map(|bounds| factor::check("RandomZoom", "width_factor", bounds, VALID));
        width.transpose()?;
        random_transform::options(self.interpolation, self.fill_mode, self.fill_value).check("RandomZoom")?;
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
        let zoomed = RandomZoom::new(0.5).width_factor((-0.25, 0.5)).fill_mode(FillMode::Constant).fill_value(0.5);
        vec![
            (Box::new(RandomZoom::new(0.4)), Shape::from([5, 4, 2])),
            (Box::new(zoomed.interpolation(Interpolation::Nearest)), Shape::from([3, 6, 1])),
        ]
    }

    #[test]
    fn pictures_are_those_of_keras() {
        for (case, options) in filled("zoom") {
            check(&case, options, |given, size| RandomZoom::transform([given[0], given[1]], size));
        }
    }
}
