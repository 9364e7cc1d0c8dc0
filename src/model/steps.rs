//! Training steps: forward, backward and update on a batch, as a whole or in shards.

use super::Model;
use super::compiled::Training;
use super::matched_dataset::MatchedDataset;
use super::members::Members;
use super::plan_cache::PlanCache;
use super::scoring::Means;
use super::sharded_steps::{Batch, ShardedSteps};
use super::shards::Shards;
use crate::error::{Error, Result};
use crate::kernels::spin_wait;
use crate::optimizers::Step;
use crate::random::Purpose;
use crate::tape::Mode;

/// The training steps of a call, with their plans.
#[derive(Debug)]
pub(super) struct Steps {
    plans: PlanCache,
    /// `None` if a batch is one whole and there is no exchange.
    pub(super) shards: Option<ShardedSteps>,
    /// The array whose rows are numbered in errors: `dataset` or `batch`.
    rows_of: &'static str,
    /// The scores of the batch.
    pub(super) means: Means,
    /// The source of the first NaN or infinite value if the loss of the batch is not finite.
    pub(super) not_finite: Option<String>,
}

impl Steps {
    /// Records the plans for batches of these sizes. `rows_of` is the array whose rows are numbered in errors: `dataset` or
    /// `batch`.
    ///
    /// # Errors
    /// A plan cannot be recorded; several shards of a model with stateful layers.
    pub(super) fn new(
        model: &Model,
        data: &MatchedDataset<'_>,
        sizes: &[usize],
        shards: Shards,
        members: &Members<'_>,
        rows_of: &'static str,
    ) -> Result<Steps> {
        model.check_state("fit")?;
        let divided = shards != Shards(1);
        if divided && model.params().carried_rows().is_some() {
            let problem =
                "the model has stateful layers, whose states belong to the rows of a whole batch; use one shard";
            return Err(Error::Graph { place: "Compile::shards".into(), problem: problem.into() });
        }
        let means = Means::new(&model.architecture, model.trained_outputs());
        let in_shards = divided || !members.is_alone();
        let mut plans = PlanCache::new(in_shards);
        let (largest, mut sharded) = (data.largest_row(), None);
        for rows in sizes.iter().flat_map(|rows| shards.sizes(*rows)) {
            let plan = plans.select(model, Mode::Training, data, &vec![largest; rows])?;
            if in_shards && sharded.is_none() {
                sharded = Some(ShardedSteps::new(model, shards, plan, &means)?);
            }
        }
        Ok(Steps { plans, shards: sharded, rows_of, means, not_finite: None })
    }

    /// Runs a training step on these rows, and scores them. If an operation encounters an invalid value on any member, no model
    /// changes.
    ///
    /// # Errors
    /// [`Error::Fault`], or an error of another member.
    pub(super) fn run(
        &mut self,
        model: &mut Model,
        data: &MatchedDataset<'_>,
        rows: &[usize],
        members: &mut Members<'_>,
    ) -> Result<()> {
        let (rate, counters) = (model.learning_rate(), model.compiled("fit")?.counters);
        let number = counters.step.saturating_add(1);
        let (step, key) = (Step::new(number, rate), counters.key.purpose(Purpose::Step).split(number));
        let Steps { plans, shards, rows_of, means, not_finite } = self;
        let batch = Batch { data, rows, rows_of, step, key };
        means.clear();
        *not_finite = None;
        if let Model { architecture, training: Some(training), .. } = &mut *model {
            training.optimizer.set_averaged(architecture.params_mut(), false);
        }
        let Some(shards) = shards else {
            model.architecture.check_params()?; // a callback may have replaced them
            let plan = plans.select(model, Mode::Training, data, rows)?;
            let trained = spin_wait::with_spinning_threads(|| {
                data.fill(rows, plan);
                plan.run(model.params(), key)?;
                *not_finite = plan.not_finite(model.params());
                let Model { architecture, training, .. } = model;
                let training = training.as_mut().ok_or(Error::NotCompiled { place: "fit" })?;
                let Training { optimizer, gradients, counters, .. } = training;
                counters.step = number;
                plan.update(step, optimizer, architecture.params_mut(), gradients, key)
            });
            batch.located(trained)?;
            plan.score(model.trained_outputs(), means);
            return Ok(());
        };
        if members.is_alone() && !shards.is_of(model.params()) {
            let size = shards.shards().sizes(rows.len())[0];
            let plan = plans.select(model, Mode::Training, data, &rows[..size])?;
            *shards = ShardedSteps::new(model, shards.shards(), plan, means)?;
        }
        shards.run(model, plans, &batch, members)?;
        shards.scores().for_each(|shard| means.add(shard));
        *not_finite = shards.not_finite();
        Ok(())
    }

    /// Returns the plans to the model for later calls.
    pub(super) fn return_to(self, model: &Model) {
        self.plans.return_to(model);
    }
}
