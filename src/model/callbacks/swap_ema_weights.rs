//! Validation with the moving averages of the weights.

use super::callback::Callback;
use super::flow::Flow;
use super::moments::{EpochBegin, EpochEnd, TrainBegin};
use crate::error::Result;
use crate::model::Model;

/// Validates with the moving averages of the weights, which the optimizer keeps with `use_ema`. `SwapEMAWeights` in Keras.
///
/// The weights are exchanged with their averages before the validation of each epoch, and back after it. With
/// [`swap_on_epoch`](SwapEmaWeights::swap_on_epoch), they are also exchanged from the end of an epoch to the beginning of the next
/// one, so that callbacks after this one see the averages and [checkpoints](crate::Checkpoints) contain them. Training is not
/// affected.
///
/// ```
/// # use gradus::{Compile, Fit, Progress, Sequential, data::Arrays, layers::Dense, losses::MeanSquaredError, optimizers::Sgd};
/// # let data = Arrays::new(ndarray::arr2(&[[0.0f32], [1.0]]), ndarray::arr2(&[[1.0f32], [3.0]]))?;
/// use gradus::callbacks::SwapEmaWeights;
/// let settings = Compile::new(Sgd::new(0.1).use_ema(true).ema_momentum(0.9), MeanSquaredError::new());
/// let mut model = Sequential::new([1]).add(Dense::new(1)).compile(settings)?;
/// let mut swap = SwapEmaWeights::new();
/// model.fit(&data, Fit::new().epochs(3).validation(&data).progress(Progress::Quiet).callback(&mut swap))?;
/// # Ok::<(), gradus::Error>(())
/// ```
///
/// # Errors
/// `fit` returns [`Error::Setting`](crate::Error::Setting) unless the optimizer has `use_ema`.
#[derive(Clone, Copy, Debug, Default)]
#[must_use]
pub struct SwapEmaWeights {
    swap_on_epoch: bool,
}

impl SwapEmaWeights {
    /// Creates the callback with the defaults of Keras.
    pub fn new() -> SwapEmaWeights {
        SwapEmaWeights::default()
    }

    /// Sets whether the weights are also exchanged from the end of an epoch to the beginning of the next one. Defaults to `false`.
    pub fn swap_on_epoch(mut self, swap_on_epoch: bool) -> SwapEmaWeights {
        self.swap_on_epoch = swap_on_epoch;
        self
    }
}

impl Callback for SwapEmaWeights {
    fn train_begin(&mut self, model: &mut Model, _begin: &TrainBegin<'_>) -> Result<()> {
        model.check_averages()
    }

    fn epoch_begin(&mut self, model: &mut Model, _begin: &EpochBegin<'_>) -> Result<()> {
        model.set_averaged(false)
    }

    fn validation_begin(&mut self, model: &mut Model) -> Result<()> {
        model.set_averaged(true)
    }

    fn validation_end(&mut self, model: &mut Model) -> Result<()> {
        model.set_averaged(false)
    }

    fn epoch_end(&mut self, model: &mut Model, _end: &EpochEnd<'_>) -> Result<Flow> {
        if self.swap_on_epoch {
            model.set_averaged(true)?;
        }
        Ok(Flow::Continue(()))
    }
}

#[cfg(test)]
pub(super) mod tests {
    use super::*;
    use crate::layers::Dense;
    use crate::losses::MeanSquaredError;
    use crate::optimizers::Sgd;
    use crate::{Compile, Fit, Sequential, data::Arrays};

    pub(crate) fn samples() -> Vec<Box<dyn Callback>> {
        vec![Box::new(SwapEmaWeights::new()), Box::new(SwapEmaWeights::new().swap_on_epoch(true))]
    }

    #[test]
    fn an_optimizer_without_averages_is_rejected() {
        let settings = Compile::new(Sgd::new(0.1), MeanSquaredError::new());
        let mut model = Sequential::new([1]).add(Dense::new(1)).compile(settings).unwrap();
        let data = Arrays::new(ndarray::arr2(&[[1.0f32]]), ndarray::arr2(&[[1.0f32]])).unwrap();
        let error = model.fit(&data, Fit::new().callback(&mut SwapEmaWeights::new())).unwrap_err().to_string();
        assert_eq!(error, "Model: use_ema of the optimizer must be true, to keep averages, got false");
    }
}
