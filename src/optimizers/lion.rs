//! Lion: steps along the sign of a mean of gradients.

use super::arithmetic::flush;
use super::checks::check_decay;
use super::learning_rate::LearningRate;
use super::optimizer::Optimizer;
use super::options::OptimizerOptions;
use super::slice::ParamSlice;
use super::step::Step;
use crate::error::Result;
use crate::kernels::simd::{self, vectorized};
use crate::settings::{FromSpec, options};
use crate::spec::Spec;

options! {
    /// Lion: w ← w − rate · sign(β₁ · m + (1 − β₁) · g), then m ← β₂ · m + (1 − β₂) · g (Chen et al. 2023). `Lion` in Keras.
    ///
    /// Every weight changes by the learning rate, so a good learning rate is about a tenth of the one for
    /// [`Adam`](super::Adam). State: m for each weight.
    ///
    /// ```
    /// use gradus::{Compile, Sequential, layers::Dense, losses::MeanSquaredError};
    /// use gradus::optimizers::{Lion, Optimizer};
    /// let optimizer = Lion::new(0.0001).weight_decay(0.1);
    /// assert_eq!(optimizer.initial_state(), [0.0]); // m
    /// let model = Sequential::new([3]).add(Dense::new(1)).compile(Compile::new(optimizer, MeanSquaredError::new()))?;
    /// assert_eq!(model.learning_rate(), 0.0001);
    /// # Ok::<(), gradus::Error>(())
    /// ```
    ///
    /// # Errors
    /// `compile` returns [`Error::Setting`](crate::Error::Setting) if an option is out of range.
    #[derive(Clone, Debug)]
    #[must_use]
    pub struct Lion("Lion") of (options: OptimizerOptions) {
        /// Weight of the running mean of gradients in the sum whose sign is the step, 0 ≤ β₁ < 1. Defaults to 0.9.
        value beta_1: f32 = 0.9,
        /// Decay rate of the running mean of gradients, 0 ≤ β₂ < 1. Defaults to 0.99.
        value beta_2: f32 = 0.99,
    }
}

impl Default for Lion {
    /// Learning rate 0.001, as in Keras.
    fn default() -> Lion {
        Lion::new(0.001)
    }
}

impl Lion {
    /// Creates the optimizer with β₁ 0.9 and β₂ 0.99, as in Keras.
    pub fn new(learning_rate: impl Into<LearningRate>) -> Lion {
        Lion::with_defaults(OptimizerOptions::new(learning_rate))
    }

    pub(super) fn options_mut(&mut self) -> &mut OptimizerOptions {
        &mut self.options
    }
}

impl Optimizer for Lion {
    fn initial_state(&self) -> &[f32] {
        &[0.0]
    }

    fn update(&self, step: Step, slice: ParamSlice<'_>) {
        let (rate, ParamSlice { values, gradient, state }) = (step.learning_rate, slice);
        let [mean, ..] = state;
        update(simd::current(), [self.beta_1, self.beta_2], rate, values, gradient, mean);
    }

    fn options(&self) -> Result<OptimizerOptions> {
        Ok(self.options.clone())
    }

    fn check(&self) -> Result<()> {
        self.options.check(Self::CLASS)?;
        check_decay(Self::CLASS, "beta_1", self.beta_1)?;
        check_decay(Self::CLASS, "beta_2", self.beta_2)
    }

    fn spec(&self) -> Spec {
        self.write_options(Spec::new(Self::CLASS))
    }
}

/// The sign: −1, 0 or 1, and NaN for NaN.
#[inline(always)]
fn sign(x: f32) -> f32 {
    let negative = if x < 0.0 { -1.0 } else { x };
    if x > 0.0 { 1.0 } else { negative }
}

vectorized! {
    fn update<F: Fma>(betas: [f32; 2], rate: f32, value: &mut [f32], gradient: &[f32], mean: &mut [f32]) {
        let [beta_1, beta_2] = betas;
        for ((w, g), m) in value.iter_mut().zip(gradient).zip(mean) {
            *w -= rate * sign(beta_1 * *m + (1.0 - beta_1) * g);
            *m = flush(beta_2 * *m + (1.0 - beta_2) * g);
        }
    }
}

#[cfg(test)]
pub(super) mod tests {
    use super::*;

    pub(crate) fn samples() -> Vec<Box<dyn Optimizer>> {
        vec![Box::new(Lion::new(0.02).beta_2(0.9)), Box::new(Lion::new(0.02).beta_1(0.5).beta_2(0.8))]
    }

    #[test]
    fn signs_are_those_of_numbers() {
        assert_eq!([-3.0, -0.0, 0.0, 1e-40].map(sign), [-1.0, 0.0, 0.0, 1.0]);
        assert!(sign(f32::NAN).is_nan());
    }
}
