//! The call that trains a model.

use super::Model;
use super::callbacks::{Callback, Callbacks};
use super::checkpoints;
use super::fit::Fit;
use super::threads::Threads;
use super::training::TrainingLoop;
use crate::data::{self, Dataset};
use crate::error::{Result, check_setting};
use crate::metrics::History;

impl Model {
    /// Trains on every row of a dataset, `epochs` times. Returns what each epoch reported.
    ///
    /// Two calls with 2 epochs each end with the same bits as one call with 4.
    ///
    /// # Errors
    /// Inputs or targets that do not fit the model, labels that are not classes, an empty dataset, settings out of range:
    /// all before the first step, as are a checkpoint that is damaged or of another training. A checkpoint that cannot be
    /// written ends training, and the earlier ones are still there. An error of a callback ends training where it stands; the
    /// model keeps what it learned. A value with which an operation cannot compute, such as an index out of range, ends
    /// training with [`Error::Fault`](crate::Error::Fault) before its step changes anything, so the model is as the step
    /// before left it. [`Error::NotCompiled`](crate::Error::NotCompiled) for a model without an optimizer.
    pub fn fit(&mut self, data: &dyn Dataset, settings: Fit<'_>) -> Result<History> {
        if settings.validation.is_some() || settings.validation_split == 0.0 {
            let validation = settings.validation;
            return self.fit_rows(data, validation, settings);
        }
        let fraction = settings.validation_split;
        check_setting((0.0..1.0).contains(&fraction), "Fit", "validation_split", fraction, "≥ 0 and < 1")?;
        let (training, validation) = data::validation_split(data, fraction)?;
        self.fit_rows(&training, Some(&validation), settings)
    }

    fn fit_rows(&mut self, data: &dyn Dataset, validation: Option<&dyn Dataset>, settings: Fit<'_>) -> Result<History> {
        let mut training = TrainingLoop::new(self, data, validation, &settings)?;
        training.checkpoints = settings.checkpoints;
        let from = settings.resume.map_or(Ok(None), |path| checkpoints::find(&path))?;
        let mut progress = settings.progress.callback();
        let mut callbacks: Vec<&mut dyn Callback> = Vec::new();
        if let Some(progress) = &mut progress {
            callbacks.push(progress.as_mut());
        }
        for callback in settings.callbacks {
            callbacks.push(callback);
        }
        let mut callbacks = Callbacks::new(callbacks);
        let result = self.with_threads(|model| training.run(model, &mut callbacks, from.as_ref()));
        let history = training.finish(self);
        result.map(|()| history)
    }

    /// Runs `work` on this model inside its pool.
    fn with_threads<T: Send>(&mut self, work: impl FnOnce(&mut Model) -> T + Send) -> T {
        let threads = std::mem::replace(&mut self.threads, Threads::ambient());
        let result = threads.run_long(|| work(self));
        self.threads = threads;
        result
    }
}
