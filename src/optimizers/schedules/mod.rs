//! Schedules: a learning rate as a function of the steps made so far, one file each, with Keras' names and formulas.
//!
//! An optimizer takes one in the place of its learning rate:
//!
//! ```
//! use gradus::optimizers::{Optimizer, Sgd, schedules::ExponentialDecay};
//! let sgd = Sgd::new(ExponentialDecay::new(0.5, 10, 0.25));
//! let rate = sgd.options()?.learning_rate;
//! assert_eq!([0, 10, 20].map(|steps| rate.rate(steps)), [0.5, 0.125, 0.03125]);
//! # Ok::<(), gradus::Error>(())
//! ```

use crate::error::{Result, check_setting};
use crate::forward::forward;
use crate::registry::{Make, Part};
use crate::settings::FromSpec;
use crate::spec::Spec;
use std::fmt::Debug;
use std::sync::Arc;

/// A learning rate that depends on how many steps were made.
///
/// A schedule of another crate is given to an optimizer as [`LearningRate::schedule`](super::LearningRate::schedule), and
/// to a [`Registry`](crate::save::Registry) so that models in files may have it.
///
/// `Box` and `Arc` of a schedule are schedules, so that one can be chosen at run time.
pub trait Schedule: Debug + Send + Sync {
    /// The learning rate when so many steps were made: that of the first step is `rate(0)`. Keras' `iterations`.
    fn rate(&self, steps: u64) -> f32;

    /// Checks the settings.
    ///
    /// # Errors
    /// One of them is out of range.
    fn check(&self) -> Result<()>;

    /// The class name and the settings.
    fn spec(&self) -> Spec;
}

forward!(Schedule for [Box, Arc] {
    fn rate(&self, steps: u64) -> f32;
    fn check(&self) -> Result<()>;
    fn spec(&self) -> Spec;
});

/// Every schedule: one line here and one new file add one.
macro_rules! schedules {
    ($($file:ident::$Schedule:ident),* $(,)?) => {
        $(mod $file; pub use $file::$Schedule;)*

        $(impl From<$Schedule> for super::LearningRate {
            fn from(schedule: $Schedule) -> super::LearningRate {
                super::LearningRate::schedule(schedule)
            }
        })*

        impl Part for dyn Schedule {
            const NAME: &'static str = "schedule";

            fn built_in() -> Vec<(&'static str, Make<dyn Schedule>)> {
                vec![$(($Schedule::CLASS, |spec, known| Ok(Box::new(spec.make_of::<$Schedule>(known)?)))),*]
            }
        }

        /// What the tests that walk all schedules run.
        #[cfg(test)]
        fn samples() -> Vec<(&'static str, Vec<Box<dyn Schedule>>)> {
            vec![$((stringify!($file), $file::tests::samples())),*]
        }
    };
}

schedules! {
    cosine_decay::CosineDecay,
    exponential_decay::ExponentialDecay,
    inverse_time_decay::InverseTimeDecay,
    one_cycle::OneCycle,
    piecewise_constant_decay::PiecewiseConstantDecay,
    polynomial_decay::PolynomialDecay,
}

/// How many times `decay_steps` have passed; whole times only where the decay is a staircase.
fn passed(steps: u64, decay_steps: usize, staircase: bool) -> f64 {
    if staircase { (steps / decay_steps as u64) as f64 } else { steps as f64 / decay_steps as f64 }
}

fn check_rate(owner: &'static str, name: &'static str, rate: f32) -> Result<()> {
    check_setting(rate.is_finite() && rate >= 0.0, owner, name, f64::from(rate), "finite and ≥ 0")
}

fn check_steps(owner: &'static str, name: &'static str, steps: usize) -> Result<()> {
    check_setting(steps > 0, owner, name, steps, "at least 1")
}

fn check_decay_rate(owner: &'static str, rate: f32) -> Result<()> {
    check_setting(rate.is_finite() && rate >= 0.0, owner, "decay_rate", f64::from(rate), "finite and ≥ 0")
}

#[cfg(test)]
mod tests;
