//! Losses, one file each. A loss records operations and, like a layer, is plain configuration.

mod names;

pub use names::get;

use crate::accepts::{Accepts, TargetKind};
use crate::error::{Error, Result, check_setting};
use crate::forward::forward;
use crate::output_scale::OutputScale;
use crate::registry::{Make, Part};
use crate::settings::FromSpec;
use crate::shape::Shape;
use crate::spec::Spec;
use crate::tape::Var;
use std::fmt::Debug;
use std::sync::Arc;

/// A loss: the mean over the rows of a batch of an error between predictions and targets. Lower is better.
///
/// `Box` and `Arc` of a loss are losses, so that one can be chosen at run time.
pub trait Loss: Debug + Send + Sync {
    /// The accepted targets and the requirements on the model's output, for an output of this shape per row. `compile` checks
    /// the output; `fit` and `evaluate` check the targets before they start.
    fn accepts(&self, output: Shape) -> Accepts;

    /// The scale of the outputs that this loss trains, by which metrics and
    /// [`predict_classes`](crate::Model::predict_classes) convert outputs to classes. Defaults to probabilities or values.
    fn output_scale(&self) -> OutputScale {
        OutputScale::Plain
    }

    /// Records the loss of a batch, a scalar. The target has the shape of the output; integer labels have the shape of its
    /// positions.
    fn record<'r>(&self, prediction: Var<'r>, target: Var<'r>) -> Var<'r>;

    /// Records the loss of a batch with sample weights, one for each row. As in Keras, the weighted sum is divided by the
    /// number of rows, not by the sum of the weights. The default records an error: the loss takes no weights.
    fn record_weighted<'r>(&self, prediction: Var<'r>, _target: Var<'r>, _weights: Var<'r>) -> Var<'r> {
        let class = self.spec().class().to_owned();
        prediction.recorder().fail(Error::other(format!("{class} takes no sample weights; remove them")));
        prediction
    }

    /// Checks the settings.
    ///
    /// # Errors
    /// [`Error::Setting`] when a setting is out of range.
    fn check_settings(&self) -> Result<()> {
        Ok(())
    }

    /// The class name and the settings.
    fn spec(&self) -> Spec;
}

forward!(Loss for [Box, Arc] {
    fn accepts(&self, output: Shape) -> Accepts;
    fn output_scale(&self) -> OutputScale;
    fn record<'r>(&self, prediction: Var<'r>, target: Var<'r>) -> Var<'r>;
    fn record_weighted<'r>(&self, prediction: Var<'r>, target: Var<'r>, weights: Var<'r>) -> Var<'r>;
    fn check_settings(&self) -> Result<()>;
    fn spec(&self) -> Spec;
});

/// Declares the losses: each is a file and a line in the list below.
macro_rules! losses {
    ($($file:ident::$Loss:ident),* $(,)?) => {
        $(mod $file; pub use $file::$Loss;)*

        impl Part for dyn Loss {
            const NAME: &'static str = "loss";

            fn built_in() -> Vec<(&'static str, Make<dyn Loss>)> {
                vec![$(($Loss::CLASS, |spec, known| Ok(Box::new(spec.make_of::<$Loss>(known)?)))),*]
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

/// Cross-entropy of logits or probabilities. For a softmax it is computed from the logits, which is exact.
fn crossentropy<'r>(prediction: Var<'r>, target: Var<'r>, weights: Option<Var<'r>>, from_logits: bool) -> Var<'r> {
    match prediction.logits() {
        _ if from_logits => prediction.softmax_crossentropy_of(target, weights),
        Some(logits) => logits.softmax_crossentropy_of(target, weights),
        None => prediction.categorical_crossentropy_of(target, weights),
    }
}

/// The remedy when a loss of several classes has a single output.
const ONE_OUTPUT: &str = "BinaryCrossentropy takes one output";

/// The remedy when a loss of one-hot rows is given labels.
const ONE_HOT: &str = "Arrays::one_hot and to_categorical make one-hot rows";

/// The accepted targets of losses of numbers.
fn values() -> Accepts {
    Accepts::new(&[TargetKind::Values]).remedy("SparseCategoricalCrossentropy takes integer labels")
}

/// Smoothed targets: t · (1 − smoothing) + smoothing / classes.
fn smoothed<'r>(target: Var<'r>, smoothing: f32, classes: usize) -> Var<'r> {
    if smoothing == 0.0 { target } else { target * (1.0 - smoothing) + smoothing / classes as f32 }
}

fn check_smoothing(owner: &'static str, smoothing: f32) -> Result<()> {
    let fits = (0.0..=1.0).contains(&smoothing);
    check_setting(fits, owner, "label_smoothing", f64::from(smoothing), "≥ 0 and ≤ 1")
}

#[cfg(test)]
mod tests;
