//! Training stops when the loss is NaN or infinite.

use super::callback::Callback;
use super::flow::{Flow, Stop};
use super::moments::BatchEnd;
use crate::error::Result;
use crate::model::Model;
use std::ops::ControlFlow;

/// Stops training after a step whose loss is NaN or infinite. `TerminateOnNaN` in Keras.
///
/// `fit` returns without an error, and the model keeps the weights of that step. [`Divergence`](super::Divergence) can return
/// an error or restore earlier weights instead.
///
/// ```
/// # use gradus::{Compile, Fit, Progress, Sequential, data::Arrays, layers::Dense, losses::MeanSquaredError, optimizers::Sgd};
/// # let data = Arrays::new(ndarray::arr2(&[[0.0f32], [1.0]]), ndarray::arr2(&[[1.0f32], [3.0]]))?;
/// # let settings = Compile::new(Sgd::new(1e30), MeanSquaredError::new());
/// # let mut model = Sequential::new([1]).add(Dense::new(1)).compile(settings)?;
/// use gradus::callbacks::TerminateOnNan;
/// let fit = Fit::new().epochs(50).progress(Progress::Quiet);
/// model.fit(&data, fit.callback(&mut TerminateOnNan))?;
/// assert!(model.step() < 10);
/// # Ok::<(), gradus::Error>(())
/// ```
#[derive(Clone, Copy, Debug, Default)]
pub struct TerminateOnNan;

impl Callback for TerminateOnNan {
    fn batch_end(&mut self, _model: &mut Model, end: &BatchEnd<'_>) -> Result<Flow> {
        Ok(if end.loss.is_finite() { Flow::Continue(()) } else { ControlFlow::Break(Stop::Done) })
    }
}

#[cfg(test)]
pub(super) mod tests {
    use super::*;

    pub(crate) fn samples() -> Vec<Box<dyn Callback>> {
        vec![Box::new(TerminateOnNan)]
    }
}
