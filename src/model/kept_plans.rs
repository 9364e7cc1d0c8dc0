//! Recorded plans that are kept for reuse.

use super::plan::{Kind, Plan};
use crate::error::Result;
use std::sync::{Mutex, PoisonError};

/// Number of plans that are kept regardless of their size.
const ALWAYS_KEPT: usize = 8;

/// Maximum number of plans that are kept.
const MAX_PLANS: usize = 64;

/// Maximum number of bytes if there are more than [`ALWAYS_KEPT`] plans.
const MAX_BYTES: usize = 1 << 30;

/// Plans in the order of their last use. Their number and size are bounded: the least recently used plan is dropped, and
/// recorded again when its sizes recur.
#[derive(Debug, Default)]
pub(super) struct KeptPlans(Vec<Plan>);

impl KeptPlans {
    /// Marks the first plan that fits as the last used one. Returns its index.
    pub(super) fn find(&mut self, fits: impl Fn(&Plan) -> bool) -> Option<usize> {
        let found = self.0.iter().position(fits)?;
        self.0[found..].rotate_left(1);
        Some(self.0.len() - 1)
    }

    /// The plan with this index.
    pub(super) fn plan_mut(&mut self, index: usize) -> &mut Plan {
        &mut self.0[index]
    }

    /// Removes and returns the plan of this kind.
    fn take(&mut self, kind: &Kind) -> Option<Plan> {
        self.0.iter().position(|plan| plan.kind() == kind).map(|at| self.0.remove(at))
    }

    /// Adds a plan. Returns its index.
    pub(super) fn keep(&mut self, plan: Plan) -> usize {
        self.make_room(plan.bytes());
        self.0.push(plan);
        self.0.len() - 1
    }

    /// Drops the least recently used plans until a plan of this size fits.
    pub(super) fn make_room(&mut self, bytes: usize) {
        while self.0.len() >= ALWAYS_KEPT {
            let all = self.0.iter().map(Plan::bytes).fold(bytes, usize::saturating_add);
            if self.0.len() < MAX_PLANS && all <= MAX_BYTES {
                return;
            }
            self.0.remove(0);
        }
    }

    /// All plans.
    pub(super) fn into_plans(self) -> Vec<Plan> {
        self.0
    }
}

/// Unused plans, shared by threads that predict with one model. A clone has none.
#[derive(Debug, Default)]
pub(super) struct Plans(Mutex<KeptPlans>);

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
