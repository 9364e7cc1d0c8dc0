//! Adam: momentum and a running mean square, both corrected for their start at 0.

use super::{Optimizer, check_decay, check_epsilon, check_rate, flush};
use crate::error::Result;
use crate::kernels::simd::{self, vectorized};
use crate::settings::{FromSpec, Settings};
use crate::spec::Spec;

/// m ← β₁ · m + (1 − β₁) · g, v ← β₂ · v + (1 − β₂) · g², w ← w − α · m / (√v + epsilon), with
/// α = rate · √(1 − β₂ᵗ) / (1 − β₁ᵗ) (Kingma and Ba 2015, in the form before their section 2.1). Keras' `Adam`.
#[derive(Clone, Copy, Debug)]
pub struct Adam {
    learning_rate: f32,
    beta_1: f32,
    beta_2: f32,
    epsilon: f32,
}

impl Default for Adam {
    /// A learning rate of 0.001, as in Keras.
    fn default() -> Adam {
        Adam::new(0.001)
    }
}

impl Adam {
    /// With β₁ 0.9, β₂ 0.999 and epsilon 10⁻⁷, as in Keras.
    pub fn new(learning_rate: f32) -> Adam {
        Adam { learning_rate, beta_1: 0.9, beta_2: 0.999, epsilon: 1e-7 }
    }

    /// How much of the running mean of gradients is kept, 0 ≤ β₁ < 1.
    pub fn beta_1(mut self, beta_1: f32) -> Adam {
        self.beta_1 = beta_1;
        self
    }

    /// How much of the running mean of squares is kept, 0 ≤ β₂ < 1.
    pub fn beta_2(mut self, beta_2: f32) -> Adam {
        self.beta_2 = beta_2;
        self
    }

    /// What is added to the root.
    pub fn epsilon(mut self, epsilon: f32) -> Adam {
        self.epsilon = epsilon;
        self
    }
}

impl Optimizer for Adam {
    fn memory(&self) -> &[f32] {
        &[0.0, 0.0]
    }

    fn update(&self, step: u64, rate: f32, value: &mut [f32], gradient: &[f32], memory: &mut [&mut [f32]]) {
        if let [mean, square] = memory {
            let correction = (1.0 - power(self.beta_2, step)).sqrt() / (1.0 - power(self.beta_1, step));
            let alpha = (f64::from(rate) * correction) as f32;
            update(simd::current(), self, alpha, value, gradient, mean, square);
        }
    }

    fn learning_rate(&self) -> f32 {
        self.learning_rate
    }

    fn check(&self) -> Result<()> {
        check_rate("Adam", self.learning_rate)?;
        check_decay("Adam", "beta_1", self.beta_1)?;
        check_decay("Adam", "beta_2", self.beta_2)?;
        check_epsilon("Adam", self.epsilon)
    }

    fn spec(&self) -> Spec {
        let spec = Spec::new(Self::CLASS).with("learning_rate", self.learning_rate).with("beta_1", self.beta_1);
        spec.with("beta_2", self.beta_2).with("epsilon", self.epsilon)
    }
}

/// βᵗ by repeated squaring; the system's power function may differ between systems.
fn power(beta: f32, mut exponent: u64) -> f64 {
    let (mut result, mut square) = (1.0, f64::from(beta));
    while exponent > 0 {
        if exponent & 1 == 1 {
            result *= square;
        }
        square *= square;
        exponent >>= 1;
    }
    result
}

impl FromSpec for Adam {
    const CLASS: &'static str = "Adam";

    fn from_spec(settings: &mut Settings<'_>) -> Result<Adam> {
        Ok(Adam {
            learning_rate: settings.number("learning_rate")?,
            beta_1: settings.number("beta_1")?,
            beta_2: settings.number("beta_2")?,
            epsilon: settings.number("epsilon")?,
        })
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
            *m = flush(beta_1 * *m + (1.0 - beta_1) * g);
            *v = flush(beta_2 * *v + (1.0 - beta_2) * (g * g));
            *w -= alpha * *m / (v.sqrt() + epsilon);
        }
    }
}

#[cfg(test)]
pub(super) mod tests {
    use super::*;

    pub(crate) fn samples() -> Vec<Box<dyn Optimizer>> {
        vec![Box::new(Adam::default()), Box::new(Adam::new(0.01).beta_1(0.5).beta_2(0.9).epsilon(1e-3))]
    }

    #[test]
    fn powers_are_products() {
        assert_eq!(power(0.5, 10), 1.0 / 1024.0);
        assert_eq!(power(0.9, 0), 1.0);
        approx::assert_relative_eq!(power(0.9, 1000), f64::from(0.9f32).powi(1000), max_relative = 1e-12);
    }
}
