//! A training step as optimizers see it: its number and its learning rate.

/// A training step: its number and its learning rate.
///
/// [`OptimizerState::step`](super::OptimizerState::step) creates it with the learning rate of the optimizer.
#[derive(Clone, Copy, Debug, PartialEq)]
#[non_exhaustive]
pub struct Step {
    /// The number of the step, counted from 1.
    pub number: u64,
    /// The learning rate of the step.
    pub learning_rate: f32,
}

impl Step {
    /// Creates a step from its number, counted from 1, and its learning rate.
    pub fn new(number: u64, learning_rate: f32) -> Step {
        Step { number, learning_rate }
    }
}
