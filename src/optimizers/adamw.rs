//! AdamW: Adam with decoupled weight decay.

use super::adam::Adam;
use super::learning_rate::LearningRate;
use super::optimizer::Optimizer;
use super::options::OptimizerOptions;
use super::slice::ParamSlice;
use super::step::Step;
use crate::error::Result;
use crate::settings::{FromSpec, Settings};
use crate::spec::Spec;

/// AdamW: decoupled weight decay, w ← w − w · weight_decay · rate, followed by a step of [`Adam`] (Loshchilov and Hutter
/// 2019). `AdamW` in Keras.
///
/// ```
/// use gradus::{Compile, Sequential, layers::Dense, losses::MeanSquaredError};
/// use gradus::optimizers::{AdamW, Optimizer};
/// let optimizer = AdamW::new(0.01).weight_decay(0.1);
/// assert_eq!(optimizer.initial_state(), [0.0, 0.0]); // m and v of Adam
/// let model = Sequential::new([3]).add(Dense::new(1)).compile(Compile::new(optimizer, MeanSquaredError::new()))?;
/// assert_eq!(model.learning_rate(), 0.01);
/// # Ok::<(), gradus::Error>(())
/// ```
///
/// # Errors
/// `compile` returns [`Error::Setting`](crate::Error::Setting) if an option is out of range.
#[derive(Clone, Debug)]
#[must_use]
pub struct AdamW(Adam);

impl Default for AdamW {
    /// Learning rate 0.001, as in Keras.
    fn default() -> AdamW {
        AdamW::new(0.001)
    }
}

impl AdamW {
    /// Creates the optimizer with weight decay 0.004, β₁ 0.9, β₂ 0.999 and epsilon 10⁻⁷, as in Keras.
    pub fn new(learning_rate: impl Into<LearningRate>) -> AdamW {
        AdamW(Adam::new(learning_rate)).weight_decay(0.004)
    }

    /// Decay rate of the running mean of gradients, 0 ≤ β₁ < 1. Defaults to 0.9.
    pub fn beta_1(self, beta_1: f32) -> AdamW {
        AdamW(self.0.beta_1(beta_1))
    }

    /// Decay rate of the running mean of squared gradients, 0 ≤ β₂ < 1. Defaults to 0.999.
    pub fn beta_2(self, beta_2: f32) -> AdamW {
        AdamW(self.0.beta_2(beta_2))
    }

    /// Constant added to the root of the mean square, ≥ 0. Defaults to 10⁻⁷.
    pub fn epsilon(self, epsilon: f32) -> AdamW {
        AdamW(self.0.epsilon(epsilon))
    }

    /// Whether to divide by the root of the largest mean square so far (AMSGrad) instead of the current one. Defaults to
    /// `false`.
    pub fn amsgrad(self, amsgrad: bool) -> AdamW {
        AdamW(self.0.amsgrad(amsgrad))
    }

    pub(super) fn options_mut(&mut self) -> &mut OptimizerOptions {
        self.0.options_mut()
    }
}

impl Optimizer for AdamW {
    fn initial_state(&self) -> &[f32] {
        self.0.initial_state()
    }

    fn update(&self, step: Step, slice: ParamSlice<'_>) {
        self.0.update(step, slice);
    }

    fn options(&self) -> Result<OptimizerOptions> {
        self.0.options()
    }

    fn check(&self) -> Result<()> {
        self.0.check_as(Self::CLASS)
    }

    fn spec(&self) -> Spec {
        self.0.write_options(Spec::new(Self::CLASS))
    }
}

impl FromSpec for AdamW {
    const CLASS: &'static str = "AdamW";

    fn from_spec(settings: &mut Settings<'_>) -> Result<AdamW> {
        Adam::from_spec(settings).map(AdamW)
    }

    fn setting_names() -> Vec<&'static str> {
        Adam::setting_names()
    }
}

#[cfg(test)]
pub(super) mod tests {
    use super::*;

    pub(crate) fn samples() -> Vec<Box<dyn Optimizer>> {
        vec![
            Box::new(AdamW::new(0.05)),
            Box::new(AdamW::new(0.05).weight_decay(0.0).beta_1(0.5).beta_2(0.9).epsilon(1e-3).amsgrad(true)),
        ]
    }
}
