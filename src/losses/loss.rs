//! The contract of losses.

use crate::accepts::Accepts;
use crate::error::{Error, Result};
use crate::forward::forward;
use crate::output_scale::OutputScale;
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
