//! RMSprop: learning rates scaled by a running root mean square of the gradient.

use super::arithmetic::{flush, running, step};
use super::checks::{check_decay, check_epsilon};
use super::learning_rate::LearningRate;
use super::optimizer::Optimizer;
use super::options::OptimizerOptions;
use super::slice::ParamSlice;
use super::step::Step;
use crate::error::Result;
use crate::kernels::reciprocal::reciprocal;
use crate::kernels::simd::{self, Fma, vectorized};
use crate::settings::{FromSpec, options};
use crate::spec::Spec;

options! {
    /// RMSprop: v ← rho · v + (1 − rho) · g², then w ← w − rate · g / √(v + epsilon) (Tieleman and Hinton 2012). `RMSprop` in
    /// Keras, with epsilon under the root as in Keras 3.
    ///
    /// If centered, v is replaced by the variance v − a², with the running mean a ← rho · a + (1 − rho) · g. The variance is at
    /// least 0; in Keras, rounding can make it negative and the weights NaN. With momentum, b ← momentum · b + rate · g / √…
    /// and w ← w − b. State: v for each weight, and b and a where they are used.
    ///
    /// ```
    /// use gradus::{Compile, Sequential, layers::Dense, losses::MeanSquaredError};
    /// use gradus::optimizers::{Optimizer, RmsProp};
    /// let optimizer = RmsProp::new(0.01).momentum(0.9);
    /// assert_eq!(optimizer.initial_state(), [0.0, 0.0]); // v and b
    /// let model = Sequential::new([3]).add(Dense::new(1)).compile(Compile::new(optimizer, MeanSquaredError::new()))?;
    /// assert_eq!(model.learning_rate(), 0.01);
    /// # Ok::<(), gradus::Error>(())
    /// ```
    ///
    /// # Errors
    /// `compile` returns [`Error::Setting`](crate::Error::Setting) if an option is out of range.
    #[derive(Clone, Debug)]
    #[must_use]
    pub struct RmsProp("RMSprop") of (options: OptimizerOptions) {
        /// Decay rate of the running mean of squared gradients, 0 ≤ rho < 1. Defaults to 0.9.
        value rho: f32 = 0.9,
        /// Momentum: the factor of the previous update in the next one, 0 ≤ momentum < 1. Defaults to 0.
        added momentum: f32 = 0.0,
        /// Constant added to the mean square under the root, ≥ 0. Defaults to 10⁻⁷.
        value epsilon: f32 = 1e-7,
        /// Whether to divide by the root of the variance of the gradient instead of its mean square. Defaults to `false`.
        added centered: bool = false,
    }
}

impl Default for RmsProp {
    /// Learning rate 0.001, as in Keras.
    fn default() -> RmsProp {
        RmsProp::new(0.001)
    }
}

impl RmsProp {
    /// Creates the optimizer with rho 0.9 and epsilon 10⁻⁷, as in Keras.
    pub fn new(learning_rate: impl Into<LearningRate>) -> RmsProp {
        RmsProp::with_defaults(OptimizerOptions::new(learning_rate))
    }

    pub(super) fn options_mut(&mut self) -> &mut OptimizerOptions {
        &mut self.options
    }
}

impl Optimizer for RmsProp {
    fn initial_state(&self) -> &[f32] {
        let arrays = 1 + usize::from(self.momentum > 0.0) + usize::from(self.centered);
        &[0.0; 3][..arrays]
    }

    fn update(&self, step: Step, slice: ParamSlice<'_>) {
        let (rate, ParamSlice { values, gradient, state }) = (step.learning_rate, slice);
        let (level, [square, second, third, _]) = (simd::current(), state);
        match (self.momentum > 0.0, self.centered) {
            (false, false) => update(level, self, rate, values, gradient, square),
            (false, true) => centered(level, self, rate, values, gradient, square, second),
            (true, false) => with_momentum(level, self, rate, values, gradient, square, second),
            (true, true) => both(level, self, rate, values, gradient, [square, second, third]),
        }
    }

    fn options(&self) -> Result<OptimizerOptions> {
        Ok(self.options.clone())
    }

    fn check(&self) -> Result<()> {
        self.options.check("RmsProp")?;
        check_decay("RmsProp", "rho", self.rho)?;
        check_decay("RmsProp", "momentum", self.momentum)?;
        check_epsilon("RmsProp", self.epsilon)
    }

    fn spec(&self) -> Spec {
        self.write_options(Spec::new(Self::CLASS))
    }
}

/// Updates the mean square `v` with g, and returns it.
#[inline(always)]
fn mean_square<F: Fma>(rho: f32, v: &mut f32, g: f32) -> f32 {
    *v = running::<F>(rho, *v, (1.0 - rho) * g, g);
    *v
}

/// Updates both means with g, and returns the variance v − a². Where rounding makes it negative, as for a nearly constant
/// gradient, it is 0. NaN is preserved.
#[inline(always)]
fn variance<F: Fma>(rho: f32, v: &mut f32, a: &mut f32, g: f32) -> f32 {
    *a = running::<F>(rho, *a, 1.0 - rho, g);
    let variance = F::fma(-*a, *a, mean_square::<F>(rho, v, g));
    if variance < 0.0 { 0.0 } else { variance }
}

/// momentum · `b` + `change` / √`square`.
#[inline(always)]
fn moved<F: Fma>(momentum: f32, b: f32, change: f32, square: f32) -> f32 {
    flush(F::fma(momentum, b, change * reciprocal::<F>(square.sqrt())))
}

vectorized! {
    fn update<F: Fma>(settings: &RmsProp, rate: f32, value: &mut [f32], gradient: &[f32], square: &mut [f32]) {
        let (rho, epsilon) = (settings.rho, settings.epsilon);
        for ((w, g), v) in value.iter_mut().zip(gradient).zip(square) {
            let square = mean_square::<F>(rho, v, *g) + epsilon;
            *w = step::<F>(*w, rate * g, square.sqrt());
        }
    }
}

vectorized! {
    fn centered<F: Fma>(
        settings: &RmsProp,
        rate: f32,
        value: &mut [f32],
        gradient: &[f32],
        square: &mut [f32],
        average: &mut [f32],
    ) {
        let (rho, epsilon) = (settings.rho, settings.epsilon);
        for (((w, g), v), a) in value.iter_mut().zip(gradient).zip(square).zip(average) {
            let square = variance::<F>(rho, v, a, *g) + epsilon;
            *w = step::<F>(*w, rate * g, square.sqrt());
        }
    }
}

vectorized! {
    fn with_momentum<F: Fma>(
        settings: &RmsProp,
        rate: f32,
        value: &mut [f32],
        gradient: &[f32],
        square: &mut [f32],
        change: &mut [f32],
    ) {
        let (rho, momentum, epsilon) = (settings.rho, settings.momentum, settings.epsilon);
        for (((w, g), v), b) in value.iter_mut().zip(gradient).zip(square).zip(change) {
            *b = moved::<F>(momentum, *b, rate * g, mean_square::<F>(rho, v, *g) + epsilon);
            *w -= *b;
        }
    }
}

vectorized! {
    fn both<F: Fma>(settings: &RmsProp, rate: f32, value: &mut [f32], gradient: &[f32], memory: [&mut [f32]; 3]) {
        let (rho, momentum, epsilon) = (settings.rho, settings.momentum, settings.epsilon);
        let [square, change, average] = memory;
        for ((((w, g), v), b), a) in value.iter_mut().zip(gradient).zip(square).zip(change).zip(average) {
            *b = moved::<F>(momentum, *b, rate * g, variance::<F>(rho, v, a, *g) + epsilon);
            *w -= *b;
        }
    }
}

#[cfg(test)]
pub(super) mod tests {
    use super::*;

    pub(crate) fn samples() -> Vec<Box<dyn Optimizer>> {
        // The variance of a nearly constant gradient is nearly 0, so centered steps need a larger epsilon.
        let centered = RmsProp::new(0.02).epsilon(0.1).centered(true);
        vec![
            Box::new(RmsProp::new(0.05)),
            Box::new(RmsProp::new(0.05).rho(0.5).epsilon(1e-3)),
            Box::new(RmsProp::new(0.01).momentum(0.8)),
            Box::new(centered.clone()),
            Box::new(centered.momentum(0.5)),
        ]
    }
}
