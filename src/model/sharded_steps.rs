//! Training steps on the shards of a batch, by one member or by several.

use super::Model;
use super::compiled::Training;
use super::constraints::ConstraintTape;
use super::matched_dataset::MatchedDataset;
use super::members::Members;
use super::message::{Message, MessageReader};
use super::plan::Plan;
use super::plan_cache::PlanCache;
use super::scoring::Means;
use super::shard_sums::ShardSums;
use super::shards::Shards;
use crate::error::{Error, Result};
use crate::kernels::spin_wait;
use crate::optimizers::Step;
use crate::random::Key;
use crate::tape::{Mode, Params};
use std::ops::Range;

/// A batch of training rows.
pub(super) struct Batch<'a> {
    pub(super) data: &'a MatchedDataset<'a>,
    pub(super) rows: &'a [usize],
    /// The array whose rows are numbered in errors.
    pub(super) rows_of: &'static str,
    pub(super) step: Step,
    /// The key of the draws.
    pub(super) key: Key,
}

impl Batch<'_> {
    /// Adds the row of the dataset to a fault.
    pub(super) fn located(&self, result: Result<()>) -> Result<()> {
        result.map_err(|error| error.in_rows(self.rows_of, |row| self.rows.get(row).copied()))
    }
}

/// What the steps on the shards of batches share.
#[derive(Debug)]
pub(super) struct ShardedSteps {
    pub(super) shards: Shards,
    /// The parameters for which the sums are. Freezing a layer replaces the parameters of a model.
    params: u64,
    pub(super) sums: ShardSums,
    pub(super) constraints: Option<ConstraintTape>,
    /// Whether a loss is a mean over positions that are only known from the data.
    counts_positions: bool,
    results: Vec<ShardResult>,
}

/// What the members know of each shard.
#[derive(Debug)]
struct ShardResult {
    /// The number of rows or positions over which each loss is a mean.
    positions: Vec<usize>,
    scores: Means,
    /// The source of the first NaN or infinite value if the loss is not finite.
    not_finite: Option<String>,
}

impl ShardedSteps {
    /// Creates the steps of a model. `plan` is a plan for a shard, and `means` are those of no batch.
    pub(super) fn new(model: &Model, shards: Shards, plan: &Plan, means: &Means) -> Result<ShardedSteps> {
        let outputs = model.trained_outputs().len();
        let result = || ShardResult { positions: vec![0; outputs], scores: means.clone(), not_finite: None };
        Ok(ShardedSteps {
            shards,
            params: model.params().identity(),
            sums: ShardSums::new(shards, model.params(), plan),
            constraints: ConstraintTape::record(&model.architecture)?,
            counts_positions: plan.counts_positions(model.trained_outputs()),
            results: (0..shards.0).map(|_| result()).collect(),
        })
    }

    /// Runs a training step.
    ///
    /// # Errors
    /// An operation encounters an invalid value on a member; the members cannot continue together.
    pub(super) fn run(
        &mut self,
        model: &mut Model,
        plans: &mut PlanCache,
        batch: &Batch<'_>,
        members: &mut Members<'_>,
    ) -> Result<()> {
        let own = members.own_part(self.shards.0);
        self.count_positions(model, plans, batch, own.clone(), members)?;
        let computed = spin_wait::with_spinning_threads(|| self.compute(model, plans, batch, own.clone()));
        self.share_results(batch.located(computed), own, members)?;
        if self.sums.updates_parts() {
            return self.update_parts(model, batch, members);
        }
        self.sums.finish(batch.rows.len(), members)?;
        spin_wait::with_spinning_threads(|| self.update(model, batch))
    }

    /// The number of shards.
    pub(super) fn shards(&self) -> Shards {
        self.shards
    }

    /// Whether the sums are for these parameters.
    pub(super) fn is_of(&self, params: &Params) -> bool {
        self.params == params.identity()
    }

    /// The scores of each shard, in order.
    pub(super) fn scores(&self) -> impl Iterator<Item = &Means> {
        self.results.iter().map(|result| &result.scores)
    }

    /// The source of the first NaN or infinite value if the loss is not finite.
    pub(super) fn not_finite(&mut self) -> Option<String> {
        self.results.iter_mut().find_map(|result| result.not_finite.take())
    }

    /// Counts the positions of the losses in each shard. They are known before the backward pass, since the gradients of a
    /// shard are divided by the number of positions in the batch.
    fn count_positions(
        &mut self,
        model: &Model,
        plans: &mut PlanCache,
        batch: &Batch<'_>,
        own: Range<usize>,
        members: &mut Members<'_>,
    ) -> Result<()> {
        for (shard, result) in self.results.iter_mut().enumerate() {
            result.positions.fill(self.shards.rows(shard, batch.rows.len()).len());
        }
        if !self.counts_positions {
            return Ok(());
        }
        let counted = model.architecture.check_params(); // a callback may have replaced them
        let counted = counted.and_then(|()| {
            own.clone().try_for_each(|shard| {
                let rows = self.shards.rows(shard, batch.rows.len());
                if rows.is_empty() {
                    return Ok(());
                }
                let (first, rows) = (rows.start, &batch.rows[rows]);
                let plan = plans.select(model, Mode::Training, batch.data, rows)?;
                batch.data.fill(rows, plan);
                let counts = &mut self.results[shard].positions;
                plan.count_positions(model.params(), batch.key, first, model.trained_outputs(), counts)
            })
        });
        let counts = |results: &[ShardResult]| {
            let counts = results.iter().flat_map(|result| &result.positions);
            counts.fold(Message::default(), |message, count| message.integer(*count as u64))
        };
        let (_, messages) = members.gather(batch.located(counted), |()| counts(&self.results[own]))?;
        for (member, message) in messages.iter().enumerate() {
            let (shards, mut reader) = (self.shards.of_member(member, messages.len()), MessageReader(message));
            let counts = self.results[shards].iter_mut().flat_map(|result| &mut result.positions);
            counts.for_each(|count| *count = reader.integer() as usize);
        }
        Ok(())
    }

    /// Computes the gradients, states and scores of the shards `own`, one after the other.
    fn compute(
        &mut self,
        model: &mut Model,
        plans: &mut PlanCache,
        batch: &Batch<'_>,
        own: Range<usize>,
    ) -> Result<()> {
        self.sums.clear();
        model.architecture.check_params()?; // a callback may have replaced them
        if !self.is_of(model.params()) {
            return Err(frozen());
        }
        for shard in own.clone() {
            self.results[shard].scores.clear();
            let rows = self.shards.rows(shard, batch.rows.len());
            if rows.is_empty() {
                self.sums.push(shard, None);
                continue;
            }
            let (first, rows) = (rows.start, &batch.rows[rows]);
            let plan = plans.select(model, Mode::Training, batch.data, rows)?;
            batch.data.fill(rows, plan);
            plan.set_factors(self.factors(shard, batch.rows.len()));
            plan.run_shard(model.params(), batch.key, first)?;
            let result = &mut self.results[shard];
            result.not_finite = plan.not_finite(model.params());
            plan.score(model.trained_outputs(), &mut result.scores);
            let Model { architecture, training, .. } = &mut *model;
            let Training { gradients, .. } = training.as_mut().ok_or(Error::NotCompiled { place: "fit" })?;
            plan.backward(architecture.params(), gradients);
            self.sums.push(shard, Some((gradients, plan)));
        }
        self.sums.complete(own);
        Ok(())
    }

    /// The factors of the losses that a shard minimizes: its part of the positions of each loss, its part of the rows, and 1 for
    /// the penalties on weights in the first shard with rows.
    fn factors(&self, shard: usize, rows: usize) -> impl Iterator<Item = f32> {
        let part = |own: usize, all: usize| if all == 0 { 0.0 } else { (own as f64 / all as f64) as f32 };
        let own = &self.results[shard].positions;
        let losses = own
            .iter()
            .enumerate()
            .map(move |(loss, count)| part(*count, self.results.iter().map(|result| result.positions[loss]).sum()));
        let own = self.shards.rows(shard, rows);
        losses.chain([part(own.len(), rows), if own.start == 0 { 1.0 } else { 0.0 }])
    }

    /// Sends the scores of the shards `own` to all members, and receives those of the other shards.
    fn share_results(&mut self, computed: Result<()>, own: Range<usize>, members: &mut Members<'_>) -> Result<()> {
        let write = |message: Message, result: &ShardResult| {
            let message = message.text(result.not_finite.as_deref().unwrap_or_default());
            result.scores.numbers().into_iter().fold(message, Message::number)
        };
        let (_, messages) = members.gather(computed, |()| self.results[own].iter().fold(Message::default(), write))?;
        for (member, message) in messages.iter().enumerate() {
            let (shards, mut reader) = (self.shards.of_member(member, messages.len()), MessageReader(message));
            for result in &mut self.results[shards] {
                result.not_finite = Some(reader.text()).filter(|text| !text.is_empty());
                result.scores.set_numbers(|| reader.number());
            }
        }
        Ok(())
    }

    /// Updates weights and states from the sums over all shards.
    fn update(&mut self, model: &mut Model, batch: &Batch<'_>) -> Result<()> {
        let Model { architecture, training, .. } = model;
        let training = training.as_mut().ok_or(Error::NotCompiled { place: "fit" })?;
        let Training { optimizer, gradients, counters, .. } = training;
        let params = architecture.params_mut();
        counters.step = batch.step.number;
        self.sums.write(self.shards.with_rows(batch.rows.len()), gradients, params);
        optimizer.update(batch.step, params, gradients);
        self.constraints.as_mut().map_or(Ok(()), |constraints| constraints.apply(params, batch.key))
    }
}

/// The error for a callback that changes the set of trained weights.
pub(super) fn frozen() -> Error {
    let problem = "a callback froze or unfroze a layer, but the members of an exchange train the same layers";
    Error::Graph { place: "fit".into(), problem: problem.into() }
}
