//! Evaluation: the loss and the metrics over a dataset, without learning.

use super::Model;
use super::feed::Feed;
use super::plan::{Kind, Plan};
use super::scoring::{Means, blank_scores};
use crate::data::{Batches, Dataset};
use crate::error::Result;
use crate::metrics::Scores;
use crate::random::Key;
use crate::tape::Mode;

/// Rows in a batch while inferring. A row's prediction does not depend on it.
pub(super) const ROWS: usize = 128;

impl Model {
    /// The mean loss and metrics over all rows of a dataset.
    ///
    /// # Errors
    /// Inputs or targets that do not fit the model, labels that are not classes, an empty dataset; [`Error::Fault`] where
    /// an operation meets a value with which it cannot compute, such as an index out of range.
    ///
    /// [`Error::Fault`]: crate::Error::Fault
    pub fn evaluate(&self, data: &dyn Dataset) -> Result<Scores> {
        let mut evaluation = self.evaluation(data)?;
        let result = self.threads.run(|| evaluation.run(self, "dataset"));
        let scores = evaluation.scores.clone();
        evaluation.into_plans().into_iter().for_each(|plan| self.plans.keep(plan));
        result.map(|()| scores)
    }

    /// Checks the dataset and records or takes the plans for it.
    pub(super) fn evaluation<'a>(&self, data: &'a dyn Dataset) -> Result<Evaluation<'a>> {
        let feed = Feed::new(self, data)?;
        let batches = Batches::new(data.len(), ROWS)?;
        let plans = self.take_plans(Mode::Inference, &batches, &feed)?;
        let (means, scores) = (Means::new(&self.network, &self.heads), blank_scores(&self.network, &self.heads));
        Ok(Evaluation { feed, batches, plans, means, scores })
    }

    /// Plans for the full batches and, if its size differs, for the last one.
    pub(super) fn take_plans(&self, mode: Mode, batches: &Batches, feed: &Feed<'_>) -> Result<Vec<Plan>> {
        let mut sizes = vec![batches.batch(0).len(), batches.batch(batches.len() - 1).len()];
        sizes.dedup();
        sizes.into_iter().map(|rows| self.take_plan(feed.kind(mode, rows))).collect()
    }

    /// A plan of this kind.
    pub(super) fn take_plan(&self, kind: Kind) -> Result<Plan> {
        let record = |kind| Plan::record(&self.network, &self.params, &self.heads, kind);
        self.plans.take(kind, record)
    }
}

/// An evaluation that can be run again.
pub(super) struct Evaluation<'a> {
    pub(super) feed: Feed<'a>,
    batches: Batches,
    plans: Vec<Plan>,
    means: Means,
    pub(super) scores: Scores,
}

impl Evaluation<'_> {
    /// Computes the scores. `name` says in errors what the rows belong to.
    pub(super) fn run(&mut self, model: &Model, name: &'static str) -> Result<()> {
        self.means.clear();
        for rows in self.batches.iter() {
            let plan = select(&mut self.plans, rows.len());
            self.feed.fill(rows, plan);
            let result = plan.run(&model.params, Key::from_seed(0));
            result.map_err(|error| error.in_rows(name, |row| rows.get(row).copied()))?;
            plan.score(&model.heads, &mut self.means);
        }
        self.means.write(&model.heads, &mut self.scores);
        Ok(())
    }

    pub(super) fn into_plans(self) -> Vec<Plan> {
        self.plans
    }
}

/// The plan for a batch of so many rows.
pub(super) fn select(plans: &mut [Plan], rows: usize) -> &mut Plan {
    let at = plans.iter().position(|plan| plan.rows() == rows);
    &mut plans[at.expect("a plan was recorded for each size of batch")]
}
