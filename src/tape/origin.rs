//! The operation that computed a value, for operations that start from its inputs instead of the value.

/// The operation and the inputs that a value was computed from.
#[derive(Clone, Copy)]
pub(crate) enum Origin<V> {
    /// A softmax over the last axis.
    Softmax { logits: V },
    /// A batch normalization.
    BatchNorm { x: V, gamma: V, beta: V, epsilon: f32 },
    /// An operation with a fused activation.
    Activation { name: &'static str },
    /// The sample weights of a loss: a value for each row, with the number of axes of the prediction.
    SampleWeights,
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
            Origin::SampleWeights => Origin::SampleWeights,
        }
    }
}
