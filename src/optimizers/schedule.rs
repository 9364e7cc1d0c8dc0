//! The trait of schedules.

use crate::error::Result;
use crate::forward::forward;
use crate::spec::Spec;
use std::fmt::Debug;
use std::sync::Arc;

/// A learning rate as a function of the number of completed steps.
///
/// [`LearningRate::schedule`](super::LearningRate::schedule) passes a custom schedule to an optimizer. To load models with it
/// from files, add it to a [`Registry`](crate::save::Registry).
///
/// ```
/// use gradus::{Result, Spec, optimizers::{LearningRate, Optimizer, Sgd, schedules::Schedule}};
///
/// /// Halves the learning rate after each 100 steps.
/// #[derive(Debug)]
/// struct Halving;
///
/// impl Schedule for Halving {
///     fn rate(&self, steps: u64) -> f32 {
///         0.5f32.powi((steps / 100) as i32)
///     }
///     fn check(&self) -> Result<()> {
///         Ok(())
///     }
///     fn spec(&self) -> Spec {
///         Spec::new("Halving")
///     }
/// }
///
/// let sgd = Sgd::new(LearningRate::schedule(Halving));
/// assert_eq!(sgd.options()?.learning_rate.rate(250), 0.25);
/// # Ok::<(), gradus::Error>(())
/// ```
///
/// `Box` and `Arc` of a schedule are schedules, so that one can be chosen at run time.
pub trait Schedule: Debug + Send + Sync {
    /// The learning rate after `steps` completed steps, `iterations` in Keras. The first step uses `rate(0)`.
    fn rate(&self, steps: u64) -> f32;

    /// Checks the settings.
    ///
    /// # Errors
    /// [`Error::Setting`](crate::Error::Setting) when a setting is out of range.
    fn check(&self) -> Result<()>;

    /// The class name and the settings.
    fn spec(&self) -> Spec;
}

forward!(Schedule for [Box, Arc] {
    fn rate(&self, steps: u64) -> f32;
    fn check(&self) -> Result<()>;
    fn spec(&self) -> Spec;
});
