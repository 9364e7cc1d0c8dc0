//! The purpose of a tape: training or inference.

/// The purpose for which a tape is recorded.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
#[non_exhaustive]
pub enum Mode {
    /// Training: dropout is active, batch normalization uses the statistics of the batch, and gradients are stored.
    Training,
    /// Inference: dropout is inactive and batch normalization uses its running statistics.
    Inference,
}
