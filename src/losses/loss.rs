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

    /// The scale of the outputs that this loss trains. Metrics and [`predict_classes`](crate::Model::predict_classes) use it
    /// to convert outputs to classes. Defaults to probabilities or values.
    fn output_scale(&self) -> OutputScale {
        OutputScale::Plain
    }

    /// Records the loss of a batch, a scalar. Other shapes are an error of `compile`.
    ///
    /// Prediction and target have a batch axis. Targets of the kinds that are numbers, such as
    /// [`Values`](crate::TargetKind::Values), have the shape of the prediction, and integer labels that of its positions:
    /// the axes of the prediction without the last. Targets of the kind [`Any`](crate::TargetKind::Any) have the shape that
    /// the dataset gives them, which `record` must check or convert itself:
    ///
    /// ```
    /// use gradus::{Accepts, Compile, Sequential, Shape, Spec, TargetKind, data::Arrays, layers::Dense, losses::Loss};
    /// use gradus::{optimizers::Sgd, tape::Var};
    /// use ndarray::{arr2, array};
    ///
    /// /// The mean squared error of times whose event was observed. A target is a time, and 1 or 0 for observed or not.
    /// #[derive(Debug)]
    /// struct Observed;
    ///
    /// impl Loss for Observed {
    ///     fn accepts(&self, _output: Shape) -> Accepts {
    ///         Accepts::new(&[TargetKind::Any])
    ///     }
    ///     fn record<'r>(&self, prediction: Var<'r>, target: Var<'r>) -> Var<'r> {
    ///         let rows = prediction.shape().axis(0);
    ///         let [time, observed] = [0, 1].map(|column| target.slice(&[0, column], [rows, 1])); // of n × 2
    ///         let error = prediction - time; // n × 1, as the prediction
    ///         (error * error * observed).mean()
    ///     }
    ///     fn spec(&self) -> Spec {
    ///         Spec::new("Observed")
    ///     }
    /// }
    ///
    /// let model = Sequential::new([1]).add(Dense::new(1)).compile(Compile::new(Sgd::new(0.1), Observed))?;
    /// let (x, t) = (arr2(&[[0.0f32], [0.0]]), array![[2.0f32, 1.0], [5.0, 0.0]]);
    /// assert_eq!(model.evaluate(&Arrays::new(x, t)?)?.loss, 2.0); // the output is the bias, 0
    /// # Ok::<(), gradus::Error>(())
    /// ```
    fn record<'r>(&self, prediction: Var<'r>, target: Var<'r>) -> Var<'r>;

    /// Records the loss of a batch with sample weights, one for each row. As in Keras, the weighted sum is divided by the
    /// number of rows, not by the sum of the weights. The default records an error: the loss takes no weights.
    ///
    /// `weights` has the number of axes of the prediction, all of size 1 but the batch axis: n × 1 for a prediction of n × k.
    ///
    /// If the prediction has a [mask](Var::mask), `weights` has one weight for each position of the mask, as in
    /// n × steps × 1. The weight of padding is 0. The weight of a valid position is `sample_weight * all / valid`,
    /// where `all` and `valid` are the numbers of positions and of valid positions in the batch, and `sample_weight` is
    /// that of the row, or 1. The mean of the weighted errors over all positions is therefore their mean over the valid
    /// positions. If no position is valid, all weights are 0, and so is the mean.
    ///
    /// `weights` can therefore be multiplied by errors in the shape of the prediction, or by errors per row with `keepdims`.
    /// Arithmetic on the weights and an array with a different number of axes is an error, since n × 1 and n would broadcast to
    /// n × n.
    ///
    /// ```
    /// use gradus::{Accepts, Compile, Sequential, Shape, Spec, TargetKind, data::Arrays, layers::Dense, losses::Loss};
    /// use gradus::{optimizers::Sgd, tape::Var};
    /// use ndarray::arr2;
    ///
    /// /// The mean fourth power of the errors.
    /// #[derive(Debug)]
    /// struct FourthPower;
    ///
    /// impl FourthPower {
    ///     /// The mean fourth power of the errors of each row, n × 1.
    ///     fn of_rows<'r>(prediction: Var<'r>, target: Var<'r>) -> Var<'r> {
    ///         let square = (prediction - target) * (prediction - target);
    ///         (square * square).mean_axes(&[-1], true) // keepdims: n × 1 instead of n
    ///     }
    /// }
    ///
    /// impl Loss for FourthPower {
    ///     fn accepts(&self, _output: Shape) -> Accepts {
    ///         Accepts::new(&[TargetKind::Values])
    ///     }
    ///     fn record<'r>(&self, prediction: Var<'r>, target: Var<'r>) -> Var<'r> {
    ///         FourthPower::of_rows(prediction, target).mean()
    ///     }
    ///     fn record_weighted<'r>(&self, prediction: Var<'r>, target: Var<'r>, weights: Var<'r>) -> Var<'r> {
    ///         (FourthPower::of_rows(prediction, target) * weights).mean()
    ///     }
    ///     fn spec(&self) -> Spec {
    ///         Spec::new("FourthPower")
    ///     }
    /// }
    ///
    /// let mut model = Sequential::new([1]).add(Dense::new(1)).compile(Compile::new(Sgd::new(0.0), FourthPower))?;
    /// let batch = Arrays::new(arr2(&[[0.0f32], [0.0]]), arr2(&[[1.0f32], [2.0]]))?; // the output is the bias, 0
    /// assert_eq!(model.train_on_batch(&batch.with_sample_weight([3.0, 0.5])?)?.loss, (3.0 * 1.0 + 0.5 * 16.0) / 2.0);
    /// # Ok::<(), gradus::Error>(())
    /// ```
    fn record_weighted<'r>(&self, prediction: Var<'r>, _target: Var<'r>, _weights: Var<'r>) -> Var<'r> {
        let place = self.spec().class().to_owned();
        let problem = match prediction.mask() {
            None => "it takes no sample weights; remove them",
            Some(_) => {
                "it takes no weights of positions, which the mask of the output needs; implement `Loss::record_weighted`"
            }
        };
        prediction.recorder().fail(Error::Graph { place, problem: problem.into() });
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
