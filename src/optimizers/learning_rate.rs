//! The learning rate of an optimizer: a number, or a schedule.

use super::checks::check_rate;
use super::schedule::Schedule;
use crate::error::Result;
use crate::settings::Settings;
use crate::spec::Spec;
use std::borrow::Cow;
use std::sync::Arc;

/// How far an optimizer goes along a gradient: the same in every step, or by a [`Schedule`].
///
/// ```
/// use gradus::optimizers::{Adam, LearningRate, schedules::OneCycle};
/// let constant = Adam::new(0.001);
/// let cycle = Adam::new(OneCycle::new(0.01, 235));
/// ```
#[derive(Clone, Debug)]
#[non_exhaustive]
pub enum LearningRate {
    /// A number.
    Constant(f32),
    /// A function of the number of steps.
    Schedule(Arc<dyn Schedule>),
}

impl From<f32> for LearningRate {
    fn from(rate: f32) -> LearningRate {
        LearningRate::Constant(rate)
    }
}

impl LearningRate {
    /// By a schedule; those of this library need not be wrapped.
    pub fn schedule(schedule: impl Schedule + 'static) -> LearningRate {
        LearningRate::Schedule(Arc::new(schedule))
    }

    /// The rate when so many steps were made: that of the first step is `rate(0)`.
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
        if !settings.has_part("learning_rate") {
            return settings.number("learning_rate").map(LearningRate::Constant);
        }
        Ok(LearningRate::Schedule(settings.part_of::<dyn Schedule>("learning_rate")?.into()))
    }
}
