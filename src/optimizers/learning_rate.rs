//! The learning rate of an optimizer: a number or a schedule.

use super::checks::check_rate;
use super::schedule::Schedule;
use crate::error::Result;
use crate::settings::Settings;
use crate::spec::Spec;
use std::borrow::Cow;
use std::sync::Arc;

/// The learning rate of an optimizer: a number, or a [`Schedule`] over the steps.
///
/// Parameters of type `impl Into<LearningRate>` accept an `f32` or any schedule of this crate:
///
/// ```
/// use gradus::optimizers::{Adam, Optimizer, schedules::InverseTimeDecay};
/// assert_eq!(Adam::new(0.5).options()?.learning_rate.rate(10), 0.5);
/// assert_eq!(Adam::new(InverseTimeDecay::new(0.5, 10, 1.0)).options()?.learning_rate.rate(10), 0.25);
/// # Ok::<(), gradus::Error>(())
/// ```
#[derive(Clone, Debug)]
#[non_exhaustive]
pub enum LearningRate {
    /// A number, finite and ≥ 0.
    Constant(f32),
    /// A function of the number of completed steps.
    Schedule(Arc<dyn Schedule>),
}

impl From<f32> for LearningRate {
    fn from(rate: f32) -> LearningRate {
        LearningRate::Constant(rate)
    }
}

impl LearningRate {
    /// Wraps a custom schedule. The schedules of this crate convert without it.
    pub fn schedule(schedule: impl Schedule + 'static) -> LearningRate {
        LearningRate::Schedule(Arc::new(schedule))
    }

    /// The learning rate after `steps` completed steps. The first step uses `rate(0)`.
    pub fn rate(&self, steps: u64) -> f32 {
        match self {
            LearningRate::Constant(rate) => *rate,
            LearningRate::Schedule(schedule) => schedule.rate(steps),
        }
    }

    pub(super) fn check(&self, owner: Cow<'static, str>) -> Result<()> {
        match self {
            LearningRate::Constant(rate) => check_rate(owner, *rate),
            LearningRate::Schedule(schedule) => schedule.check(),
        }
    }

    pub(super) fn write(&self, spec: Spec) -> Spec {
        match self {
            LearningRate::Constant(rate) => spec.with("learning_rate", *rate),
            LearningRate::Schedule(schedule) => spec.with("learning_rate", schedule.spec()),
        }
    }

    pub(super) fn read(settings: &mut Settings<'_>) -> Result<LearningRate> {
        if !settings.has_nested("learning_rate") {
            return settings.float("learning_rate").map(LearningRate::Constant);
        }
        Ok(LearningRate::Schedule(settings.make_nested::<dyn Schedule>("learning_rate")?.into()))
    }
}
