//! Adagrad: learning rates scaled by the sum of squared gradients.

use super::arithmetic::{step, sum};
use super::checks::check_epsilon;
use super::learning_rate::LearningRate;
use super::optimizer::Optimizer;
use super::options::OptimizerOptions;
use super::slice::ParamSlice;
use super::step::Step;
use crate::error::{Result, check_setting};
use crate::kernels::simd::{self, vectorized};
use crate::settings::{FromSpec, options};
use crate::spec::Spec;

options! {
    /// Adagrad: a ← a + g², then w ← w − rate · g / √(a + epsilon), for the gradient g (Duchi et al. 2011). `Adagrad` in Keras.
    ///
    /// State: the sum a for each weight.
    ///
    /// ```
    /// use gradus::{Compile, Sequential, layers::Dense, losses::MeanSquaredError};
    /// use gradus::optimizers::{Adagrad, Optimizer};
    /// let optimizer = Adagrad::new(0.01).initial_accumulator_value(0.5);
    /// assert_eq!(optimizer.initial_state(), [0.5]); // a
    /// let model = Sequential::new([3]).add(Dense::new(1)).compile(Compile::new(optimizer, MeanSquaredError::new()))?;
    /// assert_eq!(model.learning_rate(), 0.01);
    /// # Ok::<(), gradus::Error>(())
    /// ```
    ///
    /// # Errors
    /// `compile` returns [`Error::Setting`](crate::Error::Setting) if an option is out of range.
    #[derive(Clone, Debug)]
    #[must_use]
    pub struct Adagrad("Adagrad") of (options: OptimizerOptions) {
        /// Initial value of the sums of squared gradients, ≥ 0. Defaults to 0.1.
        value initial_accumulator_value: f32 = 0.1,
        /// Constant added to each sum under the root, ≥ 0. Defaults to 10⁻⁷.
        value epsilon: f32 = 1e-7,
    }
}

impl Default for Adagrad {
    /// Learning rate 0.001, as in Keras.
    fn default() -> Adagrad {
        Adagrad::new(0.001)
    }
}

impl Adagrad {
    /// Creates the optimizer with initial sums of 0.1 and epsilon 10⁻⁷, as in Keras.
    pub fn new(learning_rate: impl Into<LearningRate>) -> Adagrad {
        Adagrad::with_defaults(OptimizerOptions::new(learning_rate))
    }

    pub(super) fn options_mut(&mut self) -> &mut OptimizerOptions {
        &mut self.options
    }
}

impl Optimizer for Adagrad {
    fn initial_state(&self) -> &[f32] {
        std::slice::from_ref(&self.initial_accumulator_value)
    }

    fn update(&self, step: Step, slice: ParamSlice<'_>) {
        let (rate, ParamSlice { values, gradient, state }) = (step.learning_rate, slice);
        let [squares, ..] = state;
        update(simd::current(), self.epsilon, rate, values, gradient, squares);
    }

    fn options(&self) -> Result<OptimizerOptions> {
        Ok(self.options.clone())
    }

    fn check(&self) -> Result<()> {
        self.options.check(Self::CLASS)?;
        let start = f64::from(self.initial_accumulator_value);
        check_setting(start >= 0.0, Self::CLASS, "initial_accumulator_value", start, "≥ 0")?;
        check_epsilon(Self::CLASS, self.epsilon)
    }

    fn spec(&self) -> Spec {
        self.write_options(Spec::new(Self::CLASS))
    }
}

vectorized! {
    fn update<F: Fma>(epsilon: f32, rate: f32, value: &mut [f32], gradient: &[f32], squares: &mut [f32]) {
        for ((w, g), a) in value.iter_mut().zip(gradient).zip(squares) {
            *a = sum::<F>(*a, *g, *g);
            *w = step::<F>(*w, rate * g, (*a + epsilon).sqrt());
        }
    }
}

#[cfg(test)]
pub(super) mod tests {
    use super::*;

    pub(crate) fn samples() -> Vec<Box<dyn Optimizer>> {
        vec![Box::new(Adagrad::new(0.5)), Box::new(Adagrad::new(0.5).initial_accumulator_value(0.0).epsilon(1e-3))]
    }
}
