//! Constants of a graph.

use super::tensor::Tensor;
use std::sync::Arc;

/// A constant value: of the file, or computed from constants and shapes.
#[derive(Clone, Debug)]
pub(super) struct Constant {
    pub(super) tensor: Arc<Tensor>,
    /// Whether it is an initializer with axes, which is treated as a trained weight.
    pub(super) learned: bool,
    /// Whether nodes computed it. It may depend on the number of rows, so it is never a weight.
    pub(super) computed: bool,
}

impl Constant {
    /// A constant of the file. `learned` determines whether it is treated as a trained weight.
    pub(super) fn of_file(tensor: Tensor, learned: bool) -> Constant {
        Constant { tensor: Arc::new(tensor), learned, computed: false }
    }

    /// A constant that nodes compute.
    pub(super) fn computed(tensor: Tensor) -> Constant {
        Constant { tensor: Arc::new(tensor), learned: false, computed: true }
    }

    /// The constant with its elements arranged differently.
    pub(super) fn with(&self, tensor: Tensor) -> Constant {
        Constant { tensor: Arc::new(tensor), ..*self }
    }
}
