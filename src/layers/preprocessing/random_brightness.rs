//! RandomBrightness: images of random brightness.

use crate::error::Result;
use crate::layers::factor::Bounds;
use crate::layers::{Cursor, Factor, Layer, Weights, factor, random_transform};
use crate::settings::{FromSpec, options};
use crate::shape::Shape;
use crate::spec::Spec;
use crate::tape::{Mode, Var};

options! {
    /// Changes the brightness of each image by a random amount in training. `RandomBrightness` in Keras.
    ///
    /// Inputs and outputs are images height × width × channels. A random part of the width of `value_range` is added to all
    /// pixels, and the sums are limited to `value_range`. In evaluation and prediction, the output is the input. Draws follow
    /// from the seed of the model, the step and the position of the image in the batch.
    ///
    /// ```
    /// use gradus::{Sequential, layers::*};
    /// let network = Sequential::new([28, 28, 1]).add(RandomBrightness::new(0.2).value_range([0.0, 1.0]));
    /// assert!(network.architecture(0).is_ok());
    /// ```
    ///
    /// # Errors
    /// `compile` returns [`Error::Setting`](crate::Error::Setting) unless the factor is from −1 to 1 and the range of values is
    /// finite and ascending, and [`Error::Shape`](crate::Error::Shape) if the input is no image.
    #[derive(Clone, Copy, Debug)]
    #[must_use]
    pub struct RandomBrightness("RandomBrightness") of (factor: Bounds) {
        /// The range of the values of images. Defaults to 0 to 255.
        value value_range: Bounds = [0.0, 255.0],
    }
}

impl RandomBrightness {
    /// Creates the layer for a range of the part of the width of the range of values. One number stands for the range from
    /// its negative to the number.
    pub fn new(factor: impl Into<Factor>) -> RandomBrightness {
        RandomBrightness::with_defaults(factor.into().around_zero())
    }

    /// The images with these added numbers, rows × 1 × 1 × 1.
    fn adjusted<'r>(self, x: Var<'r>, added: Var<'r>) -> Var<'r> {
        (x + added).clip(self.value_range[0], self.value_range[1])
    }
}

impl Layer for RandomBrightness {
    fn build(&self, inputs: &[Shape], _weights: &mut Weights<'_>) -> Result<Vec<Shape>> {
        factor::check("RandomBrightness", "factor", self.factor, [-1.0, 1.0])?;
        factor::check_value_range("RandomBrightness", self.value_range)?;
        Ok(vec![random_transform::check_images(inputs)?])
    }

    fn record<'r>(&self, _weights: &mut Cursor<'_, 'r>, inputs: &[Var<'r>]) -> Vec<Var<'r>> {
        let (x, bounds, width) = (inputs[0], self.factor, self.value_range[1] - self.value_range[0]);
        let y = match x.recorder().mode() {
            Mode::Inference => x,
            Mode::Training => {
                let draw = move |draws: &mut _, row: &mut [f32]| row[0] = factor::uniform(draws, bounds) * width;
                self.adjusted(x, x.random_rows([1, 1, 1], draw))
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
            (Box::new(RandomBrightness::new(0.1).value_range([-2.0, 2.0])), Shape::from([3, 4, 2])),
            (Box::new(RandomBrightness::new((0.0, 0.01))), Shape::from([2, 1, 1])),
        ]
    }

    #[test]
    fn pictures_are_those_of_keras() {
        compare("brightness", |x, given| RandomBrightness::new(1.0).value_range([-1.0, 1.5]).adjusted(x, given));
    }
}
