//! Stochastic gradient descent, with momentum and Nesterov momentum.

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
    /// Stochastic gradient descent: w ← w − rate · g, for weights w with gradient g. `SGD` in Keras.
    ///
    /// With momentum, v ← momentum · v − rate · g and w ← w + v. With Nesterov momentum, w ← w + momentum · v − rate · g
    /// (Sutskever et al. 2013). The velocity v is one array of state for each weight array; without momentum there is none.
    ///
    /// ```
    /// use gradus::{Compile, Sequential, layers::Dense, losses::MeanSquaredError};
    /// use gradus::optimizers::{Optimizer, Sgd};
    /// let optimizer = Sgd::new(0.1).momentum(0.9).nesterov(true);
    /// assert_eq!(optimizer.initial_state(), [0.0]); // the velocity
    /// let model = Sequential::new([3]).add(Dense::new(1)).compile(Compile::new(optimizer, MeanSquaredError::new()))?;
    /// assert_eq!(model.learning_rate(), 0.1);
    /// # Ok::<(), gradus::Error>(())
    /// ```
    ///
    /// # Errors
    /// `compile` returns [`Error::Setting`](crate::Error::Setting) if an option is out of range.
    #[derive(Clone, Debug)]
    #[must_use]
    pub struct Sgd("SGD") of (options: OptimizerOptions) {
        /// Momentum: the factor of the previous update in the next one, 0 ≤ momentum < 1. Defaults to 0, plain gradient
        /// descent.
        value momentum: f32 = 0.0,
        /// Whether to use Nesterov momentum. Without momentum it has no effect. Defaults to `false`.
        value nesterov: bool = false,
    }
}

impl Default for Sgd {
    /// Learning rate 0.01, as in Keras.
    fn default() -> Sgd {
        Sgd::new(0.01)
    }
}

impl Sgd {
    /// Creates the optimizer without momentum.
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
