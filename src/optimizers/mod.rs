//! Optimizers: how a gradient changes a weight, one file each, with Keras' formulas and defaults.

mod learning_rate;
mod options;
pub mod schedules;

pub use learning_rate::LearningRate;
pub use options::{Clip, StepOptions};

use crate::error::{Result, check_setting};
use crate::forward::forward;
use crate::kernels::reciprocal::reciprocal;
use crate::kernels::simd::Fma;
use crate::kernels::update;
use crate::known::{Make, Part};
use crate::settings::FromSpec;
use crate::spec::Spec;
use std::fmt::Debug;

/// How weights follow their gradients.
///
/// An optimizer is plain configuration; what it remembers about each weight is kept by the model.
pub trait Optimizer: Debug + Send + Sync {
    /// The initial value of each state array that it keeps for a weight array; at most [`MAX_MEMORY`] of them.
    fn memory(&self) -> &[f32];

    /// Changes `value` along `gradient`. `step` counts from 1.
    ///
    /// Called on pieces of arrays, so it may not look beyond an element. `memory` has as many arrays as
    /// [`memory`](Optimizer::memory) has values. Clipping and weight decay have been done.
    fn update(&self, step: u64, rate: f32, value: &mut [f32], gradient: &[f32], memory: &mut [&mut [f32]]);

    /// The learning rate, clipping and weight decay.
    fn options(&self) -> &StepOptions;

    /// The same, to change.
    fn options_mut(&mut self) -> &mut StepOptions;

    /// The learning rate of a step, which counts from 1.
    fn learning_rate(&self, step: u64) -> f32 {
        self.options().learning_rate.rate(step.saturating_sub(1))
    }

    /// Checks the settings.
    ///
    /// # Errors
    /// One of them is out of range.
    fn check(&self) -> Result<()>;

    /// The class name and the settings.
    fn spec(&self) -> Spec;
}

forward!(Optimizer for [Box] {
    fn memory(&self) -> &[f32];
    fn update(&self, step: u64, rate: f32, value: &mut [f32], gradient: &[f32], memory: &mut [&mut [f32]]);
    fn options(&self) -> &StepOptions;
    fn options_mut(&mut self) -> &mut StepOptions;
    fn learning_rate(&self, step: u64) -> f32;
    fn check(&self) -> Result<()>;
    fn spec(&self) -> Spec;
});

/// The most state arrays that an optimizer may keep for a weight array.
pub const MAX_MEMORY: usize = update::MAX_MEMORY;

/// State smaller than this becomes 0, so that what decays never becomes a slow denormal number.
const FLUSH: f32 = 1e-30;

/// `value`, or 0 where it is too small to matter.
#[inline(always)]
fn flush(value: f32) -> f32 {
    if value.abs() < FLUSH { 0.0 } else { value }
}

/// 2⁻⁸⁰. Added before and taken away after, it makes a sum a multiple of 2⁻¹⁰⁴, about 5·10⁻³², if it is that small:
/// never a denormal number, without a comparison. Sums above 10⁻¹⁷ do not see it, 0 stays 0, and a mean that decays ends
/// at ½ / (1 − decay) of these grains or below, too little to matter beside any epsilon.
const GRAIN: f32 = 1.0 / (1u128 << 80) as f32;

/// `sum` + `a`·`b`, rounded to grains. The product is not rounded, so it cannot be denormal either.
#[inline(always)]
fn sum<F: Fma>(sum: f32, a: f32, b: f32) -> f32 {
    F::fma(a, b, sum + GRAIN) - GRAIN
}

/// `decay` · `mean` + `a`·`b`, rounded to grains: a running mean of b where a is 1 − decay, of b² where a is (1 − decay)·b.
#[inline(always)]
fn running<F: Fma>(decay: f32, mean: f32, a: f32, b: f32) -> f32 {
    F::fma(a, b, F::fma(decay, mean, GRAIN)) - GRAIN
}

/// `value` − `change` / `divisor`.
#[inline(always)]
fn step<F: Fma>(value: f32, change: f32, divisor: f32) -> f32 {
    F::fma(-change, reciprocal::<F>(divisor), value)
}

/// Every optimizer: one line here and one new file add one.
macro_rules! optimizers {
    ($($file:ident::$Optimizer:ident),* $(,)?) => {
        $(mod $file; pub use $file::$Optimizer;)*

        $(impl $Optimizer {
            /// Makes gradients that are too large smaller before each step.
            pub fn clip(mut self, clip: Clip) -> $Optimizer {
                self.options_mut().clip = Some(clip);
                self
            }

            /// The share of each weight, times the learning rate, that is taken away before each step.
            pub fn weight_decay(mut self, weight_decay: f32) -> $Optimizer {
                self.options_mut().weight_decay = weight_decay;
                self
            }
        })*

        impl Part for dyn Optimizer {
            const NAME: &'static str = "optimizer";

            fn built_in() -> Vec<(&'static str, Make<dyn Optimizer>)> {
                vec![$(($Optimizer::CLASS, |spec, known| Ok(Box::new(spec.make_of::<$Optimizer>(known)?)))),*]
            }
        }

        /// What the tests that walk all optimizers run.
        #[cfg(test)]
        fn samples() -> Vec<(&'static str, Vec<Box<dyn Optimizer>>)> {
            vec![$((stringify!($file), $file::tests::samples())),*]
        }
    };
}

optimizers! {
    adadelta::Adadelta,
    adagrad::Adagrad,
    adam::Adam,
    adamw::AdamW,
    lion::Lion,
    nadam::Nadam,
    rmsprop::RmsProp,
    sgd::Sgd,
}

/// A rate that a step can be made with.
pub(crate) fn check_rate(owner: &'static str, rate: f32) -> Result<()> {
    let fits = rate.is_finite() && rate >= 0.0;
    check_setting(fits, owner, "learning_rate", f64::from(rate), "0 ≤ learning_rate, finite")
}

fn check_decay(owner: &'static str, name: &'static str, value: f32) -> Result<()> {
    check_setting((0.0..1.0).contains(&value), owner, name, f64::from(value), "0 ≤ value < 1")
}

fn check_epsilon(owner: &'static str, epsilon: f32) -> Result<()> {
    check_setting(epsilon >= 0.0, owner, "epsilon", f64::from(epsilon), "0 ≤ epsilon")
}

#[cfg(test)]
mod tests;
