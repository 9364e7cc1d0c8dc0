//! The trait of schedules.

use crate::error::Result;
use crate::forward::forward;
use crate::spec::Spec;
use std::fmt::Debug;
use std::sync::Arc;

/// A learning rate that depends on how many steps were made.
///
/// A schedule of another crate is given to an optimizer as [`LearningRate::schedule`](super::LearningRate::schedule), and
/// to a [`Registry`](crate::save::Registry) so that models in files may have it.
///
/// `Box` and `Arc` of a schedule are schedules, so that one can be chosen at run time.
pub trait Schedule: Debug + Send + Sync {
    /// The learning rate when so many steps were made: that of the first step is `rate(0)`. Keras' `iterations`.
    fn rate(&self, steps: u64) -> f32;

    /// Checks the settings.
    ///
    /// # Errors
    /// One of them is out of range.
    fn check(&self) -> Result<()>;

    /// The class name and the settings.
    fn spec(&self) -> Spec;
}

forward!(Schedule for [Box, Arc] {
    fn rate(&self, steps: u64) -> f32;
    fn check(&self) -> Result<()>;
    fn spec(&self) -> Spec;
});
