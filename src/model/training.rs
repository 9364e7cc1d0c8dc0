//! The training loop: epochs of steps, each on a batch of shuffled rows.

use super::Model;
use super::callbacks::{BatchEnd, Callbacks, EpochBegin, EpochEnd, Flow, Stop, TrainBegin, TrainEnd};
use super::checkpoint::Checkpoint;
use super::checkpoints::Checkpoints;
use super::compiled::Counters;
use super::evaluate::Evaluation;
use super::fit::Fit;
use super::matched_dataset::MatchedDataset;
use super::members::Members;
use super::plan_cache::PlanCache;
use super::reported_score::ReportedScore;
use super::scoring::{Means, blank_scores, reported};
use super::shards::{MAX_SHARDS, Shards};
use super::steps::Steps;
use crate::data::{Batches, Dataset};
use crate::error::{Error, Result, check_setting};
use crate::metrics::{Epoch, History, Scores};
use crate::random::Purpose;
use std::time::Instant;

/// The state of a running `fit`, created before the first step.
pub(super) struct TrainingLoop<'a> {
    pub(super) data: MatchedDataset<'a>,
    pub(super) evaluation: Option<Evaluation<'a>>,
    pub(super) batches: Batches,
    pub(super) shards: Shards,
    steps: Steps,
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
    /// Whether the state of the optimizer is divided among the members.
    pub(super) sharded_state: bool,
    /// Whether the first member uses the state of the optimizer when an epoch ends.
    collects: bool,
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
        members: &Members<'_>,
    ) -> Result<TrainingLoop<'a>> {
        model.compiled("fit")?;
        let data = MatchedDataset::new(model, data)?.by_classes(model, &settings.class_weights)?;
        check_setting(settings.batch_size > 0, "Fit", "batch_size", settings.batch_size, "at least 1")?;
        let in_range = (1..=MAX_SHARDS / model.shards()).contains(&settings.accumulate);
        let expected = "at least 1, and at most 65536 divided by the number of shards";
        check_setting(in_range, "Fit", "accumulate", settings.accumulate, expected)?;
        model.check_batch_size(settings.batch_size, data.len())?;
        if model.shards() > settings.batch_size {
            let rows = settings.batch_size;
            let problem = format!("batch_size is {rows}, expected at least {}, the number of shards", model.shards());
            return Err(Error::Graph { place: "fit".into(), problem: problem.into() });
        }
        // Accumulated batches are shards of one batch.
        let batches = Batches::new(data.len(), settings.batch_size.saturating_mul(settings.accumulate))?;
        let shards = Shards(model.shards().saturating_mul(settings.accumulate));
        let sizes = [batches.batch(0).len(), batches.batch(batches.len() - 1).len()];
        let steps = Steps::new(model, &data, &sizes, shards, members, "dataset")?;
        Ok(TrainingLoop {
            evaluation: validation.map(|rows| model.evaluation(rows)).transpose()?,
            start: model.epoch(),
            epochs: model.epoch().saturating_add(settings.epochs as u64),
            shuffle: settings.shuffle,
            shuffle_by_length: settings.shuffle_by_length,
            history: History::default(),
            current: Current {
                batch: 0,
                means: steps.means.clone(),
                seconds: 0.0,
                learning_rate: model.learning_rate(),
            },
            scores: blank_scores(&model.architecture, model.trained_outputs()),
            stop: None,
            checkpoints: None,
            sharded_state: settings.sharded_optimizer_state && !members.is_alone(),
            collects: false,
            data,
            batches,
            shards,
            steps,
        })
    }

    /// Trains to the last epoch or until a callback stops training, from the beginning or from a checkpoint.
    pub(super) fn run(
        &mut self,
        model: &mut Model,
        callbacks: &mut Callbacks<'_>,
        from: Option<&Checkpoint>,
        members: &mut Members<'_>,
    ) -> Result<()> {
        let trained = self.epochs(model, callbacks, from, members);
        // Also after an error of a member, which all members have.
        let collected = self.steps.collect_state(model, members, None);
        trained.and(collected)?;
        // Resumed training continues from the trained weights.
        if self.stop != Some(Stop::Paused) {
            model.finish_averages();
        }
        let ended = callbacks.train_end(model, &TrainEnd { history: &self.history, stop: self.stop });
        self.follow(model, ended.map(|()| true), members).map(|_| ())
    }

    /// Trains all epochs.
    fn epochs(
        &mut self,
        model: &mut Model,
        callbacks: &mut Callbacks<'_>,
        from: Option<&Checkpoint>,
        members: &mut Members<'_>,
    ) -> Result<()> {
        let begun = self.begin(model, callbacks, from, members);
        self.collects = self.follow(model, begun, members)?;
        self.divide(model, members)?;
        while self.stop.is_none() && model.epoch() < self.epochs {
            self.epoch(model, callbacks, members)?;
        }
        Ok(())
    }

    /// Divides the state of the optimizer among the members, if it should be.
    fn divide(&mut self, model: &mut Model, members: &Members<'_>) -> Result<()> {
        if self.sharded_state { self.steps.divide_state(model, members) } else { Ok(()) }
    }

    /// Begins at the first step or at that of a checkpoint.
    /// Returns whether the state of the optimizer is used when an epoch ends.
    fn begin(
        &mut self,
        model: &mut Model,
        callbacks: &mut Callbacks<'_>,
        from: Option<&Checkpoint>,
        members: &Members<'_>,
    ) -> Result<bool> {
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
            shards: self.shards.0,
            members: members.count(),
            sharded_optimizer_state: self.sharded_state,
        };
        callbacks.train_begin(model, &begin)?;
        if let Some(checkpoint) = from {
            callbacks.restore(&checkpoint.record.states)?;
        }
        Ok(self.checkpoints.is_some() || !callbacks.is_empty())
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
    fn epoch(&mut self, model: &mut Model, callbacks: &mut Callbacks<'_>, members: &mut Members<'_>) -> Result<()> {
        let (number, batches) = (model.epoch().saturating_add(1), self.batches.len());
        if self.current.batch == 0 {
            self.current.means.clear();
            self.current.seconds = 0.0;
            let begin = EpochBegin { epoch: number, epochs: self.epochs, batches, history: &self.history };
            let begun = callbacks.epoch_begin(model, &begin);
            self.follow(model, begun.map(|()| true), members)?;
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
        self.steps(model, callbacks, members)?;
        if self.stop.is_some() {
            self.report(model, number, None);
            return Ok(());
        }
        model.compiled_mut("fit")?.counters.epoch += 1;
        self.current.batch = 0;
        let validation = self.validate(model, callbacks, members)?;
        self.report(model, number, validation);
        if self.collects {
            self.steps.collect_state(model, members, Some(0))?;
        }
        let ended = self.epoch_end(model, callbacks);
        self.follow(model, ended, members)?;
        let saved = self.save(model, callbacks).and_then(|()| self.divide(model, members));
        members.compare_weights(model, saved)
    }

    /// The scores on the validation dataset, if there is one.
    fn validate(
        &mut self,
        model: &mut Model,
        callbacks: &mut Callbacks<'_>,
        members: &mut Members<'_>,
    ) -> Result<Option<Scores>> {
        let Some(mut evaluation) = self.evaluation.take() else { return Ok(None) };
        let begun = callbacks.validation_begin(model);
        self.follow(model, begun.map(|()| true), members)?;
        evaluation.run(model, "validation dataset", members)?;
        let ended = callbacks.validation_end(model);
        self.follow(model, ended.map(|()| true), members)?;
        Ok(Some(self.evaluation.insert(evaluation).scores.clone()))
    }

    fn epoch_end(&mut self, model: &mut Model, callbacks: &mut Callbacks<'_>) -> Result<bool> {
        let (epochs, history) = (self.epochs, &self.history);
        let flow = history.epochs.last().map(|epoch| callbacks.epoch_end(model, &EpochEnd { epoch, epochs, history }));
        self.stop = flow.transpose()?.and_then(Flow::break_value);
        Ok(true)
    }

    /// Appends the scores of the epoch and its validation to the history.
    fn report(&mut self, model: &Model, number: u64, validation: Option<Scores>) {
        self.current.means.write(model.trained_outputs(), &mut self.scores);
        let Current { seconds, learning_rate, .. } = self.current;
        self.history.epochs.push(Epoch { number, scores: self.scores.clone(), validation, seconds, learning_rate });
    }

    /// Trains the remaining steps of an epoch.
    fn steps(&mut self, model: &mut Model, callbacks: &mut Callbacks<'_>, members: &mut Members<'_>) -> Result<()> {
        let (batches, start, before) = (self.batches.len(), Instant::now(), self.current.seconds);
        for batch in self.current.batch..batches {
            let rows = self.batches.batch(batch);
            self.current.learning_rate = model.learning_rate();
            self.steps.run(model, &self.data, rows, members)?;
            self.current.means.add(&self.steps.means);
            self.current.batch = batch + 1;
            let due = self.batch_end(model, callbacks);
            let due = self.follow(model, due, members)?;
            if due || self.stop.is_some() {
                self.current.seconds = before + start.elapsed().as_secs_f64();
                if self.collects {
                    self.steps.collect_state(model, members, Some(0))?;
                }
                let saved = self.save(model, callbacks).and_then(|()| self.divide(model, members));
                members.compare_weights(model, saved)?;
            }
            if self.stop.is_some() {
                return Ok(());
            }
        }
        self.current.seconds = before + start.elapsed().as_secs_f64();
        Ok(())
    }

    /// Calls the callbacks after a step. Returns whether a checkpoint is due.
    fn batch_end(&mut self, model: &mut Model, callbacks: &mut Callbacks<'_>) -> Result<bool> {
        if !callbacks.is_empty() {
            self.current.means.write(model.trained_outputs(), &mut self.scores);
            let end = BatchEnd {
                epoch: model.epoch().saturating_add(1),
                epochs: self.epochs,
                batch: self.current.batch,
                batches: self.batches.len(),
                loss: self.steps.means.losses.value(model.trained_outputs()),
                not_finite: self.steps.not_finite.as_deref(),
                scores: &self.scores,
            };
            self.stop = callbacks.batch_end(model, &end)?.break_value();
        }
        Ok(self.checkpoints.as_ref().is_some_and(|checkpoints| checkpoints.is_due(model.step())))
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
        self.steps.return_to(model);
        self.history
    }
}
