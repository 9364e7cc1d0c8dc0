//! The layers of an architecture.

use crate::layers::{Constrained, Layer, Penalty};
use crate::tape::ParamId;
use std::sync::Arc;

/// Layers with their names; `None` for a layer without a given name.
pub(crate) type Layers = Vec<(Option<String>, Arc<dyn Layer>)>;

/// A layer of an architecture, with its weights and calls.
#[derive(Clone, Debug)]
pub(super) struct BuiltLayer {
    pub(super) layer: Arc<dyn Layer>,
    /// The given name, or else the default name of Keras: `dense`, `dense_1`, …
    pub(super) name: String,
    pub(super) weights: Vec<ParamId>,
    /// The regularizers of weights, which add to the loss.
    pub(super) penalties: Vec<Penalty>,
    /// The constraints on weights, which are applied after each step.
    pub(super) constraints: Vec<Constrained>,
    /// The numbers of its calls.
    pub(super) calls: Vec<usize>,
}
