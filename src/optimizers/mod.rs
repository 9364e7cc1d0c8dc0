//! Optimizers: how a gradient changes a weight, one file each, with Keras' formulas and defaults.

mod arithmetic;
mod checks;
mod clip;
mod learning_rate;
mod optimizer;
mod options;
mod schedule;
pub mod schedules;
mod slice;
mod state;
mod step;

pub(crate) use checks::check_rate;
pub use clip::Clip;
pub use learning_rate::LearningRate;
pub use optimizer::Optimizer;
pub use options::OptimizerOptions;
pub use slice::{MAX_STATE_ARRAYS, ParamSlice};
pub use state::OptimizerState;
pub(crate) use state::{StateArray, StoredArrays};
pub use step::Step;

use crate::registry::{Make, Part};
use crate::settings::FromSpec;

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

#[cfg(test)]
mod tests;
