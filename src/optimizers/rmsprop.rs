//! RMSprop: the rate is divided by a running root mean square of the gradient.

use super::{Optimizer, check_decay, check_epsilon, check_rate, flush};
use crate::error::Result;
use crate::kernels::simd::{self, vectorized};
use crate::settings::{FromSpec, Settings};
use crate::spec::Spec;

/// v ← rho · v + (1 − rho) · g², w ← w − rate · g / √(v + epsilon) (Tieleman and Hinton 2012). Keras' `RMSprop`, with
/// epsilon inside the root as in Keras 3.
#[derive(Clone, Copy, Debug)]
pub struct RmsProp {
    learning_rate: f32,
    rho: f32,
    epsilon: f32,
}

impl Default for RmsProp {
    /// A learning rate of 0.001, as in Keras.
    fn default() -> RmsProp {
        RmsProp::new(0.001)
    }
}

impl RmsProp {
    /// With rho 0.9 and epsilon 10⁻⁷, as in Keras.
    pub fn new(learning_rate: f32) -> RmsProp {
        RmsProp { learning_rate, rho: 0.9, epsilon: 1e-7 }
    }

    /// How much of the running mean is kept, 0 ≤ rho < 1.
    pub fn rho(mut self, rho: f32) -> RmsProp {
        self.rho = rho;
        self
    }

    /// What is added to the mean square before its root is taken.
    pub fn epsilon(mut self, epsilon: f32) -> RmsProp {
        self.epsilon = epsilon;
        self
    }
}

impl Optimizer for RmsProp {
    fn memory(&self) -> &[f32] {
        &[0.0]
    }

    fn update(&self, _step: u64, rate: f32, value: &mut [f32], gradient: &[f32], memory: &mut [&mut [f32]]) {
        if let [square] = memory {
            update(simd::current(), self, rate, value, gradient, square);
        }
    }

    fn learning_rate(&self) -> f32 {
        self.learning_rate
    }

    fn check(&self) -> Result<()> {
        check_rate("RmsProp", self.learning_rate)?;
        check_decay("RmsProp", "rho", self.rho)?;
        check_epsilon("RmsProp", self.epsilon)
    }

    fn spec(&self) -> Spec {
        let spec = Spec::new(Self::CLASS).with("learning_rate", self.learning_rate);
        spec.with("rho", self.rho).with("epsilon", self.epsilon)
    }
}

impl FromSpec for RmsProp {
    const CLASS: &'static str = "RMSprop";

    fn from_spec(settings: &mut Settings<'_>) -> Result<RmsProp> {
        Ok(RmsProp {
            learning_rate: settings.number("learning_rate")?,
            rho: settings.number("rho")?,
            epsilon: settings.number("epsilon")?,
        })
    }
}

vectorized! {
    fn update<F: Fma>(settings: &RmsProp, rate: f32, value: &mut [f32], gradient: &[f32], square: &mut [f32]) {
        let (rho, epsilon) = (settings.rho, settings.epsilon);
        for ((w, g), v) in value.iter_mut().zip(gradient).zip(square) {
            *v = flush(rho * *v + (1.0 - rho) * (g * g));
            *w -= rate * g / (*v + epsilon).sqrt();
        }
    }
}

#[cfg(test)]
pub(super) mod tests {
    use super::*;

    pub(crate) fn samples() -> Vec<Box<dyn Optimizer>> {
        vec![Box::new(RmsProp::default()), Box::new(RmsProp::new(0.01).rho(0.5).epsilon(1e-3))]
    }
}
