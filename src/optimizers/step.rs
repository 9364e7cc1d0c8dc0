//! The number and the learning rate of a training step, for optimizers.

/// A training step: its number and its learning rate.
///
/// [`OptimizerState::step`](super::OptimizerState::step) creates it with the learning rate of the optimizer.
///
/// ```
/// use gradus::optimizers::{OptimizerState, Sgd, Step};
/// let state = OptimizerState::new(Sgd::new(0.1), &gradus::tape::Params::new())?;
/// assert_eq!(state.step(1), Step::new(1, 0.1));
/// # Ok::<(), gradus::Error>(())
/// ```
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
    ///
    /// # Panics
    /// When `number` is 0: Adam and others divide by 1 − βⁿ, which is 0 for n = 0.
    pub fn new(number: u64, learning_rate: f32) -> Step {
        assert!(number > 0, "steps are counted from 1, got step 0");
        Step { number, learning_rate }
    }
}

#[cfg(test)]
mod tests {
    #[test]
    #[should_panic(expected = "steps are counted from 1, got step 0")]
    fn there_is_no_step_0() {
        let params = crate::tape::Params::new();
        crate::OptimizerState::new(crate::optimizers::Adam::default(), &params).unwrap().step(0);
    }
}
