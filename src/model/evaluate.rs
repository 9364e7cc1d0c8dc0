//! Evaluation: the loss and the metrics over a dataset, without training.

use super::Model;
use super::matched_dataset::MatchedDataset;
use super::plan::{Kind, Plan};
use super::plan_cache::PlanCache;
use super::scoring::{Means, blank_scores};
use crate::data::Dataset;
use crate::error::Result;
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
        let mut evaluation = self.evaluation(data)?;
        let result = self.threads.run(|| evaluation.run(self, "dataset"));
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
        let plans = self.take_plans(Mode::Inference, &sizes, &matched)?;
        let (means, scores) = (
            Means::new(&self.architecture, self.trained_outputs()),
            blank_scores(&self.architecture, self.trained_outputs()),
        );
        Ok(Evaluation { matched, batches, plans, means, scores })
    }

    /// Takes or records the plans for these batches.
    pub(super) fn take_plans(
        &self,
        mode: Mode,
        batches: &[&[usize]],
        matched: &MatchedDataset<'_>,
    ) -> Result<PlanCache> {
        let mut plans = PlanCache::default();
        batches.iter().try_for_each(|rows| plans.select(self, mode, matched, rows).map(|_| ()))?;
        Ok(plans)
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
    means: Means,
    pub(super) scores: Scores,
}

impl Evaluation<'_> {
    /// Computes the scores. `name` names the dataset in errors.
    pub(super) fn run(&mut self, model: &Model, name: &'static str) -> Result<()> {
        model.architecture.check_params()?; // a callback may have replaced them
        self.means.clear();
        let mut carried = model.carried_params();
        for rows in &self.batches {
            let plan = self.plans.select(model, Mode::Inference, &self.matched, rows)?;
            self.matched.fill(rows, plan);
            let params = carried.as_ref().unwrap_or(model.architecture.params());
            let result = plan.run(params, Key::from_seed(0));
            result.map_err(|error| error.in_rows(name, |row| rows.get(row).copied()))?;
            if let Some(params) = &mut carried {
                plan.commit(params);
            }
            plan.score(model.trained_outputs(), &mut self.means);
        }
        self.means.write(model.trained_outputs(), &mut self.scores);
        Ok(())
    }

    pub(super) fn into_plans(self) -> PlanCache {
        self.plans
    }
}
