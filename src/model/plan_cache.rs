//! The plans of a loop over batches, which are recorded when their sizes first occur.

use super::Model;
use super::kept_plans::KeptPlans;
use super::matched_dataset::MatchedDataset;
use super::plan::Plan;
use crate::error::Result;
use crate::tape::Mode;

/// The plans of a loop over batches or over shards of batches.
#[derive(Debug, Default)]
pub(super) struct PlanCache {
    kept: KeptPlans,
    of_shards: bool,
}

impl PlanCache {
    /// Creates a cache without plans, for one of several shards of a batch if `of_shards` is `true`.
    pub(super) fn new(of_shards: bool) -> PlanCache {
        PlanCache { kept: KeptPlans::default(), of_shards }
    }

    /// Returns the plan for a batch, which is recorded if it is not kept.
    ///
    /// # Errors
    /// The plan cannot be recorded.
    pub(super) fn select(
        &mut self,
        model: &Model,
        mode: Mode,
        data: &MatchedDataset<'_>,
        rows: &[usize],
    ) -> Result<&mut Plan> {
        let fits = |plan: &Plan| plan.mode() == mode && data.fits(plan, rows) && plan.is_of(model.params());
        let index = match self.kept.find(fits) {
            Some(index) => index,
            None => {
                let kind = data.kind(model, mode, self.of_shards, rows)?;
                self.kept.make_room(0);
                self.kept.keep(model.take_plan(kind)?)
            }
        };
        Ok(self.kept.plan_mut(index))
    }

    /// Moves the plans to the plans of a model, unless a callback has replaced its parameters since.
    pub(super) fn return_to(self, model: &Model) {
        let plans = self.kept.into_plans().into_iter().filter(|plan| plan.is_of(model.params()));
        plans.for_each(|plan| model.plans.keep(plan));
    }
}
