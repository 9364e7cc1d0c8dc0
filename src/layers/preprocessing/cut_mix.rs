//! CutMix: rectangles of images replaced by those of other images of the batch.

use crate::error::Result;
use crate::layers::factor::Bounds;
use crate::layers::partners::{beta, partners};
use crate::layers::random_box::Box2d;
use crate::layers::{Cursor, Factor, Layer, Weights, factor, random_transform};
use crate::random::Draws;
use crate::settings::{FromSpec, options};
use crate::shape::Shape;
use crate::spec::Spec;
use crate::tape::{Mode, Var};

options! {
    /// Replaces a random rectangle of each image by that of another one of the batch in training (Yun et al. 2019). `CutMix` in
    /// Keras.
    ///
    /// Inputs and outputs are images height × width × channels. The area of the rectangle is a part of that of the image with the
    /// beta distribution, whose two parameters are a number drawn from the range `factor`. Labels are not mixed, as in Keras when
    /// the layer gets only images. In evaluation and prediction, the output is the input. Draws follow from the seed of the
    /// model, the step and the position of the image in the batch.
    ///
    /// ```
    /// use gradus::{Sequential, layers::*};
    /// assert!(Sequential::new([28, 28, 1]).add(CutMix::new().factor(0.5)).architecture(0).is_ok());
    /// ```
    ///
    /// # Errors
    /// `compile` returns [`Error::Setting`](crate::Error::Setting) unless the factor is from 0 to 1, and
    /// [`Error::Shape`](crate::Error::Shape) if the input is no image.
    #[derive(Clone, Copy, Debug)]
    #[must_use]
    pub struct CutMix("CutMix") {
        /// The range of the parameter.
        field factor: Bounds = [0.0, 1.0],
    }
}

/// Added to the parameter of the beta distribution, which must not be 0.
const SMALL: f64 = 1e-6;

impl CutMix {
    /// Creates the layer with the defaults of Keras.
    pub fn new() -> CutMix {
        CutMix::default()
    }

    /// The range of the parameter of the beta distribution, which is drawn for each image; Keras draws one for a batch. One
    /// number stands for the range from 0 to the number. Defaults to 0 to 1.
    pub fn factor(mut self, factor: impl Into<Factor>) -> CutMix {
        self.factor = factor.into().above_zero();
        self
    }

    /// Draws 1 for each pixel that stays and 0 for each that is replaced.
    fn draw(self, draws: &mut Draws, size: [usize; 2], kept: &mut [f32]) {
        let alpha = f64::from(factor::uniform(draws, self.factor)) + SMALL;
        let side = (1.0 - beta(draws, alpha)).sqrt();
        let replaced = Box2d::draw(draws, [side; 2], size);
        for (at, kept) in kept.iter_mut().enumerate() {
            *kept = f32::from(u8::from(!replaced.contains([at / size[1], at % size[1]])));
        }
    }

    /// The images in which the pixels marked by 0 are replaced by those of others.
    fn mixed<'r>(x: Var<'r>, other: Var<'r>, kept: Var<'r>) -> Var<'r> {
        x.where_nonzero(kept) + other.where_nonzero(1.0 - kept)
    }
}

impl Layer for CutMix {
    fn build(&self, inputs: &[Shape], _weights: &mut Weights<'_>) -> Result<Vec<Shape>> {
        factor::check("CutMix", "factor", self.factor, [0.0, 1.0])?;
        Ok(vec![random_transform::check_images(inputs)?])
    }

    fn record<'r>(&self, _weights: &mut Cursor<'_, 'r>, inputs: &[Var<'r>]) -> Vec<Var<'r>> {
        let (x, layer, size) = (inputs[0], *self, random_transform::size(inputs[0]));
        let y = match x.recorder().mode() {
            Mode::Inference => x,
            Mode::Training => {
                let draw = move |draws: &mut Draws, kept: &mut [f32]| layer.draw(draws, size, kept);
                CutMix::mixed(x, partners(x), x.random_rows([size[0], size[1], 1], draw))
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
    use crate::layers::partners::permuted;
    use crate::layers::random_box::tests::outside;
    use crate::layers::random_transform::tests::{compare, given};

    pub(crate) fn samples() -> Vec<(Box<dyn Layer>, Shape)> {
        vec![
            (Box::new(CutMix::new()), Shape::from([3, 4, 2])),
            (Box::new(CutMix::new().factor((0.5, 1.0))), Shape::from([2, 1, 1])),
        ]
    }

    #[test]
    fn pictures_are_those_of_keras() {
        // The numbers of an image are the borders of its rectangle and its partner.
        compare("cut_mix", |x, _| {
            let numbers = given("cut_mix");
            let order: Vec<f32> = numbers.chunks(5).map(|numbers| numbers[4]).collect();
            let order = x.recorder().constant(&ndarray::Array1::from(order));
            CutMix::mixed(x, permuted(x, order), outside(x, &numbers, 5))
        });
    }
}
