//! Evaluation: the loss and the metrics over a dataset, without learning.

use super::Model;
use super::matched_dataset::MatchedDataset;
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
    /// an operation meets a value with which it cannot compute, such as an index out of range; [`Error::NotCompiled`] for a model without a loss.
    ///
    /// [`Error::Fault`]: crate::Error::Fault
    /// [`Error::NotCompiled`]: crate::Error::NotCompiled
    pub fn evaluate(&self, data: &dyn Dataset) -> Result<Scores> {
        let mut evaluation = self.evaluation(data)?;
        let result = self.threads.run(|| evaluation.run(self, "dataset"));
        let scores = evaluation.scores.clone();
        evaluation.into_plans().into_iter().for_each(|plan| self.plans.keep(plan));
        result.map(|()| scores)
    }

    /// Checks the dataset and records or takes the plans for it.
    pub(super) fn evaluation<'a>(&self, data: &'a dyn Dataset) -> Result<Evaluation<'a>> {
        self.compiled("evaluate")?;
        let matched = MatchedDataset::new(self, data)?;
        let batches = Batches::new(data.len(), ROWS)?;
        let plans = self.take_plans(Mode::Inference, &batches, &matched)?;
        let (means, scores) = (
            Means::new(&self.architecture, self.trained_outputs()),
            blank_scores(&self.architecture, self.trained_outputs()),
        );
        Ok(Evaluation { matched, batches, plans, means, scores })
    }

    /// Plans for the full batches and, if its size differs, for the last one.
    pub(super) fn take_plans(&self, mode: Mode, batches: &Batches, matched: &MatchedDataset<'_>) -> Result<Vec<Plan>> {
        let mut sizes = vec![batches.batch(0).len(), batches.batch(batches.len() - 1).len()];
        sizes.dedup();
        sizes.into_iter().map(|rows| self.take_plan(matched.kind(mode, rows))).collect()
    }

    /// A plan of this kind.
    pub(super) fn take_plan(&self, kind: Kind) -> Result<Plan> {
        let record = |kind| Plan::record(&self.architecture, self.trained_outputs(), kind);
        self.plans.take(kind, record)
    }
}

/// An evaluation that can be run again.
pub(super) struct Evaluation<'a> {
    pub(super) matched: MatchedDataset<'a>,
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
            self.matched.fill(rows, plan);
            let result = plan.run(model.architecture.params(), Key::from_seed(0));
            result.map_err(|error| error.in_rows(name, |row| rows.get(row).copied()))?;
            plan.score(model.trained_outputs(), &mut self.means);
        }
        self.means.write(model.trained_outputs(), &mut self.scores);
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
