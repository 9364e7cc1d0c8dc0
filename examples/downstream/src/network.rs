//! A residual network as a `Graph`.

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

/// Width of the branches.
const WIDTH: usize = 32;

/// A network of `blocks` residual blocks from the features to one value. Nodes are `Copy`, so a skip connection is a node
/// that is used twice. `compile` reports shapes that do not fit and layers that lead to no output.
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

/// Dense, isru and Dense, blended with the block's input. Both have weight ½ initially, so gradients reach the features
/// through the skip connections.
fn block(graph: &mut Graph, x: Node) -> Node {
    let y = graph.apply(Dense::new(WIDTH).kernel_initializer(LecunNormal), x);
    let y = graph.apply(IsruLayer, y);
    let y = graph.apply(Dense::new(WIDTH).kernel_regularizer(Orthonormal::new(1e-5)), y);
    graph.apply(Blend::new(0.0), [y, x])
}

/// Optimizer, loss, and the R² score as metric: the proportion of the targets' variance that the model explains.
pub fn settings(seed: u64) -> Compile {
    Compile::new(Adam::new(0.003), RobustError).metric(R2Score).seed(seed)
}

/// The parts defined in this crate, for `Model::load_with`. A model file stores their class names.
pub fn registry() -> Registry {
    Registry::new().layer::<Blend>().layer::<IsruLayer>().loss::<RobustError>().regularizer::<Orthonormal>()
}
