//! AlphaDropout: dropout that preserves mean and variance.

use crate::error::{Error, Result};
use crate::layers::noise::{check_noise_shape, multipliers};
use crate::layers::{Cursor, Layer, Weights};
use crate::ops;
use crate::settings::{FromSpec, options};
use crate::shape::Shape;
use crate::spec::Spec;
use crate::tape::{Mode, Var};

/// The value of selu for large negative inputs, −α · scale (Klambauer et al. 2017).
const SATURATED: f64 = -1.673_263_242_354_377_2 * 1.050_700_987_355_480_5;

options! {
    /// Dropout for networks with [`Activation::Selu`](crate::layers::Activation::Selu): in training, sets elements to the
    /// negative saturation value of selu with probability `rate`, and then scales and shifts all elements, so that mean 0 and
    /// variance 1 are preserved (Klambauer et al. 2017). `AlphaDropout` in Keras.
    ///
    /// In evaluation and prediction, the output is the input.
    ///
    /// ```
    /// use gradus::{Sequential, layers::AlphaDropout};
    /// let model = Sequential::new([3]).add(AlphaDropout::new(0.5)).architecture(0)?.into_model()?;
    /// let samples = ndarray::arr2(&[[1.0, 2.0, 3.0]]);
    /// assert_eq!(model.predict(&samples)?, samples.into_dyn());
    /// # Ok::<(), gradus::Error>(())
    /// ```
    ///
    /// # Errors
    /// `compile` returns [`Error::Setting`](crate::Error::Setting) unless 0 ≤ rate < 1, and
    /// [`Error::Shape`](crate::Error::Shape) if the noise shape does not fit the input.
    #[derive(Clone, Debug)]
    #[must_use]
    pub struct AlphaDropout("AlphaDropout") of (rate: f32) {
        /// The sizes of the array of random decisions, starting with that of the batch axis: 1 where a decision is shared along
        /// an axis, and 0 (`None` in Keras) for the size of the input. Defaults to a separate decision for each element.
        some noise_shape: Vec<usize>,
    }
}

impl AlphaDropout {
    /// Creates the layer for this probability of a dropped element, 0 ≤ rate < 1.
    pub fn new(rate: f32) -> AlphaDropout {
        AlphaDropout::with_defaults(rate)
    }
}

impl Layer for AlphaDropout {
    fn build(&self, inputs: &[Shape], _weights: &mut Weights<'_>) -> Result<Vec<Shape>> {
        ops::check_dropout_rate(self.rate)?;
        let [x] = inputs else { return Err(Error::expected("one input")) };
        self.noise_shape.as_ref().map_or(Ok(()), |noise_shape| check_noise_shape(*x, noise_shape))?;
        Ok(vec![*x])
    }

    fn record<'r>(&self, _weights: &mut Cursor<'_, 'r>, inputs: &[Var<'r>]) -> Vec<Var<'r>> {
        let x = inputs[0];
        if x.recorder().mode() == Mode::Inference || self.rate == 0.0 {
            return vec![x];
        }
        let rate = f64::from(self.rate);
        let scale = 1.0 / ((1.0 - rate) * (1.0 + rate * SATURATED * SATURATED)).sqrt();
        let shift = -scale * SATURATED * rate;
        let all = vec![0; x.shape().rank()];
        let multipliers = multipliers(x, self.rate, self.noise_shape.as_ref().unwrap_or(&all));
        let dropped = multipliers.equal(x.recorder().constant_values(Shape::SCALAR, vec![0.0]));
        let kept = (x * scale as f32 + shift as f32) * (dropped * -1.0 + 1.0);
        vec![kept + dropped * (scale * SATURATED + shift) as f32]
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
    use crate::tape::{Params, Recorder};

    pub(crate) fn samples() -> Vec<(Box<dyn Layer>, Shape)> {
        vec![
            (Box::new(AlphaDropout::new(0.2)), Shape::from([3, 2])),
            (Box::new(AlphaDropout::new(0.2).noise_shape(vec![0, 1, 2])), Shape::from([3, 2])),
        ]
    }

    #[test]
    fn mean_and_variance_are_preserved() {
        let recorder = Recorder::new(Mode::Training);
        let params = Params::new();
        let normal = recorder.constant_values(Shape::from([1, 200_000]), vec![0.0; 200_000]).gaussian_noise(1.0);
        let y = AlphaDropout::new(0.3).record(&mut Cursor::new(&recorder, &params, &[]), &[normal])[0].id();
        let mut tape = recorder.finish().unwrap();
        tape.run(&params, Key::from_seed(1)).unwrap();
        let values = tape.view(y);
        let count = values.data().len() as f64;
        let mean = values.data().iter().map(|y| f64::from(*y)).sum::<f64>() / count;
        let square = values.data().iter().map(|y| f64::from(*y).powi(2)).sum::<f64>() / count;
        assert!(mean.abs() < 0.02 && (square - mean * mean - 1.0).abs() < 0.02, "{mean}, {square}");
        let scale = 1.0 / (0.7 * (1.0 + 0.3 * SATURATED * SATURATED)).sqrt();
        let saturated = (scale * SATURATED - scale * SATURATED * 0.3) as f32;
        let dropped = values.data().iter().filter(|y| (**y - saturated).abs() < 1e-5).count() as f64 / count;
        assert!((dropped - 0.3).abs() < 0.01, "{dropped}");
    }
}
