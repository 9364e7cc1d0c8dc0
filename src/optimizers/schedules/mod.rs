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

mod checks;
mod passed;

pub use super::schedule::Schedule;

use crate::registry::{Make, Part};
use crate::settings::FromSpec;

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

#[cfg(test)]
mod tests;
