//! Adadelta: steps scaled by the ratio of running means of updates and gradients.

use super::arithmetic::running;
use super::checks::{check_decay, check_epsilon};
use super::learning_rate::LearningRate;
use super::optimizer::Optimizer;
use super::options::OptimizerOptions;
use super::slice::ParamSlice;
use super::step::Step;
use crate::error::Result;
use crate::kernels::reciprocal::reciprocal;
use crate::kernels::simd::{self, vectorized};
use crate::settings::{FromSpec, options};
use crate::spec::Spec;

options! {
    /// Adadelta: w ← w + rate · d with d = −√((u + epsilon) / (a + epsilon)) · g (Zeiler 2012). `Adadelta` in Keras.
    ///
    /// The running means are a ← rho · a + (1 − rho) · g² of squared gradients, before the update, and
    /// u ← rho · u + (1 − rho) · d² of squared updates, after it. The paper has a learning rate of 1; Keras defaults to 0.001.
    /// State: a and u for each weight.
    ///
    /// ```
    /// use gradus::{Compile, Sequential, layers::Dense, losses::MeanSquaredError};
    /// use gradus::optimizers::{Adadelta, Optimizer};
    /// let optimizer = Adadelta::new(1.0).rho(0.9);
    /// assert_eq!(optimizer.initial_state(), [0.0, 0.0]); // a and u
    /// let model = Sequential::new([3]).add(Dense::new(1)).compile(Compile::new(optimizer, MeanSquaredError::new()))?;
    /// assert_eq!(model.learning_rate(), 1.0);
    /// # Ok::<(), gradus::Error>(())
    /// ```
    ///
    /// # Errors
    /// `compile` returns [`Error::Setting`](crate::Error::Setting) if an option is out of range.
    #[derive(Clone, Debug)]
    #[must_use]
    pub struct Adadelta("Adadelta") of (options: OptimizerOptions) {
        /// Decay rate of both running means, 0 ≤ rho < 1. Defaults to 0.95.
        value rho: f32 = 0.95,
        /// Constant added to both means under the root, ≥ 0. The first updates are about as large as its root. Defaults to
        /// 10⁻⁷.
        value epsilon: f32 = 1e-7,
    }
}

impl Default for Adadelta {
    /// Learning rate 0.001, as in Keras.
    fn default() -> Adadelta {
        Adadelta::new(0.001)
    }
}

impl Adadelta {
    /// Creates the optimizer with rho 0.95 and epsilon 10⁻⁷, as in Keras.
    pub fn new(learning_rate: impl Into<LearningRate>) -> Adadelta {
        Adadelta::with_defaults(OptimizerOptions::new(learning_rate))
    }

    pub(super) fn options_mut(&mut self) -> &mut OptimizerOptions {
        &mut self.options
    }
}

impl Optimizer for Adadelta {
    fn initial_state(&self) -> &[f32] {
        &[0.0, 0.0]
    }

    fn update(&self, step: Step, slice: ParamSlice<'_>) {
        let (rate, ParamSlice { values, gradient, state }) = (step.learning_rate, slice);
        let [square, change, ..] = state;
        update(simd::current(), [self.rho, self.epsilon, rate], values, gradient, square, change);
    }

    fn options(&self) -> Result<OptimizerOptions> {
        Ok(self.options.clone())
    }

    fn check(&self) -> Result<()> {
        self.options.check(Self::CLASS)?;
        check_decay(Self::CLASS, "rho", self.rho)?;
        check_epsilon(Self::CLASS, self.epsilon)
    }

    fn spec(&self) -> Spec {
        self.write_options(Spec::new(Self::CLASS))
    }
}

vectorized! {
    fn update<F: Fma>(
        settings: [f32; 3],
        value: &mut [f32],
        gradient: &[f32],
        square: &mut [f32],
        change: &mut [f32],
    ) {
        let [rho, epsilon, rate] = settings;
        for (((w, g), a), u) in value.iter_mut().zip(gradient).zip(square).zip(change) {
            *a = running::<F>(rho, *a, (1.0 - rho) * g, *g);
            let d = -((*u + epsilon) * reciprocal::<F>(*a + epsilon)).sqrt() * g;
            *u = running::<F>(rho, *u, (1.0 - rho) * d, d);
            *w = F::fma(rate, d, *w);
        }
    }
}

#[cfg(test)]
pub(super) mod tests {
    use super::*;

    pub(crate) fn samples() -> Vec<Box<dyn Optimizer>> {
        vec![Box::new(Adadelta::new(1.0).epsilon(1e-3)), Box::new(Adadelta::new(1.0).rho(0.8).epsilon(1e-3))]
    }
}
