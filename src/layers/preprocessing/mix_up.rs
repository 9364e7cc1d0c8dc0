//! MixUp: images mixed with other images of the batch.

use crate::error::{Result, check_setting};
use crate::layers::partners::{beta, partners};
use crate::layers::{Cursor, Layer, Weights, random_transform};
use crate::settings::{FromSpec, options};
use crate::shape::Shape;
use crate::spec::Spec;
use crate::tape::{Mode, Var};

options! {
    /// Mixes each image with another one of the batch in training (Zhang et al. 2018). `MixUp` in Keras.
    ///
    /// Inputs and outputs are images height × width × channels. Each image x becomes w · x + (1 − w) · x′ for another image x′
    /// of the batch and a weight w of the beta distribution with both parameters `alpha`. Labels are not mixed, as in Keras when
    /// the layer gets only images. In evaluation and prediction, the output is the input. Draws follow from the seed of the
    /// model, the step and the position of the image in the batch.
    ///
    /// ```
    /// use gradus::{Sequential, layers::*};
    /// assert!(Sequential::new([28, 28, 1]).add(MixUp::new().alpha(0.4)).architecture(0).is_ok());
    /// ```
    ///
    /// # Errors
    /// `compile` returns [`Error::Setting`](crate::Error::Setting) unless `alpha` is finite and > 0, and
    /// [`Error::Shape`](crate::Error::Shape) if the input is no image.
    #[derive(Clone, Copy, Debug)]
    #[must_use]
    pub struct MixUp("MixUp") {
        /// Parameter of the beta distribution of weights, finite and > 0. With small numbers, most weights are near 0 or 1.
        /// Defaults to 0.2.
        value alpha: f32 = 0.2,
    }
}

impl MixUp {
    /// Creates the layer with the defaults of Keras.
    pub fn new() -> MixUp {
        MixUp::default()
    }

    /// The images with these weights, rows × 1 × 1 × 1, and others with the rest.
    fn mixed<'r>(x: Var<'r>, other: Var<'r>, weights: Var<'r>) -> Var<'r> {
        weights * x + (1.0 - weights) * other
    }
}

impl Layer for MixUp {
    fn build(&self, inputs: &[Shape], _weights: &mut Weights<'_>) -> Result<Vec<Shape>> {
        let valid = self.alpha.is_finite() && self.alpha > 0.0;
        check_setting(valid, "MixUp", "alpha", f64::from(self.alpha), "finite and > 0")?;
        Ok(vec![random_transform::check_images(inputs)?])
    }

    fn record<'r>(&self, _weights: &mut Cursor<'_, 'r>, inputs: &[Var<'r>]) -> Vec<Var<'r>> {
        let (x, alpha) = (inputs[0], f64::from(self.alpha));
        let y = match x.recorder().mode() {
            Mode::Inference => x,
            Mode::Training => {
                let weights = x.random_rows([1, 1, 1], move |draws, row| row[0] = beta(draws, alpha));
                MixUp::mixed(x, partners(x), weights)
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
    use crate::layers::random_transform::tests::compare;

    pub(crate) fn samples() -> Vec<(Box<dyn Layer>, Shape)> {
        vec![
            (Box::new(MixUp::new()), Shape::from([3, 4, 2])),
            (Box::new(MixUp::new().alpha(2.0)), Shape::from([2, 1, 1])),
        ]
    }

    #[test]
    fn pictures_are_those_of_keras() {
        // The numbers of an image are its partner and its weight.
        compare("mix_up", |x, given| {
            let [order, weights] = [0, 1].map(|at| given.slice(&[0, at], [x.shape().axis(0), 1]));
            let weights = weights.reshape([x.shape().axis(0), 1, 1, 1]);
            MixUp::mixed(x, permuted(x, order.reshape([x.shape().axis(0)])), weights)
        });
    }
}
