//! A callback that stops training when the loss is NaN or infinite.

use super::callback::Callback;
use super::flow::{Flow, Stop};
use super::moments::BatchEnd;
use crate::error::Result;
use crate::model::Model;
use std::ops::ControlFlow;

/// Stops training after a step whose loss is NaN or infinite. Keras' `TerminateOnNaN`.
#[derive(Clone, Copy, Debug, Default)]
pub struct TerminateOnNan;

impl Callback for TerminateOnNan {
    fn batch_end(&mut self, _model: &mut Model, end: &BatchEnd<'_>) -> Result<Flow> {
        Ok(if end.loss.is_finite() { Flow::Continue(()) } else { ControlFlow::Break(Stop::Done) })
    }
}

#[cfg(test)]
pub(super) mod tests {
    use super::*;

    pub(crate) fn samples() -> Vec<Box<dyn Callback>> {
        vec![Box::new(TerminateOnNan)]
    }
}
