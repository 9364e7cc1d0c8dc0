//! Adam: adaptive moment estimation.

use super::arithmetic::{running, step};
use super::checks::{check_decay, check_epsilon};
use super::learning_rate::LearningRate;
use super::optimizer::Optimizer;
use super::options::OptimizerOptions;
use super::slice::ParamSlice;
use super::step::Step;
use crate::error::Result;
use crate::kernels::double::whole_power;
use crate::kernels::simd::{self, vectorized};
use crate::settings::{FromSpec, options};
use crate::spec::Spec;

options! {
    /// Adam: w ← w − α · m / (√v + epsilon), with the running means m ← β₁ · m + (1 − β₁) · g and
    /// v ← β₂ · v + (1 − β₂) · g² of the gradient g. `Adam` in Keras.
    ///
    /// In step t, from 1, α = rate · √(1 − β₂ᵗ) / (1 − β₁ᵗ), which corrects the bias of means that start at 0 (Kingma and Ba
    /// 2015, in the form at the end of section 2). As in Keras, epsilon is thus the ε̂ of the paper; PyTorch uses ε.
    /// State: m and v for each weight.
    ///
    /// With AMSGrad, the largest v so far replaces v in the update (Reddi et al. 2018); it is a third array of state.
    ///
    /// ```
    /// use gradus::{Compile, Sequential, layers::Dense, losses::MeanSquaredError};
    /// use gradus::optimizers::{Adam, Optimizer};
    /// let optimizer = Adam::new(0.01).beta_1(0.8);
    /// assert_eq!(optimizer.initial_state(), [0.0, 0.0]); // m and v
    /// let model = Sequential::new([3]).add(Dense::new(1)).compile(Compile::new(optimizer, MeanSquaredError::new()))?;
    /// assert_eq!(model.learning_rate(), 0.01);
    /// # Ok::<(), gradus::Error>(())
    /// ```
    ///
    /// # Errors
    /// `compile` returns [`Error::Setting`](crate::Error::Setting) if an option is out of range.
    #[derive(Clone, Debug)]
    #[must_use]
    pub struct Adam("Adam") of (options: OptimizerOptions) {
        /// Decay rate of the running mean of gradients, 0 ≤ β₁ < 1. Defaults to 0.9.
        value beta_1: f32 = 0.9,
        /// Decay rate of the running mean of squared gradients, 0 ≤ β₂ < 1. Defaults to 0.999.
        value beta_2: f32 = 0.999,
        /// Constant added to the root of the mean square, ≥ 0. Defaults to 10⁻⁷.
        value epsilon: f32 = 1e-7,
        /// Whether to divide by the root of the largest mean square so far (AMSGrad) instead of the current one. Defaults to
        /// `false`.
        added amsgrad: bool = false,
    }
}

impl Default for Adam {
    /// Learning rate 0.001, as in Keras.
    fn default() -> Adam {
        Adam::new(0.001)
    }
}

impl Adam {
    /// Creates the optimizer with β₁ 0.9, β₂ 0.999 and epsilon 10⁻⁷, as in Keras.
    pub fn new(learning_rate: impl Into<LearningRate>) -> Adam {
        Adam::with_defaults(OptimizerOptions::new(learning_rate))
    }

    /// Checks the settings of `owner`: Adam, or an optimizer that contains it.
    pub(super) fn check_as(&self, owner: &'static str) -> Result<()> {
        self.options.check(owner)?;
        check_decay(owner, "beta_1", self.beta_1)?;
        check_decay(owner, "beta_2", self.beta_2)?;
        check_epsilon(owner, self.epsilon)
    }

    pub(super) fn options_mut(&mut self) -> &mut OptimizerOptions {
        &mut self.options
    }
}

impl Optimizer for Adam {
    fn initial_state(&self) -> &[f32] {
        if self.amsgrad { &[0.0, 0.0, 0.0] } else { &[0.0, 0.0] }
    }

    fn update(&self, step: Step, slice: ParamSlice<'_>) {
        let (rate, ParamSlice { values, gradient, state }) = (step.learning_rate, slice);
        let power = |beta: f32| whole_power(f64::from(beta), step.number);
        let correction = (1.0 - power(self.beta_2)).sqrt() / (1.0 - power(self.beta_1));
        let alpha = (f64::from(rate) * correction) as f32;
        let [mean, square, most, _] = state;
        match self.amsgrad {
            false => update(simd::current(), self, alpha, values, gradient, mean, square),
            true => amsgrad(simd::current(), self, alpha, values, gradient, [mean, square, most]),
        }
    }

    fn options(&self) -> Result<OptimizerOptions> {
        Ok(self.options.clone())
    }

    fn check(&self) -> Result<()> {
        self.check_as(Self::CLASS)
    }

    fn spec(&self) -> Spec {
        self.write_options(Spec::new(Self::CLASS))
    }
}

vectorized! {
    fn update<F: Fma>(
        settings: &Adam,
        alpha: f32,
        value: &mut [f32],
        gradient: &[f32],
        mean: &mut [f32],
        square: &mut [f32],
    ) {
        let (beta_1, beta_2, epsilon) = (settings.beta_1, settings.beta_2, settings.epsilon);
        for (((w, g), m), v) in value.iter_mut().zip(gradient).zip(mean).zip(square) {
            *m = running::<F>(beta_1, *m, 1.0 - beta_1, *g);
            *v = running::<F>(beta_2, *v, (1.0 - beta_2) * g, *g);
            *w = step::<F>(*w, alpha * *m, v.sqrt() + epsilon);
        }
    }
}

vectorized! {
    fn amsgrad<F: Fma>(settings: &Adam, alpha: f32, value: &mut [f32], gradient: &[f32], memory: [&mut [f32]; 3]) {
        let (beta_1, beta_2, epsilon) = (settings.beta_1, settings.beta_2, settings.epsilon);
        let [mean, square, most] = memory;
        for ((((w, g), m), v), most) in value.iter_mut().zip(gradient).zip(mean).zip(square).zip(most) {
            *m = running::<F>(beta_1, *m, 1.0 - beta_1, *g);
            *v = running::<F>(beta_2, *v, (1.0 - beta_2) * g, *g);
            // This order of the comparison preserves NaN.
            *most = if *v <= *most { *most } else { *v };
            *w = step::<F>(*w, alpha * *m, most.sqrt() + epsilon);
        }
    }
}

#[cfg(test)]
pub(super) mod tests {
    use super::*;

    pub(crate) fn samples() -> Vec<Box<dyn Optimizer>> {
        vec![
            Box::new(Adam::new(0.05)),
            Box::new(Adam::new(0.05).beta_1(0.5).beta_2(0.9).epsilon(1e-3)),
            Box::new(Adam::new(0.05).amsgrad(true)),
        ]
    }
}
