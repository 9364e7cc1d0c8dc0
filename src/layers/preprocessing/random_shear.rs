//! RandomShear: images sheared by a random factor.

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
    /// Shears each image by random factors in training. `RandomShear` in Keras.
    ///
    /// Inputs and outputs are images height × width × channels. The pixel in column x and row y has the value of the input in
    /// column x + a·y and row y + b·x; a and b have a common random sign. In evaluation and prediction, the output is the
    /// input. Draws follow from the seed of the model, the step and the position of the image in the batch.
    ///
    /// ```
    /// use gradus::{Sequential, layers::*};
    /// let sheared = RandomShear::new().x_factor((0.0, 0.2)).y_factor(0.1);
    /// assert!(Sequential::new([28, 28, 1]).add(sheared).architecture(0).is_ok());
    /// ```
    ///
    /// # Errors
    /// `compile` returns [`Error::Setting`](crate::Error::Setting) unless the factors are from −1 to 1 and the interpolation
    /// is nearest or bilinear, and [`Error::Shape`](crate::Error::Shape) if the input is no image.
    #[derive(Clone, Copy, Debug)]
    #[must_use]
    pub struct RandomShear("RandomShear") {
        /// The range of the factor a.
        field x_factor: Bounds = [0.0; 2],
        /// The range of the factor b.
        field y_factor: Bounds = [0.0; 2],
        /// The values outside the image. Defaults to [`FillMode::Reflect`].
        value fill_mode: FillMode = FillMode::Reflect,
        /// How values between pixels are computed: [`Interpolation::Nearest`] or [`Interpolation::Bilinear`]. Defaults to
        /// [`Interpolation::Bilinear`].
        value interpolation: Interpolation = Interpolation::Bilinear,
        /// The value outside the image with [`FillMode::Constant`]. Defaults to 0.
        value fill_value: f32 = 0.0,
    }
}

impl RandomShear {
    /// Creates the layer with the defaults of Keras, which do not change images.
    pub fn new() -> RandomShear {
        RandomShear::default()
    }

    /// The range of the columns that are added for each row. One number stands for the range from its negative to the number.
    /// Defaults to 0.
    pub fn x_factor(mut self, x_factor: impl Into<Factor>) -> RandomShear {
        self.x_factor = x_factor.into().around_zero();
        self
    }

    /// The range of the rows that are added for each column. One number stands for the range from its negative to the number.
    /// Defaults to 0.
    pub fn y_factor(mut self, y_factor: impl Into<Factor>) -> RandomShear {
        self.y_factor = y_factor.into().around_zero();
        self
    }

    fn transform([x, y]: [f32; 2]) -> Transform {
        [1.0, x, 0.0, y, 1.0, 0.0, 0.0, 0.0]
    }

    fn draw(self, draws: &mut Draws) -> Transform {
        let sign = if draws.uniform() > 0.5 { -1.0 } else { 1.0 };
        let y = factor::uniform(draws, self.y_factor);
        let x = factor::uniform(draws, self.x_factor);
        RandomShear::transform([sign * x, sign * y])
    }
}

impl Layer for RandomShear {
    fn build(&self, inputs: &[Shape], _weights: &mut Weights<'_>) -> Result<Vec<Shape>> {
        factor::check("RandomShear", "x_factor", self.x_factor, [-1.0, 1.0])?;
        factor::check("RandomShear", "y_factor", self.y_factor, [-1.0, 1.0])?;
        random_transform::options(self.interpolation, self.fill_mode, self.fill_value).check("RandomShear")?;
        Ok(vec![random_transform::check_images(inputs)?])
    }

    fn record<'r>(&self, _weights: &mut Cursor<'_, 'r>, inputs: &[Var<'r>]) -> Vec<Var<'r>> {
        let layer = *self;
        let options = random_transform::options(self.interpolation, self.fill_mode, self.fill_value);
        vec![random_transform::transformed(inputs[0], options, move |draws| layer.draw(draws)).without_mask()]
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
        let sheared = RandomShear::new().y_factor((0.1, 0.5)).fill_mode(FillMode::Constant).fill_value(0.5);
        vec![
            (Box::new(RandomShear::new().x_factor(0.4)), Shape::from([5, 4, 2])),
            (Box::new(sheared.interpolation(Interpolation::Nearest)), Shape::from([3, 6, 1])),
        ]
    }

    #[test]
    fn pictures_are_those_of_keras() {
        for (case, options) in filled("shear") {
            check(&case, options, |given, _| RandomShear::transform([given[0], given[1]]));
        }
    }
}
