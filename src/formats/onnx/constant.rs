//! Constants of a graph.

use super::tensor::Tensor;
use std::sync::Arc;

/// A constant value in the file.
#[derive(Clone, Debug)]
pub(super) struct Constant {
    pub(super) tensor: Arc<Tensor>,
    /// Whether it is an initializer with axes, which is treated as a trained weight.
    pub(super) learned: bool,
}
