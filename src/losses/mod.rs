//! Losses, one file each. A loss records operations and, like a layer, is plain configuration.

mod accepted;
mod crossentropy;
mod loss;
mod names;
mod smoothing;

pub use loss::Loss;
pub use names::get;

use crate::registry::{Constructor, Part};
use crate::settings::FromSpec;

/// Declares the losses: each is a file and a line in the list below.
macro_rules! losses {
    ($($file:ident::$Loss:ident),* $(,)?) => {
        $(mod $file; pub use $file::$Loss;)*

        impl Part for dyn Loss {
            const NAME: &'static str = "loss";

            fn built_in() -> Vec<(&'static str, Constructor<dyn Loss>)> {
                vec![$(($Loss::CLASS, |spec, classes| Ok(Box::new(spec.make_with::<$Loss>(classes)?)))),*]
            }
        }

        /// Every loss with its default settings.
        fn all() -> Vec<Box<dyn Loss>> {
            vec![$(Box::new($Loss::new())),*]
        }
    };
}

losses! {
    binary_crossentropy::BinaryCrossentropy,
    categorical_crossentropy::CategoricalCrossentropy,
    hinge::Hinge,
    huber::Huber,
    kl_divergence::KlDivergence,
    log_cosh::LogCosh,
    mean_absolute_error::MeanAbsoluteError,
    mean_squared_error::MeanSquaredError,
    sparse_categorical_crossentropy::SparseCategoricalCrossentropy,
}

#[cfg(test)]
mod tests;
