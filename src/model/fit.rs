//! Training: epochs of steps, each on a batch of shuffled rows.

use super::Model;
use super::callbacks::{BatchEnd, Callback, EpochEnd, Progress};
use super::evaluate::{Evaluation, select};
use super::plan::{Means, Plan, blank_scores, target_shape};
use crate::data::{self, Batches, Dataset};
use crate::error::Result;
use crate::metrics::{Epoch, History, Scores};
use crate::random::Purpose;
use crate::tape::Mode;
use std::ops::ControlFlow;
use std::time::Instant;

/// How long and on what a model is trained, with Keras' defaults.
///
/// ```
/// use gradus::{Fit, Progress};
/// let settings = Fit::new().epochs(50).batch_size(128).validation_split(0.1).progress(Progress::Quiet);
/// ```
pub struct Fit<'a> {
    epochs: usize,
    batch_size: usize,
    shuffle: bool,
    validation: Option<&'a dyn Dataset>,
    validation_split: f64,
    progress: Progress,
    callbacks: Vec<&'a mut dyn Callback>,
}

impl Default for Fit<'_> {
    fn default() -> Self {
        Fit::new()
    }
}

impl<'a> Fit<'a> {
    /// One epoch of batches of 32 in shuffled order, without validation.
    pub fn new() -> Fit<'a> {
        Fit {
            epochs: 1,
            batch_size: 32,
            shuffle: true,
            validation: None,
            validation_split: 0.0,
            progress: Progress::Auto,
            callbacks: Vec::new(),
        }
    }

    /// How often every row is seen.
    pub fn epochs(mut self, epochs: usize) -> Fit<'a> {
        self.epochs = epochs;
        self
    }

    /// How many rows a step sees. The last batch of an epoch may be smaller.
    pub fn batch_size(mut self, batch_size: usize) -> Fit<'a> {
        self.batch_size = batch_size;
        self
    }

    /// Whether rows come in another order in each epoch.
    pub fn shuffle(mut self, shuffle: bool) -> Fit<'a> {
        self.shuffle = shuffle;
        self
    }

    /// Evaluates these rows after each epoch.
    pub fn validation(mut self, data: &'a dyn Dataset) -> Fit<'a> {
        self.validation = Some(data);
        self
    }

    /// Sets the last rows aside for validation: this share of them. A [`validation`](Fit::validation) set goes first.
    pub fn validation_split(mut self, fraction: f64) -> Fit<'a> {
        self.validation_split = fraction;
        self
    }

    /// What is shown on standard error.
    pub fn progress(mut self, progress: Progress) -> Fit<'a> {
        self.progress = progress;
        self
    }

    /// Tells a callback about batches and epochs.
    pub fn callback(mut self, callback: &'a mut dyn Callback) -> Fit<'a> {
        self.callbacks.push(callback);
        self
    }
}

impl Model {
    /// Trains on every row of a dataset, `epochs` times. Returns what each epoch reported.
    ///
    /// Two calls with 2 epochs each end with the same bits as one call with 4.
    ///
    /// # Errors
    /// Inputs or targets that do not fit the model, labels that are not classes, an empty dataset, settings out of range:
    /// all before the first step.
    pub fn fit(&mut self, data: &dyn Dataset, settings: Fit<'_>) -> Result<History> {
        if settings.validation.is_some() || settings.validation_split == 0.0 {
            let validation = settings.validation;
            return self.fit_rows(data, validation, settings);
        }
        let (training, validation) = data::validation_split(data, settings.validation_split)?;
        self.fit_rows(&training, Some(&validation), settings)
    }

    fn fit_rows(&mut self, data: &dyn Dataset, validation: Option<&dyn Dataset>, settings: Fit<'_>) -> Result<History> {
        self.check_data(data)?;
        let batches = Batches::new(data.len(), settings.batch_size)?;
        let mut run = Run {
            plans: self.take_plans(Mode::Training, &batches, target_shape(data.target()))?,
            evaluation: validation
                .map(|rows| self.evaluation(rows).map(|evaluation| (rows, evaluation)))
                .transpose()?,
            means: Means::new(&self.metrics),
            scores: blank_scores(&self.metrics),
            epochs: self.epoch.saturating_add(settings.epochs as u64),
            shuffle: settings.shuffle,
            data,
            batches,
        };
        let mut progress = settings.progress.callback();
        let mut callbacks: Vec<&mut dyn Callback> = Vec::new();
        if let Some(progress) = &mut progress {
            callbacks.push(progress.as_mut());
        }
        for callback in settings.callbacks {
            callbacks.push(callback);
        }
        let history = self.with_threads(|model| run.train(model, &mut callbacks));
        run.finish(self);
        Ok(history)
    }

    /// Runs `work` on this model inside its pool.
    fn with_threads<T: Send>(&mut self, work: impl FnOnce(&mut Model) -> T + Send) -> T {
        let threads = std::mem::replace(&mut self.threads, super::Threads::ambient());
        let result = threads.run_long(|| work(self));
        self.threads = threads;
        result
    }
}

/// Everything that training needs, made before the first step.
struct Run<'a> {
    data: &'a dyn Dataset,
    evaluation: Option<(&'a dyn Dataset, Evaluation)>,
    batches: Batches,
    plans: Vec<Plan>,
    means: Means,
    scores: Scores,
    /// The number of the last epoch.
    epochs: u64,
    shuffle: bool,
}

impl Run<'_> {
    fn train(&mut self, model: &mut Model, callbacks: &mut [&mut dyn Callback]) -> History {
        let mut history = History::default();
        while model.epoch < self.epochs {
            let (epoch, mut flow) = self.epoch(model, callbacks);
            for callback in callbacks.iter_mut() {
                let told = callback.epoch_end(&EpochEnd { epoch: &epoch, epochs: self.epochs });
                flow = if told.is_break() { told } else { flow };
            }
            history.epochs.push(epoch);
            if flow.is_break() {
                break;
            }
        }
        history
    }

    fn epoch(&mut self, model: &mut Model, callbacks: &mut [&mut dyn Callback]) -> (Epoch, ControlFlow<()>) {
        if self.shuffle {
            self.batches.shuffle(model.key.purpose(Purpose::Shuffle).split(model.epoch));
        }
        let (number, rate, start) = (model.epoch + 1, model.optimizer.learning_rate(), Instant::now());
        self.means.clear();
        let flow = self.steps(model, number, rate, callbacks);
        let seconds = start.elapsed().as_secs_f64();
        self.means.write(&mut self.scores);
        let mut validation = None;
        if flow.is_continue() {
            model.epoch += 1;
            validation = self.evaluation.as_mut().map(|(data, evaluation)| {
                evaluation.run(model, *data);
                evaluation.scores.clone()
            });
        }
        (Epoch { number, scores: self.scores.clone(), validation, seconds, learning_rate: rate }, flow)
    }

    fn steps(
        &mut self,
        model: &mut Model,
        epoch: u64,
        rate: f32,
        callbacks: &mut [&mut dyn Callback],
    ) -> ControlFlow<()> {
        for batch in 0..self.batches.len() {
            let rows = self.batches.batch(batch);
            let plan = select(&mut self.plans, rows.len());
            let [inputs, targets] = plan.batch_mut();
            self.data.gather(rows, inputs, targets);
            model.train_step(plan, rate);
            plan.score(&model.metrics, &mut self.means);
            if callbacks.is_empty() {
                continue;
            }
            self.means.write(&mut self.scores);
            let (batch, batches) = (batch + 1, self.batches.len());
            let end = BatchEnd { epoch, epochs: self.epochs, batch, batches, scores: &self.scores };
            callbacks.iter_mut().try_for_each(|callback| callback.batch_end(&end))?;
        }
        ControlFlow::Continue(())
    }

    /// Gives the plans back, so that the next call need not record.
    fn finish(self, model: &Model) {
        let evaluated = self.evaluation.map_or(Vec::new(), |(_, evaluation)| evaluation.into_plans());
        self.plans.into_iter().chain(evaluated).for_each(|plan| model.plans.keep(plan));
    }
}

impl Model {
    /// One step on the batch that stands in the plan: forward, backward, update.
    fn train_step(&mut self, plan: &mut Plan, rate: f32) {
        let step = self.step + 1;
        plan.run(&self.params, self.key.purpose(Purpose::Step).split(step));
        if plan.tape.learns() {
            plan.tape.backward(&self.params, &mut self.gradients);
        }
        plan.tape.commit(&mut self.params);
        self.memory.update(self.optimizer.as_ref(), step, rate, &mut self.params, &self.gradients);
        self.step = step;
    }
}
