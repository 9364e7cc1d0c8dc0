//! What a value was computed from, where an operation on it may start from that instead of the value.

use super::record::Var;

/// The operation and the values that a value was computed from.
#[derive(Clone, Copy)]
pub(crate) enum Origin<V> {
    /// A softmax over the last axis.
    Softmax { logits: V },
    /// A batch normalization.
    BatchNorm { x: V, gamma: V, beta: V, epsilon: f32 },
    /// An operation with a fused activation.
    Activation { name: &'static str },
}

impl<V> Origin<V> {
    /// The origin with each value replaced.
    pub(super) fn map<W>(self, to: impl Fn(V) -> W) -> Origin<W> {
        match self {
            Origin::Softmax { logits } => Origin::Softmax { logits: to(logits) },
            Origin::BatchNorm { x, gamma, beta, epsilon } => {
                Origin::BatchNorm { x: to(x), gamma: to(gamma), beta: to(beta), epsilon }
            }
            Origin::Activation { name } => Origin::Activation { name },
        }
    }
}

impl<'r> Var<'r> {
    /// The input of the softmax that computed this value, or `None` for any other value. Cross-entropies start from it, since
    /// the logits are exact where probabilities round to 0.
    pub fn logits(&self) -> Option<Var<'r>> {
        match self.origin() {
            Some(Origin::Softmax { logits }) => Some(logits),
            _ => None,
        }
    }
}
