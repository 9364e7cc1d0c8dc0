//! A residual network through the functional graph: each block adds something to what goes past it.

use crate::blend::Blend;
use crate::isru::IsruLayer;
use crate::loss::RobustError;
use crate::orthonormal::Orthonormal;
use crate::table::FEATURES;
use gradus::initializers::LecunNormal;
use gradus::layers::Dense;
use gradus::metrics::R2Score;
use gradus::model::Node;
use gradus::optimizers::Adam;
use gradus::save::Registry;
use gradus::{Compile, Graph};

/// How wide the branches are.
const WIDTH: usize = 32;

/// `blocks` residual blocks between an input of features and an output of one number. Nodes are `Copy`, so a skip is a node
/// that is used twice; `compile` says where something does not fit, or is used by nothing.
pub fn residual(blocks: usize) -> Graph {
    let mut graph = Graph::new();
    let features = graph.input("features", [FEATURES]);
    let mut x = graph.apply(Dense::new(WIDTH), features);
    for _ in 0..blocks {
        x = block(&mut graph, x);
    }
    let value = graph.apply(Dense::new(1), x);
    graph.output("value", value);
    graph
}

/// Dense, isru, Dense, blended with what came in: half of each at first, so that gradients find a short way to the features.
fn block(graph: &mut Graph, x: Node) -> Node {
    let y = graph.apply(Dense::new(WIDTH).kernel_initializer(LecunNormal), x);
    let y = graph.apply(IsruLayer, y);
    let y = graph.apply(Dense::new(WIDTH).kernel_regularizer(Orthonormal::new(1e-5)), y);
    graph.apply(Blend::new(0.0), [y, x])
}

/// How it is trained, and what is reported: the share of the targets' variance that it explains.
pub fn settings(seed: u64) -> Compile {
    Compile::new(Adam::new(0.003), RobustError).metric(R2Score).seed(seed)
}

/// This crate's parts by their classes, for `Model::load_with`: a file names them, and only this crate can make them.
pub fn registry() -> Registry {
    Registry::new().layer::<Blend>().layer::<IsruLayer>().loss::<RobustError>().regularizer::<Orthonormal>()
}
