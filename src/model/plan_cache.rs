//! Recorded plans that are kept for reuse.

use super::Model;
use super::matched_dataset::MatchedDataset;
use super::plan::{Kind, Plan};
use crate::error::Result;
use crate::tape::Mode;
use std::sync::{Mutex, PoisonError};

/// Number of plans that are kept whatever their size.
const ALWAYS_KEPT: usize = 8;

/// Maximum number of plans that are kept.
const MAX_PLANS: usize = 64;

/// Maximum number of bytes of more than [`ALWAYS_KEPT`] plans.
const MAX_BYTES: usize = 1 << 30;

/// Plans, the last used one last. It is bounded: with inputs of many sizes, the plan that was not used for the longest time is
/// dropped, and recorded again when its sizes occur again.
#[derive(Debug, Default)]
pub(super) struct PlanCache(Vec<Plan>);

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
        match self.0.iter().position(|plan| plan.mode() == mode && data.fits(plan, rows)) {
            Some(found) => self.0[found..].rotate_left(1),
            None => {
                let kind = data.kind(model, mode, rows)?;
                self.make_room(0);
                self.keep(model.take_plan(kind)?);
            }
        }
        let last = self.0.len() - 1;
        Ok(&mut self.0[last])
    }

    /// Removes and returns the plan of this kind.
    fn take(&mut self, kind: &Kind) -> Option<Plan> {
        self.0.iter().position(|plan| plan.kind() == kind).map(|at| self.0.remove(at))
    }

    /// Adds a plan.
    fn keep(&mut self, plan: Plan) {
        self.make_room(plan.bytes());
        self.0.push(plan);
    }

    /// Drops the plans that were not used for the longest time until another one of this size fits.
    fn make_room(&mut self, bytes: usize) {
        while self.0.len() >= ALWAYS_KEPT {
            let all = self.0.iter().map(Plan::bytes).fold(bytes, usize::saturating_add);
            if self.0.len() < MAX_PLANS && all <= MAX_BYTES {
                return;
            }
            self.0.remove(0);
        }
    }

    /// Moves the plans to the plans of a model.
    pub(super) fn return_to(self, model: &Model) {
        self.0.into_iter().for_each(|plan| model.plans.keep(plan));
    }
}

/// Unused plans, shared by threads that predict with one model. A clone has none.
#[derive(Debug, Default)]
pub(super) struct Plans(Mutex<PlanCache>);

impl Clone for Plans {
    fn clone(&self) -> Plans {
        Plans::default()
    }
}

impl Plans {
    /// Returns a kept plan of this kind, or records a new one.
    pub(super) fn take(&self, kind: Kind, record: impl FnOnce(Kind) -> Result<Plan>) -> Result<Plan> {
        let kept = self.0.lock().unwrap_or_else(PoisonError::into_inner).take(&kind);
        kept.map_or_else(|| record(kind), Ok)
    }

    /// Keeps a plan for reuse.
    pub(super) fn keep(&self, plan: Plan) {
        self.0.lock().unwrap_or_else(PoisonError::into_inner).keep(plan);
    }
}
