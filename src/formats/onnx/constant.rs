//! Constants of a graph.

use super::tensor::Tensor;
use std::sync::Arc;

/// A value that the file holds.
#[derive(Clone, Debug)]
pub(super) struct Constant {
    pub(super) tensor: Arc<Tensor>,
    /// Whether it stands among the initializers, as what was learned does.
    pub(super) learned: bool,
}
