//! A layer as an architecture holds it.

use crate::layers::{Layer, Penalty};
use crate::tape::ParamId;
use std::sync::Arc;

/// Layers, each with its name where it has been given one.
pub(crate) type Layers = Vec<(Option<String>, Arc<dyn Layer>)>;

/// A layer with its place in an architecture.
#[derive(Clone, Debug)]
pub(super) struct BuiltLayer {
    pub(super) layer: Arc<dyn Layer>,
    /// The name that it was given, or else Keras': `dense`, `dense_1`, …
    pub(super) name: String,
    pub(super) weights: Vec<ParamId>,
    /// The weights that add to the loss.
    pub(super) penalties: Vec<Penalty>,
    /// The calls in which it is applied.
    pub(super) calls: Vec<usize>,
}
