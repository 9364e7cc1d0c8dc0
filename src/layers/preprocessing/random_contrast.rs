//! RandomContrast: images of random contrast.

use crate::error::Result;
use crate::layers::factor::Bounds;
use crate::layers::{Cursor, Factor, Layer, Weights, factor, random_transform};
use crate::settings::{FromSpec, options};
use crate::shape::Shape;
use crate::spec::Spec;
use crate::tape::{Mode, Var};

options! {
    /// Changes the contrast of each image by a random factor in training. `RandomContrast` in Keras.
    ///
    /// Inputs and outputs are images height × width × channels. Each pixel x becomes (x − m) · f + m, where m is the mean of the
    /// channel of the image, limited to `value_range`. In evaluation and prediction, the output is the input. Draws follow from
    /// the seed of the model, the step and the position of the image in the batch.
    ///
    /// ```
    /// use gradus::{Sequential, layers::*};
    /// let network = Sequential::new([28, 28, 1]).add(RandomContrast::new((0.2, 0.2)).value_range([0.0, 1.0]));
    /// assert!(network.architecture(0).is_ok());
    /// ```
    ///
    /// # Errors
    /// `compile` returns [`Error::Setting`](crate::Error::Setting) unless the factor is from 0 to 1 and the range of values is
    /// finite and ascending, and [`Error::Shape`](crate::Error::Shape) if the input is no image.
    #[derive(Clone, Copy, Debug)]
    #[must_use]
    pub struct RandomContrast("RandomContrast") of (factor: Bounds) {
        /// The range of the values of images. Defaults to 0 to 255.
        value value_range: Bounds = [0.0, 255.0],
    }
}

impl RandomContrast {
    /// Creates the layer for two numbers from 0 to 1: f is drawn from 1 − the lower to 1 + the upper one. One number is the
    /// upper one and the lower one is 0, as in Keras.
    pub fn new(factor: impl Into<Factor>) -> RandomContrast {
        RandomContrast::with_defaults(factor.into().above_zero())
    }

    /// The images with these factors, rows × 1 × 1 × 1.
    fn adjusted<'r>(self, x: Var<'r>, factors: Var<'r>) -> Var<'r> {
        let mean = x.mean_axes(&[1, 2], true);
        ((x - mean) * factors + mean).clip(self.value_range[0], self.value_range[1])
    }
}

impl Layer for RandomContrast {
    fn build(&self, inputs: &[Shape], _weights: &mut Weights<'_>) -> Result<Vec<Shape>> {
        factor::check("RandomContrast", "factor", self.factor, [0.0, 1.0])?;
        factor::check_value_range("RandomContrast", self.value_range)?;
        Ok(vec![random_transform::check_images(inputs)?])
    }

    fn record<'r>(&self, _weights: &mut Cursor<'_, 'r>, inputs: &[Var<'r>]) -> Vec<Var<'r>> {
        let (x, bounds) = (inputs[0], [1.0 - self.factor[0], 1.0 + self.factor[1]]);
        let y = match x.recorder().mode() {
            Mode::Inference => x,
            Mode::Training => {
                let factors = x.random_rows([1, 1, 1], move |draws, row| row[0] = factor::uniform(draws, bounds));
                self.adjusted(x, factors)
            }
        };
        vec![y.without_mask()]
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
    use crate::layers::random_transform::tests::compare;

    pub(crate) fn samples() -> Vec<(Box<dyn Layer>, Shape)> {
        vec![
            (Box::new(RandomContrast::new(0.5).value_range([-1.0, 1.0])), Shape::from([3, 4, 2])),
            (Box::new(RandomContrast::new((1.0, 0.5))), Shape::from([2, 1, 1])),
        ]
    }

    #[test]
    fn pictures_are_those_of_keras() {
        compare("contrast", |x, given| RandomContrast::new(1.0).value_range([-1.0, 1.5]).adjusted(x, given));
    }
}
