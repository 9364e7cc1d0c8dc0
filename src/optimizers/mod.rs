//! Optimizers: how a gradient changes a weight, one file each, with Keras' formulas and defaults.

mod clip;
mod learning_rate;
mod options;
pub mod schedules;
mod slice;
mod state;
mod step;

pub use clip::Clip;
pub use learning_rate::LearningRate;
pub use options::OptimizerOptions;
pub use slice::ParamSlice;
pub use state::OptimizerState;
pub(crate) use state::{StateArray, StoredArrays};
pub use step::Step;

use crate::error::{Result, check_setting};
use crate::forward::forward;
use crate::kernels::reciprocal::reciprocal;
use crate::kernels::simd::Fma;
use crate::kernels::update;
use crate::registry::{Make, Part};
use crate::settings::FromSpec;
use crate::spec::Spec;
use std::borrow::Cow;
use std::fmt::Debug;
use std::sync::Arc;

/// The update rule of weights and its settings.
///
/// An optimizer is plain configuration; its state for each weight is in an [`OptimizerState`]. An optimizer of your own
/// needs two methods, the rule and the settings:
///
/// ```
/// use gradus::optimizers::{Optimizer, ParamSlice, Step};
/// use gradus::{Compile, Sequential, Spec, layers::Dense, losses::MeanSquaredError};
///
/// #[derive(Debug)]
/// struct PlainSgd {
///     learning_rate: f32,
/// }
///
/// impl Optimizer for PlainSgd {
///     fn update(&self, step: Step, slice: ParamSlice<'_>) {
///         slice.values.iter_mut().zip(slice.gradient).for_each(|(w, g)| *w -= step.learning_rate * g);
///     }
///     fn spec(&self) -> Spec {
///         Spec::new("PlainSgd").with("learning_rate", self.learning_rate)
///     }
/// }
///
/// let settings = Compile::new(PlainSgd { learning_rate: 0.1 }, MeanSquaredError::new());
/// let model = Sequential::new([3]).add(Dense::new(1)).compile(settings)?;
/// assert_eq!(model.learning_rate(), 0.1);
/// # Ok::<(), gradus::Error>(())
/// ```
///
/// With [`initial_state`](Optimizer::initial_state) it keeps arrays from step to step, such as a velocity;
/// [`FromSpec`] and a [`Registry`](crate::save::Registry) load models that were saved with it;
/// [`check_optimizer`](crate::testing::check_optimizer) tests all of it. `Box` and `Arc` of an optimizer are optimizers, so
/// that one can be chosen at run time.
pub trait Optimizer: Debug + Send + Sync {
    /// Changes the values of a slice of a parameter by its gradient. Gradients have been clipped and weights have decayed.
    ///
    /// Parameters are cut into slices of any length, so an element must not depend on others.
    fn update(&self, step: Step, slice: ParamSlice<'_>);

    /// The class name and the settings, with the learning rate as `learning_rate`.
    fn spec(&self) -> Spec;

    /// The learning rate, gradient clipping and weight decay.
    ///
    /// By default they are read from [`spec`](Optimizer::spec): `learning_rate` is a number or a schedule of this library,
    /// and `clipvalue`, `clipnorm`, `global_clipnorm` and `weight_decay` are used where they are there.
    ///
    /// # Errors
    /// The default: the spec has no such `learning_rate`, or an option of another kind.
    fn options(&self) -> Result<OptimizerOptions> {
        OptimizerOptions::of_spec(&self.spec())
    }

    /// The initial value of each state array, at most [`MAX_STATE_ARRAYS`]; none by default. A parameter has its own
    /// arrays, each with an element for each of its elements.
    fn initial_state(&self) -> &[f32] {
        &[]
    }

    /// Checks the settings beside the options, which [`OptimizerState::new`] checks; nothing by default.
    ///
    /// # Errors
    /// A setting is out of range.
    fn check(&self) -> Result<()> {
        Ok(())
    }
}

forward!(Optimizer for [Box, Arc] {
    fn update(&self, step: Step, slice: ParamSlice<'_>);
    fn spec(&self) -> Spec;
    fn options(&self) -> Result<OptimizerOptions>;
    fn initial_state(&self) -> &[f32];
    fn check(&self) -> Result<()>;
});

/// The largest number of state arrays that an optimizer may have for each parameter.
pub const MAX_STATE_ARRAYS: usize = update::MAX_STATE_ARRAYS;

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
            /// Clips gradients before each step.
            pub fn clip(mut self, clip: Clip) -> $Optimizer {
                self.options_mut().clip = Some(clip);
                self
            }

            /// Sets the decoupled weight decay: w ← w − w · weight_decay · learning rate before each step.
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
pub(crate) fn check_rate(owner: impl Into<Cow<'static, str>>, rate: f32) -> Result<()> {
    let fits = rate.is_finite() && rate >= 0.0;
    check_setting(fits, owner, "learning_rate", f64::from(rate), "finite and ≥ 0")
}

fn check_decay(owner: &'static str, name: &'static str, value: f32) -> Result<()> {
    check_setting((0.0..1.0).contains(&value), owner, name, f64::from(value), "≥ 0 and < 1")
}

fn check_epsilon(owner: &'static str, epsilon: f32) -> Result<()> {
    check_setting(epsilon >= 0.0, owner, "epsilon", f64::from(epsilon), "≥ 0")
}

#[cfg(test)]
mod tests;
