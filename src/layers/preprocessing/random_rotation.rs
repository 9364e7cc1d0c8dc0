//! RandomRotation: images turned by a random angle.

use crate::error::Result;
use crate::kernels::double::cos_pi;
use crate::layers::factor::Bounds;
use crate::layers::random_transform::{self, Transform};
use crate::layers::{Cursor, Factor, FillMode, Interpolation, Layer, Weights, factor};
use crate::random::Draws;
use crate::settings::{FromSpec, options};
use crate::shape::Shape;
use crate::spec::Spec;
use crate::tape::Var;

options! {
    /// Turns each image around its center by a random angle in training. `RandomRotation` in Keras.
    ///
    /// Inputs and outputs are images height × width × channels. In evaluation and prediction, the output is the input. Draws
    /// follow from the seed of the model, the step and the position of the image in the batch.
    ///
    /// ```
    /// use gradus::{Sequential, layers::*};
    /// // At most a tenth of a full turn in both directions.
    /// assert!(Sequential::new([28, 28, 1]).add(RandomRotation::new(0.1)).architecture(0).is_ok());
    /// ```
    ///
    /// # Errors
    /// `compile` returns [`Error::Setting`](crate::Error::Setting) unless the factor is from −1 to 1 and the interpolation
    /// is nearest or bilinear, and [`Error::Shape`](crate::Error::Shape) if the input is no image.
    #[derive(Clone, Copy, Debug)]
    #[must_use]
    pub struct RandomRotation("RandomRotation") of (factor: Bounds) {
        /// The values outside the image. Defaults to [`FillMode::Reflect`].
        value fill_mode: FillMode = FillMode::Reflect,
        /// How values between pixels are computed: [`Interpolation::Nearest`] or [`Interpolation::Bilinear`]. Defaults to
        /// [`Interpolation::Bilinear`].
        value interpolation: Interpolation = Interpolation::Bilinear,
        /// The value outside the image with [`FillMode::Constant`]. Defaults to 0.
        value fill_value: f32 = 0.0,
    }
}

impl RandomRotation {
    /// Creates the layer for a range of the angle in full turns, counterclockwise. One number stands for the range from its
    /// negative to the number.
    pub fn new(factor: impl Into<Factor>) -> RandomRotation {
        RandomRotation::with_defaults(factor.into().around_zero())
    }

    /// The transform that turns an image by this number of degrees.
    fn transform(degrees: f32, [height, width]: [usize; 2]) -> Transform {
        let half_turns = f64::from(degrees) / 180.0;
        let [cos, sin] = [half_turns, half_turns - 0.5].map(cos_pi);
        let [center_x, center_y] = [width, height].map(|size| 0.5 * (size as f64 - 1.0));
        let transform = [
            cos,
            -sin,
            center_x - center_x * cos + center_y * sin,
            sin,
            cos,
            center_y - center_x * sin - center_y * cos,
            0.0,
            0.0,
        ];
        transform.map(|value| value as f32)
    }

    fn draw(self, draws: &mut Draws, size: [usize; 2]) -> Transform {
        RandomRotation::transform(factor::uniform(draws, self.factor.map(|turns| 360.0 * turns)), size)
    }
}

impl Layer for RandomRotation {
    fn build(&self, inputs: &[Shape], _weights: &mut Weights<'_>) -> Result<Vec<Shape>> {
        factor::check("RandomRotation", "factor", self.factor, [-1.0, 1.0])?;
        random_transform::options(self.interpolation, self.fill_mode, self.fill_value).check("RandomRotation")?;
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
        let turned = RandomRotation::new((-0.5, 0.25)).fill_mode(FillMode::Constant).fill_value(0.5);
        vec![
            (Box::new(RandomRotation::new(0.1)), Shape::from([5, 4, 2])),
            (Box::new(turned.interpolation(Interpolation::Nearest)), Shape::from([3, 6, 1])),
        ]
    }

    #[test]
    fn pictures_are_those_of_keras() {
        for (case, options) in filled("rotation") {
            check(&case, options, |given, size| RandomRotation::transform(given[0], size));
        }
    }
}
