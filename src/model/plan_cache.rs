//! The plans of a loop over batches, which are recorded when their sizes first occur.

use super::Model;
use super::kept_plans::KeptPlans;
use super::matched_dataset::MatchedDataset;
use super::plan::Plan;
use crate::error::Result;
use crate::tape::Mode;

/// The plans of a loop over batches.
#[derive(Debug, Default)]
pub(super) struct PlanCache(KeptPlans);

impl PlanCache {
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
        let index = match self.0.find(|plan| plan.mode() == mode && data.fits(plan, rows)) {
            Some(index) => index,
            None => {
                let kind = data.kind(model, mode, rows)?;
                self.0.make_room(0);
                self.0.keep(model.take_plan(kind)?)
            }
        };
        Ok(self.0.plan_mut(index))
    }

    /// Moves the plans to the plans of a model.
    pub(super) fn return_to(self, model: &Model) {
        self.0.into_plans().into_iter().for_each(|plan| model.plans.keep(plan));
    }
}
