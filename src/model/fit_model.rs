//! `Model::fit`.

use super::Model;
use super::callbacks::{Callback, Callbacks};
use super::checkpoints;
use super::fit::Fit;
use super::members::Members;
use super::threads::Threads;
use super::training::TrainingLoop;
use crate::data::{self, Dataset, Rows};
use crate::error::{Result, check_setting};
use crate::metrics::History;

impl Model {
    /// Trains on all rows of a dataset for a number of epochs and returns the history.
    ///
    /// Two calls with 2 epochs each give the same bits as one call with 4, unless the optimizer averages weights (`use_ema`):
    /// then each call ends with the averages.
    ///
    /// Inputs that are NaN or infinite are not errors, since checking them would cost a pass over the data, and neither is
    /// a loss that diverges. Training then continues with weights that are NaN. The callback
    /// [`Divergence::stop`](crate::Divergence::stop) turns the first such loss into
    /// [`Error::Diverged`](crate::Error::Diverged), which names the first layer whose output is not finite:
    ///
    /// ```
    /// use gradus::{Compile, Divergence, Error, Fit, Progress, Sequential, data::Arrays, layers::Dense};
    /// use gradus::{losses::MeanSquaredError, optimizers::Sgd};
    /// use ndarray::arr2;
    /// let data = Arrays::new(arr2(&[[1.0f32], [f32::NAN]]), arr2(&[[1.0f32], [2.0]]))?;
    /// let settings = Compile::new(Sgd::new(0.1), MeanSquaredError::new());
    /// let mut model = Sequential::new([1]).add(Dense::new(1)).compile(settings)?;
    /// let mut divergence = Divergence::stop();
    /// let fit = Fit::new().progress(Progress::Quiet).callback(&mut divergence);
    /// assert!(matches!(model.fit(&data, fit), Err(Error::Diverged { epoch: 1, step: 1, .. })));
    /// # Ok::<(), gradus::Error>(())
    /// ```
    ///
    /// # Errors
    /// Before the first step: inputs or targets do not fit the model, labels are not classes, the dataset is empty,
    /// settings are out of range, or a checkpoint is damaged or of another training run.
    /// [`Error::NotCompiled`](crate::Error::NotCompiled) if the model has no optimizer.
    ///
    /// During training: a checkpoint cannot be written (earlier ones remain), or a callback returns an error; the model
    /// keeps the weights of the last step. [`Error::Fault`](crate::Error::Fault) if an operation encounters an
    /// invalid value, such as an index out of range; the model keeps its state from before that step.
    pub fn fit(&mut self, data: &dyn Dataset, mut settings: Fit<'_>) -> Result<History> {
        let mut members = Members::new(settings.exchange.take());
        let Some(parts) = members.agree(split(data, &settings))? else {
            let validation = settings.validation;
            return self.fit_rows(data, validation, settings, &mut members);
        };
        let (training, validation) = &parts;
        self.fit_rows(training, Some(validation), settings, &mut members)
    }

    fn fit_rows(
        &mut self,
        data: &dyn Dataset,
        validation: Option<&dyn Dataset>,
        settings: Fit<'_>,
        members: &mut Members<'_>,
    ) -> Result<History> {
        let created = TrainingLoop::new(self, data, validation, &settings, members);
        let mut training = members.agree(created)?;
        training.compare(self, members)?;
        // Only the first member has checkpoints, callbacks and progress.
        let first = members.is_first();
        training.checkpoints = settings.checkpoints.filter(|_| first);
        let found = settings.resume.filter(|_| first).map_or(Ok(None), |path| checkpoints::find(&path));
        let from = members.share_checkpoint(found)?;
        let mut progress = if first { settings.progress.callback() } else { None };
        let mut callbacks: Vec<&mut dyn Callback> = Vec::new();
        if let Some(progress) = &mut progress {
            callbacks.push(progress.as_mut());
        }
        for callback in settings.callbacks.into_iter().filter(|_| first) {
            callbacks.push(callback);
        }
        let mut callbacks = Callbacks::new(callbacks);
        let result = self.with_threads(|model| training.run(model, &mut callbacks, from.as_ref(), members));
        let history = training.finish(self);
        result.map(|()| history)
    }

    /// Runs `work` on this model inside its thread pool.
    fn with_threads<T: Send>(&mut self, work: impl FnOnce(&mut Model) -> T + Send) -> T {
        let threads = std::mem::replace(&mut self.threads, Threads::ambient());
        let result = threads.run_long(|| work(self));
        self.threads = threads;
        result
    }
}

/// The parts of a dataset for training and validation, if the settings divide it.
fn split<'a>(data: &'a dyn Dataset, settings: &Fit<'_>) -> Result<Option<(Rows<'a>, Rows<'a>)>> {
    let fraction = settings.validation_split;
    if settings.validation.is_some() || fraction == 0.0 {
        return Ok(None);
    }
    check_setting((0.0..1.0).contains(&fraction), "Fit", "validation_split", fraction, "≥ 0 and < 1")?;
    data::validation_split(data, fraction).map(Some)
}
