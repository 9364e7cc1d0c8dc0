//! Optimizers: update rules of weights, with the names, formulas and defaults of Keras.
//!
//! Each has a learning rate, which is a number or one of the [`schedules`], and optional gradient clipping, weight decay and moving
//! averages of the weights:
//!
//! ```
//! use gradus::optimizers::{Adam, Clip, Optimizer, schedules::CosineDecay};
//! let adam = Adam::new(CosineDecay::new(0.01, 1000)).clip(Clip::GlobalNorm(1.0)).weight_decay(0.004);
//! assert_eq!(adam.options()?.learning_rate.rate(1000), 0.0);
//! # Ok::<(), gradus::Error>(())
//! ```

mod arithmetic;
mod averages;
mod checks;
mod clip;
mod learning_rate;
mod optimizer;
mod options;
mod part;
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

use crate::registry::{Constructor, Part};
use crate::settings::FromSpec;

/// Declares the optimizers: each is a file and a line in the list below.
macro_rules! optimizers {
    ($($file:ident::$Optimizer:ident),* $(,)?) => {
        $(mod $file; pub use $file::$Optimizer;)*

        $(impl $Optimizer {
            /// Clips gradients before each step. Defaults to none. `clipvalue`, `clipnorm` and `global_clipnorm` in Keras.
            pub fn clip(mut self, clip: Clip) -> $Optimizer {
                self.options_mut().clip = Some(clip);
                self
            }

            /// Sets the decoupled weight decay, finite and ≥ 0: w ← w − w · weight_decay · learning rate before each step, for
            /// all trainable arrays. Defaults to 0, and to 0.004 for [`AdamW`]. `weight_decay` in Keras.
            pub fn weight_decay(mut self, weight_decay: f32) -> $Optimizer {
                self.options_mut().weight_decay = weight_decay;
                self
            }

            /// Whether to keep moving averages of the weights: average ← momentum · average + (1 − momentum) · w after each
            /// step. At the end of `fit`, they replace the weights. [`SwapEmaWeights`](crate::callbacks::SwapEmaWeights)
            /// validates with them. Defaults to `false`. `use_ema` in Keras.
            pub fn use_ema(mut self, use_ema: bool) -> $Optimizer {
                self.options_mut().use_ema = use_ema;
                self
            }

            /// Sets the factor of the previous average of weights, from 0 to 1. Defaults to 0.99. Without effect unless
            /// `use_ema` is set. `ema_momentum` in Keras.
            pub fn ema_momentum(mut self, ema_momentum: f32) -> $Optimizer {
                self.options_mut().ema_momentum = ema_momentum;
                self
            }

            /// Sets the number of steps after which the averages of weights replace the weights, at least 1. By default, they
            /// do so only at the end of `fit`. Without effect unless `use_ema` is set. `ema_overwrite_frequency` in Keras.
            pub fn ema_overwrite_frequency(mut self, steps: usize) -> $Optimizer {
                self.options_mut().ema_overwrite_frequency = Some(steps);
                self
            }
        })*

        impl Part for dyn Optimizer {
            const NAME: &'static str = "optimizer";

            fn built_in() -> Vec<(&'static str, Constructor<dyn Optimizer>)> {
                vec![$(($Optimizer::CLASS, |spec, classes| Ok(Box::new(spec.make_with::<$Optimizer>(classes)?)))),*]
            }
        }

        /// Samples for the tests of all optimizers.
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
