//! Schedules: the learning rate as a function of the number of completed steps, with the names and formulas of Keras.
//!
//! Optimizers accept a schedule as learning rate. A [`LearningRateScheduler`](crate::callbacks::LearningRateScheduler) sets
//! the learning rate by epoch instead.
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

use crate::registry::{Constructor, Part};
use crate::settings::FromSpec;

/// Declares the schedules: each is a file and a line in the list below.
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

            fn built_in() -> Vec<(&'static str, Constructor<dyn Schedule>)> {
                vec![$(($Schedule::CLASS, |spec, classes| Ok(Box::new(spec.make_with::<$Schedule>(classes)?)))),*]
            }
        }

        /// Samples for the tests of all schedules.
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
