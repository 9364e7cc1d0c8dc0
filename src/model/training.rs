//! The training loop: epochs of steps, each on a batch of shuffled rows.

use super::Model;
use super::callbacks::{BatchEnd, Callbacks, EpochBegin, EpochEnd, Flow, Stop, TrainBegin, TrainEnd};
use super::checkpoint::Checkpoint;
use super::checkpoints::Checkpoints;
use super::compiled::{Counters, Training};
use super::evaluate::Evaluation;
use super::fit::Fit;
use super::matched_dataset::MatchedDataset;
use super::plan::Plan;
use super::plan_cache::PlanCache;
use super::reported_score::ReportedScore;
use super::scoring::{Means, blank_scores, reported};
use crate::data::{Batches, Dataset};
use crate::error::{Error, Result, check_setting};
use crate::kernels::spin_wait;
use crate::metrics::{Epoch, History, Scores};
use crate::optimizers::Step;
use crate::random::Purpose;
use crate::shape::Shape;
use crate::tape::Mode;
use std::time::Instant;

/// The state of a running `fit`, created before the first step.
pub(super) struct TrainingLoop<'a> {
    pub(super) data: MatchedDataset<'a>,
    pub(super) evaluation: Option<Evaluation<'a>>,
    pub(super) batches: Batches,
    plans: PlanCache,
    /// Number of epochs trained before this call.
    pub(super) start: u64,
    /// Number of the last epoch.
    pub(super) epochs: u64,
    pub(super) shuffle: bool,
    /// The number of batches in a group of rows that are sorted by size; 0 if they are not.
    pub(super) shuffle_by_length: usize,
    /// The reports of finished epochs, and of a part of an epoch if training stopped within it.
    pub(super) history: History,
    pub(super) current: Current,
    scores: Scores,
    pub(super) stop: Option<Stop>,
    pub(super) checkpoints: Option<Checkpoints>,
}

/// Progress within the current epoch.
pub(super) struct Current {
    /// Number of batches trained.
    pub(super) batch: usize,
    pub(super) means: Means,
    pub(super) seconds: f64,
    /// Learning rate of the last step.
    pub(super) learning_rate: f32,
}

impl<'a> TrainingLoop<'a> {
    pub(super) fn new(
        model: &Model,
        data: &'a dyn Dataset,
        validation: Option<&'a dyn Dataset>,
        settings: &Fit<'_>,
    ) -> Result<TrainingLoop<'a>> {
        model.compiled("fit")?;
        let data = MatchedDataset::new(model, data)?.by_classes(model, &settings.class_weights)?;
        check_setting(settings.batch_size > 0, "Fit", "batch_size", settings.batch_size, "at least 1")?;
        model.check_batch_size(settings.batch_size, data.len())?;
        let batches = Batches::new(data.len(), settings.batch_size)?;
        let means = Means::new(&model.architecture, model.trained_outputs());
        Ok(TrainingLoop {
            plans: first_plans(model, &batches, &data)?,
            evaluation: validation.map(|rows| model.evaluation(rows)).transpose()?,
            start: model.epoch(),
            epochs: model.epoch().saturating_add(settings.epochs as u64),
            shuffle: settings.shuffle,
            shuffle_by_length: settings.shuffle_by_length,
            history: History::default(),
            current: Current { batch: 0, means, seconds: 0.0, learning_rate: model.learning_rate() },
            scores: blank_scores(&model.architecture, model.trained_outputs()),
            stop: None,
            checkpoints: None,
            data,
            batches,
        })
    }

    /// Trains to the last epoch or until a callback stops training, from the beginning or from a checkpoint.
    pub(super) fn run(
        &mut self,
        model: &mut Model,
        callbacks: &mut Callbacks<'_>,
        from: Option<&Checkpoint>,
    ) -> Result<()> {
        let scores = self.reported(model);
        if let Some(checkpoints) = &mut self.checkpoints {
            checkpoints.check(&scores)?;
            model.description().check_closures()?;
        }
        if let Some(checkpoint) = from {
            self.resume(model, checkpoint)?;
            self.checkpoints.as_mut().map_or(Ok(()), |checkpoints| checkpoints.adopt(checkpoint))?;
        }
        let begin = TrainBegin {
            epoch: model.epoch().saturating_add(1),
            epochs: self.epochs,
            batch: self.current.batch,
            batches: self.batches.len(),
            scores: &scores,
            history: &self.history,
        };
        callbacks.train_begin(model, &begin)?;
        if let Some(checkpoint) = from {
            callbacks.restore(&checkpoint.record.states)?;
        }
        while self.stop.is_none() && model.epoch() < self.epochs {
            self.epoch(model, callbacks)?;
        }
        // Resumed training continues from the trained weights.
        if self.stop != Some(Stop::Paused) {
            model.finish_averages();
        }
        callbacks.train_end(model, &TrainEnd { history: &self.history, stop: self.stop })
    }

    /// The scores that each epoch reports.
    fn reported(&self, model: &Model) -> Vec<ReportedScore> {
        let mut scores = reported(&model.architecture, model.trained_outputs());
        if self.evaluation.is_some() {
            let validation = scores.iter().map(|score| ReportedScore { name: format!("val_{}", score.name), ..*score });
            scores.extend(validation.collect::<Vec<_>>());
        }
        scores
    }

    /// Trains an epoch from its first step, or from the point of interruption, to its end.
    fn epoch(&mut self, model: &mut Model, callbacks: &mut Callbacks<'_>) -> Result<()> {
        let (number, batches) = (model.epoch().saturating_add(1), self.batches.len());
        if self.current.batch == 0 {
            self.current.means.clear();
            self.current.seconds = 0.0;
            let begin = EpochBegin { epoch: number, epochs: self.epochs, batches, history: &self.history };
            callbacks.epoch_begin(model, &begin)?;
        }
        if self.shuffle {
            let Counters { key, epoch, .. } = model.compiled("fit")?.counters;
            let key = key.purpose(Purpose::Shuffle).split(epoch);
            match self.shuffle_by_length {
                groups if groups > 0 && self.data.has_open_rows() => {
                    self.batches.shuffle_by_length(key, groups, |row| self.data.row_length(row));
                }
                _ => self.batches.shuffle(key),
            }
        }
        self.steps(model, callbacks)?;
        if self.stop.is_some() {
            self.report(model, number, None);
            return Ok(());
        }
        model.compiled_mut("fit")?.counters.epoch += 1;
        self.current.batch = 0;
        let validation = self.evaluation.as_mut().map(|evaluation| {
            callbacks.validation_begin(model)?;
            evaluation.run(model, "validation dataset")?;
            callbacks.validation_end(model)?;
            Ok(evaluation.scores.clone())
        });
        self.report(model, number, validation.transpose()?);
        let (epochs, history) = (self.epochs, &self.history);
        let flow = history.epochs.last().map(|epoch| callbacks.epoch_end(model, &EpochEnd { epoch, epochs, history }));
        self.stop = flow.transpose()?.and_then(Flow::break_value);
        self.save(model, callbacks)
    }

    /// Appends the scores of the epoch and its validation to the history.
    fn report(&mut self, model: &Model, number: u64, validation: Option<Scores>) {
        self.current.means.write(model.trained_outputs(), &mut self.scores);
        let Current { seconds, learning_rate, .. } = self.current;
        self.history.epochs.push(Epoch { number, scores: self.scores.clone(), validation, seconds, learning_rate });
    }

    /// Trains the remaining steps of an epoch.
    fn steps(&mut self, model: &mut Model, callbacks: &mut Callbacks<'_>) -> Result<()> {
        let (batches, start, before) = (self.batches.len(), Instant::now(), self.current.seconds);
        for batch in self.current.batch..batches {
            let rows = self.batches.batch(batch);
            let plan = self.plans.select(model, Mode::Training, &self.data, rows)?;
            self.current.learning_rate = model.learning_rate();
            let trained = spin_wait::with_spinning_threads(|| {
                self.data.fill(rows, plan);
                model.train_step(plan, self.current.learning_rate)
            });
            trained.map_err(|error| error.in_rows("dataset", |row| rows.get(row).copied()))?;
            let loss = plan.score(model.trained_outputs(), &mut self.current.means);
            self.current.batch = batch + 1;
            if !callbacks.is_empty() {
                self.current.means.write(model.trained_outputs(), &mut self.scores);
                let (epoch, epochs) = (model.epoch().saturating_add(1), self.epochs);
                let (not_finite, scores) = (plan.not_finite(), &self.scores);
                let end = BatchEnd { epoch, epochs, batch: batch + 1, batches, loss, not_finite, scores };
                self.stop = callbacks.batch_end(model, &end)?.break_value();
            }
            let due = self.checkpoints.as_ref().is_some_and(|checkpoints| checkpoints.is_due(model.step()));
            if due || self.stop.is_some() {
                self.current.seconds = before + start.elapsed().as_secs_f64();
                self.save(model, callbacks)?;
            }
            if self.stop.is_some() {
                return Ok(());
            }
        }
        self.current.seconds = before + start.elapsed().as_secs_f64();
        Ok(())
    }

    /// Writes a checkpoint, if `fit` has a folder for them.
    fn save(&mut self, model: &Model, callbacks: &Callbacks<'_>) -> Result<()> {
        let Some(mut checkpoints) = self.checkpoints.take() else { return Ok(()) };
        let saved = self.checkpoint(model, callbacks).and_then(|checkpoint| checkpoints.save(&checkpoint));
        self.checkpoints = Some(checkpoints);
        saved
    }

    /// Returns the plans to the model for later calls, and the history.
    pub(super) fn finish(self, model: &Model) -> History {
        self.evaluation.map_or_else(PlanCache::default, Evaluation::into_plans).return_to(model);
        self.plans.return_to(model);
        self.history
    }
}

/// Records the plans that are known to be needed before the first step: for full batches and, if its size differs, the last
/// batch. If rows differ in size, these are batches with the largest row, and other plans are recorded when their sizes first
/// occur.
fn first_plans(model: &Model, batches: &Batches, data: &MatchedDataset<'_>) -> Result<PlanCache> {
    let elements = |(_, inputs): &&(usize, Vec<Shape>)| inputs.iter().map(Shape::len).fold(0, usize::saturating_add);
    let largest = data.variants().iter().max_by_key(elements).map_or(0, |(row, _)| *row);
    let rows = |batch: usize| vec![largest; batches.batch(batch).len()];
    let (full, last) = (rows(0), rows(batches.len() - 1));
    model.take_plans(Mode::Training, &[&full, &last], data)
}

impl Model {
    /// Runs a training step on the batch in the plan: forward, backward, update. If an operation encounters an invalid
    /// value, the model does not change.
    pub(super) fn train_step(&mut self, plan: &mut Plan, rate: f32) -> Result<()> {
        self.architecture.check_params()?; // a callback may have replaced them
        let training = self.training.as_mut().ok_or(Error::NotCompiled { place: "fit" })?;
        let step = training.counters.step.saturating_add(1);
        let key = training.counters.key.purpose(Purpose::Step).split(step);
        training.optimizer.set_averaged(self.architecture.params_mut(), false);
        plan.run(self.architecture.params(), key)?;
        plan.find_not_finite(self.architecture.params());
        let Training { optimizer, gradients, counters, .. } = training;
        counters.step = step;
        plan.update(Step::new(step, rate), optimizer, self.architecture.params_mut(), gradients, key)?;
        Ok(())
    }
}
