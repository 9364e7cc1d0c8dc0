//! Evaluation: the loss and the metrics over a dataset, without training.

use super::Model;
use super::matched_dataset::MatchedDataset;
use super::plan::{Kind, Plan};
use super::scoring::{Means, blank_scores};
use crate::data::{Batches, Dataset};
use crate::error::Result;
use crate::metrics::Scores;
use crate::random::Key;
use crate::tape::Mode;

/// Batch size of inference. Predictions do not depend on it.
pub(super) const ROWS: usize = 128;

impl Model {
    /// Computes the mean loss and the metrics over all rows of a dataset.
    ///
    /// # Errors
    /// Inputs or targets do not fit the model, labels are not classes, or the dataset is empty. [`Error::Fault`] if an
    /// operation encounters an invalid value, such as an index out of range. [`Error::NotCompiled`] if the model has no
    /// loss.
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

    /// Checks the dataset, and takes or records the plans for it.
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

    /// Takes or records the plans for full batches and, if its size differs, the last batch.
    pub(super) fn take_plans(&self, mode: Mode, batches: &Batches, matched: &MatchedDataset<'_>) -> Result<Vec<Plan>> {
        let mut sizes = vec![batches.batch(0).len(), batches.batch(batches.len() - 1).len()];
        sizes.dedup();
        sizes.into_iter().map(|rows| self.take_plan(matched.kind(mode, rows))).collect()
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
    batches: Batches,
    plans: Vec<Plan>,
    means: Means,
    pub(super) scores: Scores,
}

impl Evaluation<'_> {
    /// Computes the scores. `name` names the dataset in errors.
    pub(super) fn run(&mut self, model: &Model, name: &'static str) -> Result<()> {
        model.architecture.check_params()?; // a callback may have replaced them
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

/// Returns the plan for a batch of `rows` rows.
pub(super) fn select(plans: &mut [Plan], rows: usize) -> &mut Plan {
    let at = plans.iter().position(|plan| plan.rows() == rows);
    &mut plans[at.expect("a plan was recorded for each batch size")]
}
