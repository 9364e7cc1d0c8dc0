//! Nadam: Adam with Nesterov momentum.

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
    /// Nadam: Adam with Nesterov momentum (Dozat 2016). `Nadam` in Keras.
    ///
    /// In step t, from 1, with uₜ = β₁ · (1 − ½ · 0.96ᵗ) and Uₜ = u₁ · … · uₜ: m ← β₁ · m + (1 − β₁) · g,
    /// v ← β₂ · v + (1 − β₂) · g², and
    /// w ← w − rate · (uₜ₊₁ · m / (1 − Uₜ₊₁) + (1 − uₜ) · g / (1 − Uₜ)) / (√(v / (1 − β₂ᵗ)) + epsilon). State: m and v for each
    /// weight.
    ///
    /// ```
    /// use gradus::{Compile, Sequential, layers::Dense, losses::MeanSquaredError};
    /// use gradus::optimizers::{Nadam, Optimizer};
    /// let optimizer = Nadam::new(0.01).beta_2(0.99);
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
    pub struct Nadam("Nadam") of (options: OptimizerOptions) {
        /// Final decay rate of the running mean of gradients, 0 ≤ β₁ < 1. Defaults to 0.9.
        value beta_1: f32 = 0.9,
        /// Decay rate of the running mean of squared gradients, 0 ≤ β₂ < 1. Defaults to 0.999.
        value beta_2: f32 = 0.999,
        /// Constant added to the root of the mean square, ≥ 0. Defaults to 10⁻⁷.
        value epsilon: f32 = 1e-7,
    }
}

impl Default for Nadam {
    /// Learning rate 0.001, as in Keras.
    fn default() -> Nadam {
        Nadam::new(0.001)
    }
}

impl Nadam {
    /// Creates the optimizer with β₁ 0.9, β₂ 0.999 and epsilon 10⁻⁷, as in Keras.
    pub fn new(learning_rate: impl Into<LearningRate>) -> Nadam {
        Nadam::with_defaults(OptimizerOptions::new(learning_rate))
    }

    /// The product Uₜ of the momentum factors after `steps` steps, which is part of the optimizer state in files of Keras.
    pub fn momentum_product(&self, steps: u64) -> f32 {
        self.schedule(steps)[1] as f32
    }

    /// uₜ and Uₜ. After `SETTLED` steps, 1 − ½ · 0.96ᵗ rounds to 1 in `f64`, so that uₜ is β₁.
    fn schedule(&self, step: u64) -> [f64; 2] {
        const SETTLED: u64 = 900;
        let beta_1 = f64::from(self.beta_1);
        let (mut decay, mut momentum, mut product) = (1.0, beta_1, 1.0);
        for _ in 0..step.min(SETTLED) {
            decay *= 0.96;
            momentum = beta_1 * (1.0 - 0.5 * decay);
            product *= momentum;
        }
        [momentum, product * whole_power(beta_1, step.saturating_sub(SETTLED))]
    }

    pub(super) fn options_mut(&mut self) -> &mut OptimizerOptions {
        &mut self.options
    }
}

impl Optimizer for Nadam {
    fn initial_state(&self) -> &[f32] {
        &[0.0, 0.0]
    }

    fn update(&self, step: Step, slice: ParamSlice<'_>) {
        let (rate, ParamSlice { values, gradient, state }) = (step.learning_rate, slice);
        let [mean, square, ..] = state;
        let ([now, product], [next, product_next]) =
            (self.schedule(step.number), self.schedule(step.number.saturating_add(1)));
        let factors = [
            next / (1.0 - product_next),
            (1.0 - now) / (1.0 - product),
            1.0 / (1.0 - whole_power(f64::from(self.beta_2), step.number)),
        ];
        update(simd::current(), self, rate, factors.map(|factor| factor as f32), values, gradient, [mean, square]);
    }

    fn options(&self) -> Result<OptimizerOptions> {
        Ok(self.options.clone())
    }

    fn check(&self) -> Result<()> {
        self.options.check(Self::CLASS)?;
        check_decay(Self::CLASS, "beta_1", self.beta_1)?;
        check_decay(Self::CLASS, "beta_2", self.beta_2)?;
        check_epsilon(Self::CLASS, self.epsilon)
    }

    fn spec(&self) -> Spec {
        self.write_options(Spec::new(Self::CLASS))
    }
}

vectorized! {
    fn update<F: Fma>(
        settings: &Nadam,
        rate: f32,
        factors: [f32; 3],
        value: &mut [f32],
        gradient: &[f32],
        memory: [&mut [f32]; 2],
    ) {
        let (beta_1, beta_2, epsilon) = (settings.beta_1, settings.beta_2, settings.epsilon);
        let ([of_mean, of_gradient, of_square], [mean, square]) = (factors, memory);
        for (((w, g), m), v) in value.iter_mut().zip(gradient).zip(mean).zip(square) {
            *m = running::<F>(beta_1, *m, 1.0 - beta_1, *g);
            *v = running::<F>(beta_2, *v, (1.0 - beta_2) * g, *g);
            let change = rate * F::fma(of_mean, *m, of_gradient * g);
            *w = step::<F>(*w, change, (of_square * *v).sqrt() + epsilon);
        }
    }
}

#[cfg(test)]
pub(super) mod tests {
    use super::*;

    pub(crate) fn samples() -> Vec<Box<dyn Optimizer>> {
        vec![Box::new(Nadam::new(0.05)), Box::new(Nadam::new(0.05).beta_1(0.5).beta_2(0.9).epsilon(1e-3))]
    }

    #[test]
    fn momentum_settles_at_beta_1_without_a_jump() {
        let nadam = Nadam::default();
        let ([before, product], [after, product_after]) = (nadam.schedule(900), nadam.schedule(901));
        assert_eq!((before, after), (f64::from(0.9f32), f64::from(0.9f32)));
        approx::assert_relative_eq!(product_after, product * after, max_relative = 1e-12);
        assert_eq!(nadam.schedule(u64::MAX), [f64::from(0.9f32), 0.0]);
    }
}
