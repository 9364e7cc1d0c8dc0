//! The steps of a tape: operations with their inputs, outputs and gradients.

use super::addition::Addition;
use super::gradients::GradientTarget;
use super::op::Op;
use super::source::Source;

/// An operation on the tape.
pub(super) struct Step {
    pub(super) op: Box<dyn Op>,
    /// The layer to which it belongs.
    pub(super) scope: String,
    /// The number by which the key of its draws is split.
    pub(super) path: u64,
    pub(super) inputs: Vec<Source>,
    /// Whether each input depends on a variable or a trainable parameter.
    pub(super) needs_gradient: Vec<bool>,
    /// The index of the output's buffer.
    pub(super) output: usize,
    /// The number of elements of the output.
    pub(super) length: usize,
    /// The index of each state of the operation among the updated states of the tape.
    pub(super) states: Vec<usize>,
    /// The locations to which the backward pass writes, sorted; empty if the step has no backward pass.
    pub(super) targets: Vec<GradientTarget>,
    /// The additions to gradients after the backward pass of the operation.
    pub(super) additions: Vec<Addition>,
    /// The index of the parameter that the operation can update in its backward pass.
    pub(super) in_place: Option<usize>,
}

impl Step {
    pub(super) fn new(
        op: Box<dyn Op>,
        scope: String,
        path: u64,
        inputs: Vec<Source>,
        needs_gradient: Vec<bool>,
        output: usize,
        length: usize,
    ) -> Step {
        let (states, targets, additions) = (Vec::new(), Vec::new(), Vec::new());
        Step { op, scope, path, inputs, needs_gradient, output, length, states, targets, additions, in_place: None }
    }

    /// `layer: operation`, for messages.
    pub(super) fn place(&self) -> String {
        place(&self.scope, self.op.name())
    }
}

/// `layer: operation`, for messages; the layer alone if the operation has its name.
pub(super) fn place(scope: &str, op: &str) -> String {
    match scope.rsplit('/').next() {
        Some(last) if last == op => scope.to_owned(),
        _ if scope.is_empty() => op.to_owned(),
        _ => format!("{scope}: {op}"),
    }
}
