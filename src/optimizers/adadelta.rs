//! Adadelta: steps as large as the last ones, so that hardly a rate is needed.

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
    /// a ← rho · a + (1 − rho) · g², d = −√((u + epsilon) / (a + epsilon)) · g, u ← rho · u + (1 − rho) · d², w ← w + rate
    /// · d (Zeiler 2012, where the rate is 1). Keras' `Adadelta`.
    #[derive(Clone, Debug)]
    #[must_use]
    pub struct Adadelta("Adadelta") of (options: OptimizerOptions) {
        /// Decay rate of both running means, 0 ≤ rho < 1. Defaults to 0.95.
        value rho: f32 = 0.95,
        /// Constant that is added to both means before their roots are taken, ≥ 0. The first steps are as large as its
        /// root. Defaults to 10⁻⁷.
        value epsilon: f32 = 1e-7,
    }
}

impl Default for Adadelta {
    /// A learning rate of 0.001, as in Keras.
    fn default() -> Adadelta {
        Adadelta::new(0.001)
    }
}

impl Adadelta {
    /// With rho 0.95 and epsilon 10⁻⁷, as in Keras.
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
