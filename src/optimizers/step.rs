//! A training step as optimizers see it: its number and its learning rate.

/// A training step: its number and its learning rate.
///
/// [`OptimizerState::step`](super::OptimizerState::step) makes one with the learning rate of the optimizer.
#[derive(Clone, Copy, Debug, PartialEq)]
#[non_exhaustive]
pub struct Step {
    /// The number of the step, from 1.
    pub number: u64,
    /// The learning rate.
    pub learning_rate: f32,
}

impl Step {
    /// The step with this number, from 1, at this learning rate.
    pub fn new(number: u64, learning_rate: f32) -> Step {
        Step { number, learning_rate }
    }
}
