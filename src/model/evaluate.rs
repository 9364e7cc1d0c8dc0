//! Evaluation: the loss and the metrics over a dataset, without training.

use super::Model;
use super::matched_dataset::MatchedDataset;
use super::members::Members;
use super::message::{Message, MessageReader};
use super::plan::{Kind, Plan};
use super::plan_cache::PlanCache;
use super::scoring::{Means, blank_scores};
use super::shards::part;
use crate::data::Dataset;
use crate::error::Result;
use crate::exchange::Exchange;
use crate::metrics::Scores;
use crate::random::Key;
use crate::tape::Mode;

/// Batch size of inference. Predictions do not depend on it.
pub(super) const ROWS: usize = 128;

impl Model {
    /// Computes the mean loss and the metrics over all rows of a dataset. Rows that differ in size along open axes are not
    /// padded; rows of the same size are evaluated together.
    ///
    /// # Errors
    /// Inputs or targets do not fit the model, labels are not classes, or the dataset is empty. [`Error::Fault`] if an
    /// operation encounters an invalid value, such as an index out of range. [`Error::NotCompiled`] if the model has no
    /// loss.
    ///
    /// [`Error::Fault`]: crate::Error::Fault
    /// [`Error::NotCompiled`]: crate::Error::NotCompiled
    pub fn evaluate(&self, data: &dyn Dataset) -> Result<Scores> {
        self.evaluate_by(data, Members::default())
    }

    /// Computes the scores of [`evaluate`](Model::evaluate) together with the other members of an exchange, to the same bits.
    /// All members call it, with equal models and datasets. A member reads the inputs of its part of the rows.
    ///
    /// # Errors
    /// Those of [`evaluate`](Model::evaluate), and [`Error::Member`] for an error of another member.
    ///
    /// [`Error::Member`]: crate::Error::Member
    pub fn evaluate_with(&self, data: &dyn Dataset, exchange: &mut dyn Exchange) -> Result<Scores> {
        self.evaluate_by(data, Members::new(Some(exchange)))
    }

    fn evaluate_by(&self, data: &dyn Dataset, mut members: Members<'_>) -> Result<Scores> {
        let mut evaluation = members.agree(self.evaluation(data))?;
        let result = self.threads.run(|| evaluation.run(self, "dataset", &mut members));
        let scores = evaluation.scores.clone();
        evaluation.into_plans().return_to(self);
        result.map(|()| scores)
    }

    /// Checks the dataset, and takes or records the plans for it.
    pub(super) fn evaluation<'a>(&self, data: &'a dyn Dataset) -> Result<Evaluation<'a>> {
        self.compiled("evaluate")?;
        let matched = MatchedDataset::new(self, data)?;
        let batches = self.inference_batches(&matched)?;
        let sizes = [&batches[0], &batches[batches.len() - 1]].map(Vec::as_slice);
        let mut plans = PlanCache::default();
        sizes.iter().try_for_each(|rows| plans.select(self, Mode::Inference, &matched, rows).map(|_| ()))?;
        let means = Means::new(&self.architecture, self.trained_outputs());
        let scores = blank_scores(&self.architecture, self.trained_outputs());
        Ok(Evaluation { matched, batches, plans, batch: means.clone(), means, scores })
    }

    /// Takes or records a plan of this kind.
    ///
    /// # Errors
    /// The parameters are not those of the layers, or the plan cannot be recorded.
    pub(super) fn take_plan(&self, kind: Kind) -> Result<Plan> {
        self.architecture.check_params()?;
        let record = |kind| Plan::record(&self.architecture, self.trained_outputs(), kind);
        self.plans.take(kind, record)
    }
}

/// An evaluation that can run repeatedly.
pub(super) struct Evaluation<'a> {
    pub(super) matched: MatchedDataset<'a>,
    batches: Vec<Vec<usize>>,
    plans: PlanCache,
    /// The scores of a batch.
    batch: Means,
    means: Means,
    pub(super) scores: Scores,
}

impl Evaluation<'_> {
    /// Computes the scores. `name` names the dataset in errors. Each member evaluates a part of the batches; if states are
    /// carried from batch to batch, each evaluates all.
    pub(super) fn run(&mut self, model: &Model, name: &'static str, members: &mut Members<'_>) -> Result<()> {
        members.agree(model.architecture.check_params())?; // a callback may have replaced them
        self.means.clear();
        let mut carried = model.carried_params();
        let all = members.is_alone() || carried.is_some();
        let own = if all { 0..self.batches.len() } else { members.own_part(self.batches.len()) };
        let mut message = Message::default();
        let computed = own.clone().try_for_each(|batch| {
            let rows = &self.batches[batch];
            let plan = self.plans.select(model, Mode::Inference, &self.matched, rows)?;
            self.matched.fill(rows, plan);
            let params = carried.as_ref().unwrap_or(model.architecture.params());
            let result = plan.run(params, Key::from_seed(0));
            result.map_err(|error| error.in_rows(name, |row| rows.get(row).copied()))?;
            if let Some(params) = &mut carried {
                plan.commit(params);
            }
            self.batch.clear();
            plan.score(model.trained_outputs(), &mut self.batch);
            match all {
                true => self.means.add(&self.batch),
                false => message = self.batch.numbers().into_iter().fold(std::mem::take(&mut message), Message::number),
            }
            Ok(())
        });
        let (_, messages) = members.gather(computed, |()| message)?;
        for (member, message) in messages.iter().enumerate().filter(|_| !all) {
            let mut reader = MessageReader(message);
            for _ in part(member, messages.len(), self.batches.len()) {
                self.batch.set_numbers(|| reader.number());
                self.means.add(&self.batch);
            }
        }
        self.means.write(model.trained_outputs(), &mut self.scores);
        Ok(())
    }

    pub(super) fn into_plans(self) -> PlanCache {
        self.plans
    }
}
