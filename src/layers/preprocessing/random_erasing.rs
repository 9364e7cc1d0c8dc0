//! RandomErasing: images with a random rectangle replaced.

use crate::error::{Error, Result, check_setting};
use crate::layers::factor::Bounds;
use crate::layers::random_box::Box2d;
use crate::layers::random_normal::normal;
use crate::layers::{Cursor, Factor, Layer, Weights, factor, random_transform};
use crate::random::Draws;
use crate::settings::{FromSpec, options};
use crate::shape::Shape;
use crate::spec::Spec;
use crate::tape::{Mode, Var};

options! {
    /// Replaces a random rectangle of each image in training (Zhong et al. 2017). `RandomErasing` in Keras.
    ///
    /// Inputs and outputs are images height × width × channels. In evaluation and prediction, the output is the input. Draws
    /// follow from the seed of the model, the step and the position of the image in the batch.
    ///
    /// ```
    /// use gradus::{Sequential, layers::*};
    /// let erased = RandomErasing::new().scale((0.02, 0.2)).fill_value(vec![0.5]);
    /// assert!(Sequential::new([28, 28, 1]).add(erased).architecture(0).is_ok());
    /// ```
    ///
    /// # Errors
    /// `compile` returns [`Error::Setting`](crate::Error::Setting) unless the factor and the scale are from 0 to 1 and the range
    /// of values is finite and ascending, and [`Error::Shape`](crate::Error::Shape) if the input is no image, or `fill_value`
    /// has neither one number nor one for each channel.
    #[derive(Clone, Debug)]
    #[must_use]
    pub struct RandomErasing("RandomErasing") {
        /// The range of the probability.
        field factor: Bounds = [0.0, 1.0],
        /// The range of the squared part of each side.
        field scale: Bounds = [0.02, 0.33],
        /// The value of the rectangle: one number, or one for each channel. Default: normal random numbers times the upper
        /// bound of `value_range`. Limited to `value_range`.
        some fill_value: Numbers,
        /// The range of the values of images. Defaults to 0 to 255.
        value value_range: Bounds = [0.0, 255.0],
    }
}

type Numbers = Vec<f32>;

impl RandomErasing {
    /// Creates the layer with the defaults of Keras.
    pub fn new() -> RandomErasing {
        RandomErasing::default()
    }

    /// The range of the probability that an image is changed, which is drawn for each image. One number stands for the range
    /// from 0 to the number. Defaults to 0 to 1.
    pub fn factor(mut self, factor: impl Into<Factor>) -> RandomErasing {
        self.factor = factor.into().above_zero();
        self
    }

    /// The range from which the height and the width of the rectangle are drawn: their part of the height and the width of the
    /// image, squared. One number stands for the range from 0 to the number. Defaults to 0.02 to 0.33.
    pub fn scale(mut self, scale: impl Into<Factor>) -> RandomErasing {
        self.scale = scale.into().above_zero();
        self
    }

    /// Draws 1 for each pixel that stays and 0 for each that is replaced, followed by the values of its channels.
    fn draw(&self, draws: &mut Draws, [height, width]: [usize; 2], pixels: &mut [f32]) {
        let mut side = || factor::uniform(draws, self.scale).sqrt();
        let sides = [side(), side()];
        let erased = Box2d::draw(draws, sides, [height, width]);
        let probability = factor::uniform(draws, self.factor);
        let erases = (draws.uniform() as f32) < probability;
        let [low, high] = self.value_range;
        let length = pixels.len() / (height * width);
        for (at, pixel) in pixels.chunks_exact_mut(length).enumerate() {
            let inside = erases && erased.contains([at / width, at % width]);
            let (kept, fill) = pixel.split_at_mut(1);
            kept[0] = f32::from(u8::from(!inside));
            for (channel, value) in fill.iter_mut().enumerate() {
                *value = match &self.fill_value {
                    _ if !inside => 0.0,
                    Some(values) => values[channel % values.len()].clamp(low, high),
                    None => (normal(draws) * high).clamp(low, high),
                };
            }
        }
    }

    /// The images in which the pixels marked by 0 are replaced.
    fn erased<'r>(x: Var<'r>, kept: Var<'r>, fill: Var<'r>) -> Var<'r> {
        x.where_nonzero(kept) + fill
    }
}

impl Layer for RandomErasing {
    fn build(&self, inputs: &[Shape], _weights: &mut Weights<'_>) -> Result<Vec<Shape>> {
        factor::check("RandomErasing", "factor", self.factor, [0.0, 1.0])?;
        factor::check("RandomErasing", "scale", self.scale, [0.0, 1.0])?;
        factor::check_value_range("RandomErasing", self.value_range)?;
        let image = random_transform::check_images(inputs)?;
        if let Some(values) = &self.fill_value {
            let nan = values.iter().any(|value| value.is_nan());
            check_setting(!nan, "RandomErasing", "fill_value", f64::NAN, "numbers")?;
            if ![1, image.last()].contains(&values.len()) {
                let expected = format!("images of {} channels, as many as values in fill_value", values.len());
                return Err(Error::expected(expected));
            }
        }
        Ok(vec![image])
    }

    fn record<'r>(&self, _weights: &mut Cursor<'_, 'r>, inputs: &[Var<'r>]) -> Vec<Var<'r>> {
        let (x, layer, size) = (inputs[0], self.clone(), random_transform::size(inputs[0]));
        let y = match x.recorder().mode() {
            Mode::Inference => x,
            Mode::Training => {
                let [rows, height, width, channels] = [0, 1, 2, 3].map(|axis| x.shape().axis(axis));
                let draw = move |draws: &mut Draws, pixels: &mut [f32]| layer.draw(draws, size, pixels);
                let drawn = x.random_rows([height, width, channels + 1], draw);
                let kept = drawn.slice(&[0; 4], [rows, height, width, 1]);
                RandomErasing::erased(x, kept, drawn.slice(&[0, 0, 0, 1], x.shape()))
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
    use crate::Key;
    use crate::layers::random_box::tests::outside;
    use crate::layers::random_transform::tests::{compare, given};

    pub(crate) fn samples() -> Vec<(Box<dyn Layer>, Shape)> {
        let always = RandomErasing::new().factor((1.0, 1.0)).value_range([-1.0, 1.0]);
        vec![
            (Box::new(always.clone().scale((0.2, 0.5))), Shape::from([3, 4, 2])),
            (Box::new(always.fill_value(vec![0.5])), Shape::from([2, 1, 1])),
        ]
    }

    #[test]
    fn pictures_are_those_of_keras() {
        // The numbers are the borders of a rectangle in each image.
        compare("erasing", |x, _| {
            let kept = outside(x, &given("erasing"), 4);
            RandomErasing::erased(x, kept, kept.scale(-0.5) + 0.5)
        });
    }

    #[test]
    fn rectangles_have_the_given_values_and_part_of_the_image() {
        let layer = RandomErasing::new().factor((1.0, 1.0)).scale((0.25, 0.25)).fill_value(vec![3.0, 300.0]);
        let mut pixels = vec![f32::NAN; 8 * 8 * 3];
        layer.draw(&mut Key::from_seed(1).draws(0), [8, 8], &mut pixels);
        let (erased, kept): (Vec<_>, Vec<_>) = pixels.chunks(3).partition(|pixel| pixel[0] == 0.0);
        // A rectangle of 4 × 4 that starts between pixels covers as many.
        assert_eq!((erased.len(), kept.len()), (16, 48));
        assert!(
            erased.iter().all(|pixel| pixel[1..] == [3.0, 255.0]) && kept.iter().all(|pixel| pixel[1..] == [0.0; 2])
        );
    }
}
