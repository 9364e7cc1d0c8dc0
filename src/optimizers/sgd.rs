//! Stochastic gradient descent, with momentum and Nesterov's variant.

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
    /// w ← w − rate · g; with momentum v ← momentum · v − rate · g and w ← w + v, or with Nesterov's look ahead
    /// w ← w + momentum · v − rate · g (Sutskever et al. 2013). Keras' `SGD`.
    #[derive(Clone, Debug)]
    #[must_use]
    pub struct Sgd("SGD") of (options: OptimizerOptions) {
        /// Momentum: the factor by which the last change is repeated, 0 ≤ momentum < 1. Defaults to 0, plain gradient
        /// descent.
        value momentum: f32 = 0.0,
        /// Whether the momentum is Nesterov's. Defaults to `false`.
        value nesterov: bool = false,
    }
}

impl Default for Sgd {
    /// A learning rate of 0.01, as in Keras.
    fn default() -> Sgd {
        Sgd::new(0.01)
    }
}

impl Sgd {
    /// Without momentum.
    pub fn new(learning_rate: impl Into<LearningRate>) -> Sgd {
        Sgd::with_defaults(OptimizerOptions::new(learning_rate))
    }

    pub(super) fn options_mut(&mut self) -> &mut OptimizerOptions {
        &mut self.options
    }
}

impl Optimizer for Sgd {
    fn initial_state(&self) -> &[f32] {
        if self.momentum == 0.0 { &[] } else { &[0.0] }
    }

    fn update(&self, step: Step, slice: ParamSlice<'_>) {
        let (rate, ParamSlice { values, gradient, state }) = (step.learning_rate, slice);
        let [velocity, ..] = state;
        match self.momentum == 0.0 {
            true => plain(simd::current(), rate, values, gradient),
            false => with_momentum(simd::current(), self, rate, values, gradient, velocity),
        }
    }

    fn options(&self) -> Result<OptimizerOptions> {
        Ok(self.options.clone())
    }

    fn check(&self) -> Result<()> {
        self.options.check("Sgd")?;
        check_decay("Sgd", "momentum", self.momentum)
    }

    fn spec(&self) -> Spec {
        self.write_options(Spec::new(Self::CLASS))
    }
}

vectorized! {
    fn plain<F: Fma>(rate: f32, value: &mut [f32], gradient: &[f32]) {
        value.iter_mut().zip(gradient).for_each(|(w, g)| *w = F::fma(-rate, *g, *w));
    }
}

vectorized! {
    fn with_momentum<F: Fma>(settings: &Sgd, rate: f32, value: &mut [f32], gradient: &[f32], velocity: &mut [f32]) {
        let (momentum, nesterov) = (settings.momentum, settings.nesterov);
        for ((w, g), v) in value.iter_mut().zip(gradient).zip(velocity) {
            *v = flush(momentum * *v - rate * g);
            *w += if nesterov { momentum * *v - rate * g } else { *v };
        }
    }
}

#[cfg(test)]
pub(super) mod tests {
    use super::*;

    pub(crate) fn samples() -> Vec<Box<dyn Optimizer>> {
        vec![
            Box::new(Sgd::new(0.05)),
            Box::new(Sgd::new(0.05).momentum(0.8)),
            Box::new(Sgd::new(0.05).momentum(0.8).nesterov(true)),
        ]
    }
}
