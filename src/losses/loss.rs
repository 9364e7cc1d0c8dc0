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

/// A mean over the rows of a batch of how far predictions are from targets. Lower is better.
///
/// `Box` and `Arc` of a loss are losses, so that one can be chosen at run time.
pub trait Loss: Debug + Send + Sync {
    /// The targets that it takes, and its requirements on the model's output, where a row's output has this shape. Checked
    /// by `compile`, and before any work by every call that takes a dataset.
    fn accepts(&self, output: Shape) -> Accepts;

    /// How the outputs that it trains are to be read. Everything that turns outputs into classes follows it: metrics and
    /// [`predict_classes`](crate::Model::predict_classes). Without it outputs are probabilities or values.
    fn output_scale(&self) -> OutputScale {
        OutputScale::Plain
    }

    /// Records the loss of a batch, a scalar. The target has the output's shape, or that of its positions where it is of
    /// integer labels.
    fn record<'r>(&self, prediction: Var<'r>, target: Var<'r>) -> Var<'r>;

    /// The same, where the loss of each of the batch's rows counts by a weight of its own, from one axis of weights. As
    /// in Keras the sum is divided by the number of rows, not by that of the weights. Fails where a loss does not provide
    /// it.
    fn record_weighted<'r>(&self, prediction: Var<'r>, _target: Var<'r>, _weights: Var<'r>) -> Var<'r> {
        let class = self.spec().class().to_owned();
        prediction.recorder().fail(Error::other(format!("{class} takes no weights for rows; leave them out")));
        prediction
    }

    /// Checks the settings.
    ///
    /// # Errors
    /// One of them is out of range.
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
