//! Networks with several inputs and outputs, skip connections and shared layers.

use super::ValueInfo;
use super::built_layer::Layers;
use super::connections::{Call, Connections, Output};
use super::network_methods::network_methods;
use crate::axis_order::AxisOrder;
use crate::layers::Layer;
use crate::sample_shape::SampleShape;
use crate::tape::Stamp;
use std::collections::BTreeMap;
use std::sync::Arc;

/// A network without weights, with any number of inputs and outputs, skip connections and shared layers. Keras' functional
/// models.
///
/// Each [`apply`](Graph::apply) returns a [`Node`], which is the input of further layers. Errors are reported by
/// [`compile`](Graph::compile) and [`architecture`](Graph::architecture), with the name of the layer.
///
/// ```
/// use gradus::data::NamedArrays;
/// use gradus::layers::{Activation, Dense};
/// use gradus::losses::SparseCategoricalCrossentropy;
/// use gradus::{Compile, Fit, Graph, Progress, metrics::Accuracy, optimizers::Adam};
/// use ndarray::{Array1, Array2};
///
/// let mut graph = Graph::new();
/// let left = graph.input("left", [3]);
/// let right = graph.input("right", [3]);
/// let encoder = graph.layer("encoder", Dense::new(8).activation(Activation::Relu));
/// let a = graph.apply(encoder, left); // both calls share the weights of the layer
/// let b = graph.apply(encoder, right);
/// let [a, b] = [a, b].map(|x| graph.apply(Dense::new(2).activation(Activation::Softmax), x));
/// graph.output("left_kind", a);
/// graph.output("right_kind", b);
///
/// let settings = Compile::new(Adam::default(), SparseCategoricalCrossentropy::new());
/// let mut model = graph.compile(settings.metric_of("left_kind", Accuracy))?;
/// let rows = Array2::from_shape_fn((20, 3), |(i, j)| ((i * 7 + j * 5) % 9) as f32 / 9.0);
/// let kinds = Array1::from_shape_fn(20, |i| (i % 2) as u8);
/// let data = NamedArrays::new().with_input("left", &rows)?.with_input("right", &rows)?;
/// let data = data.with_target("left_kind", &kinds)?.with_target("right_kind", &kinds)?;
/// let history = model.fit(&data, Fit::new().progress(Progress::Quiet))?;
/// assert_eq!(history.names(), ["loss", "left_kind_loss", "right_kind_loss", "left_kind_accuracy"]);
/// assert_eq!(model.predict_dataset(&data)?["right_kind"].shape(), [20, 2]);
/// # Ok::<(), gradus::Error>(())
/// ```
///
/// A clone has the nodes and layers that the graph had when it was cloned, and those can be used with both graphs. Nodes and
/// layers that are added to one of the two afterwards belong to that one.
///
/// ```
/// use gradus::{Graph, Shape, layers::Dense};
/// let mut narrow = Graph::new();
/// let x = narrow.input("x", [4]);
/// let mut wide = narrow.clone();
/// let y = wide.apply(Dense::new(100), x); // x is a node of both graphs, y of `wide`
/// narrow.output("y", y);
/// assert!(narrow.architecture(0).unwrap_err().to_string().contains("a node of another graph"));
/// wide.output("y", y);
/// assert_eq!(wide.architecture(0)?.outputs()[0].shape(), Shape::from(100));
/// # Ok::<(), gradus::Error>(())
/// ```
#[derive(Clone, Debug, Default)]
pub struct Graph {
    inputs: Vec<ValueInfo>,
    layers: Layers,
    calls: Vec<GraphCall>,
    outputs: Vec<(String, Node, AxisOrder)>,
    /// The identity of each input, layer and call. Clones share those that were added before cloning.
    input_stamps: Vec<Stamp>,
    layer_stamps: Vec<Stamp>,
    call_stamps: Vec<Stamp>,
}

/// A layer applied to nodes.
#[derive(Clone, Debug)]
struct GraphCall {
    layer: usize,
    inputs: Vec<Node>,
    /// Number of outputs.
    outputs: usize,
}

/// A value in a [`Graph`]: an input of the graph, or an output of a layer. It can be used with that graph, and with clones of
/// the graph that were made after it was added.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Node {
    /// The identity of the input or the call.
    stamp: Stamp,
    /// The position among the outputs of the call; 0 for an input.
    position: usize,
}

impl AsRef<[Node]> for Node {
    /// A slice with this node.
    fn as_ref(&self) -> &[Node] {
        std::slice::from_ref(self)
    }
}

/// A layer in a [`Graph`], returned by [`Graph::layer`]. It can be applied any number of times; all calls share its weights.
/// It can be used with that graph, and with clones of the graph that were made after it was added.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct GraphLayer {
    stamp: Stamp,
}

/// The argument of [`Graph::apply`]: a new layer, or a layer of the graph.
#[derive(Debug)]
pub struct Applied(Choice);

#[derive(Debug)]
enum Choice {
    New(Arc<dyn Layer>),
    Existing(GraphLayer),
}

impl<L: Layer + 'static> From<L> for Applied {
    fn from(layer: L) -> Applied {
        Applied(Choice::New(Arc::new(layer)))
    }
}

impl From<GraphLayer> for Applied {
    fn from(layer: GraphLayer) -> Applied {
        Applied(Choice::Existing(layer))
    }
}

/// The number of a value or layer of another graph, which is an error when the graph is built.
const FOREIGN: usize = usize::MAX;

impl Graph {
    /// Creates a graph without inputs, layers and outputs.
    pub fn new() -> Graph {
        Graph::default()
    }

    /// Adds an input. `name`, which must not be empty, is its name in datasets, and `shape` the shape of one sample, in
    /// which the size of an open axis is `None`: `graph.input("image", (None, None, 3))`.
    pub fn input(&mut self, name: impl Into<String>, shape: impl Into<SampleShape>) -> Node {
        self.input_value(ValueInfo::new(name, shape))
    }

    /// Adds an input with the axis order in the file from which the network was loaded; see [`ValueInfo::with_axis_order`].
    pub fn input_value(&mut self, input: ValueInfo) -> Node {
        self.inputs.push(input);
        Node { stamp: new_stamp(&mut self.input_stamps), position: 0 }
    }

    /// Adds a layer with a name, which must be unique and not empty, and may contain slashes except in files of Keras.
    /// [`apply`](Graph::apply) applies it, any number of times if calls are
    /// to share its weights.
    pub fn layer(&mut self, name: impl Into<String>, layer: impl Layer + 'static) -> GraphLayer {
        self.layers.push((Some(name.into()), Arc::new(layer)));
        GraphLayer { stamp: new_stamp(&mut self.layer_stamps) }
    }

    /// Applies a layer with one output to nodes, and returns the output: `graph.apply(Dense::new(64), x)`,
    /// `graph.apply(layer, [a, b])`. The name of a new layer is the default name of Keras, such as `dense_1`.
    pub fn apply(&mut self, layer: impl Into<Applied>, inputs: impl AsRef<[Node]>) -> Node {
        Node { stamp: self.call(layer.into(), inputs.as_ref(), 1), position: 0 }
    }

    /// Applies a layer with `N` outputs to nodes, and returns the outputs: `let [sequence, state] =
    /// graph.apply_multi(layer, x)`. At least one of them must be used. [`compile`](Graph::compile) returns an error if the
    /// number of the layer's outputs is not `N`. [`apply_many`](Graph::apply_many) takes the number at run time.
    ///
    /// ```
    /// use gradus::{Compile, Graph, Result, Shape, Spec, layers::*, losses::MeanSquaredError, optimizers::Sgd, tape::Var};
    ///
    /// /// Splits the features of a sample into the first one and the others.
    /// #[derive(Debug)]
    /// struct Split;
    ///
    /// impl Layer for Split {
    ///     fn build(&self, inputs: &[Shape], _: &mut Weights<'_>) -> Result<Vec<Shape>> {
    ///         Ok(vec![Shape::from(1), Shape::from(inputs[0].len() - 1)])
    ///     }
    ///     fn record<'r>(&self, _: &mut Cursor<'_, 'r>, inputs: &[Var<'r>]) -> Vec<Var<'r>> {
    ///         let (x, [rows, columns]) = (inputs[0], [0, 1].map(|axis| inputs[0].shape().axis(axis)));
    ///         vec![x.slice(&[0, 0], [rows, 1]), x.slice(&[0, 1], [rows, columns - 1])]
    ///     }
    ///     fn spec(&self) -> Spec {
    ///         Spec::new("Split")
    ///     }
    /// }
    ///
    /// let mut graph = Graph::new();
    /// let x = graph.input("x", [4]);
    /// let [first, others] = graph.apply_multi(Split, x);
    /// let hidden = graph.apply(Dense::new(8).activation(Activation::Relu), others);
    /// let y = graph.apply(Concatenate::new(), [first, hidden]);
    /// graph.output("y", y);
    /// let model = graph.compile(Compile::new(Sgd::new(0.1), MeanSquaredError::new()))?;
    /// assert_eq!(model.output_shapes(), [Shape::from(9)]);
    /// # Ok::<(), gradus::Error>(())
    /// ```
    pub fn apply_multi<const N: usize>(&mut self, layer: impl Into<Applied>, inputs: impl AsRef<[Node]>) -> [Node; N] {
        let stamp = self.call(layer.into(), inputs.as_ref(), N);
        std::array::from_fn(|position| Node { stamp, position })
    }

    /// Applies a layer to nodes, and returns its outputs, whose number is known only at run time, as in an importer of
    /// another format. At least one output must be used. [`compile`](Graph::compile) and
    /// [`with_params`](Graph::with_params) return an error if the number of the layer's outputs is not `outputs`.
    ///
    /// ```
    /// use gradus::{Graph, Shape, layers::Dense};
    /// let mut graph = Graph::new();
    /// let x = graph.input("x", [2]);
    /// let nodes = graph.apply_many(Dense::new(3), x, 1);
    /// graph.output("y", nodes[0]);
    /// assert_eq!(graph.architecture(0)?.outputs()[0].shape(), Shape::from(3));
    ///
    /// let nodes = graph.apply_many(Dense::new(3), x, 2);
    /// graph.output("z", nodes[1]);
    /// let message = graph.architecture(0).unwrap_err().to_string();
    /// assert_eq!(message, "layer 2 (dense_1): it has 1 output, but the call expects 2; use Graph::apply");
    /// # Ok::<(), gradus::Error>(())
    /// ```
    pub fn apply_many(&mut self, layer: impl Into<Applied>, inputs: impl AsRef<[Node]>, outputs: usize) -> Vec<Node> {
        let stamp = self.call(layer.into(), inputs.as_ref(), outputs);
        (0..outputs).map(|position| Node { stamp, position }).collect()
    }

    /// Adds a call with this number of outputs, and returns its identity.
    fn call(&mut self, layer: Applied, inputs: &[Node], outputs: usize) -> Stamp {
        let layer = match layer.0 {
            Choice::New(layer) => {
                self.layers.push((None, layer));
                new_stamp(&mut self.layer_stamps);
                self.layers.len() - 1
            }
            Choice::Existing(layer) => {
                self.layer_stamps.iter().position(|stamp| *stamp == layer.stamp).unwrap_or(FOREIGN)
            }
        };
        self.calls.push(GraphCall { layer, inputs: inputs.to_vec(), outputs });
        new_stamp(&mut self.call_stamps)
    }

    /// Makes a node an output of the graph. `name` is its name in datasets, losses, metrics and predictions.
    pub fn output(&mut self, name: impl Into<String>, node: Node) {
        self.output_in_order(name, node, AxisOrder::CHANNELS_LAST);
    }

    /// Makes a node an output of the graph, with the axis order in the file from which the network was loaded; see
    /// [`ValueInfo::with_axis_order`].
    pub fn output_in_order(&mut self, name: impl Into<String>, node: Node, order: AxisOrder) {
        self.outputs.push((name.into(), node, order));
    }

    fn connections(&self) -> Connections {
        // The number of the input, or of the first output of the call, by identity.
        let mut firsts: BTreeMap<Stamp, usize> = self.input_stamps.iter().copied().zip(0..).collect();
        let mut count = self.inputs.len();
        for (stamp, call) in self.call_stamps.iter().zip(&self.calls) {
            firsts.insert(*stamp, count);
            count = count.saturating_add(call.outputs);
        }
        let value = |node: &Node| firsts.get(&node.stamp).map_or(FOREIGN, |first| first + node.position);
        let call = |call: &GraphCall| Call {
            layer: call.layer,
            inputs: call.inputs.iter().map(value).collect(),
            values: call.outputs,
        };
        let output = |(name, node, axis_order): &(String, Node, AxisOrder)| Output {
            name: name.clone(),
            value: value(node),
            axis_order: *axis_order,
        };
        Connections {
            chain: false,
            inputs: self.inputs.clone(),
            calls: self.calls.iter().map(call).collect(),
            outputs: self.outputs.iter().map(output).collect(),
        }
    }
}

/// Adds a new identity to a list, and returns it.
fn new_stamp(stamps: &mut Vec<Stamp>) -> Stamp {
    let stamp = Stamp::next();
    stamps.push(stamp);
    stamp
}

network_methods!(Graph);

#[cfg(test)]
mod tests {
    use super::*;
    use crate::layers::{Add, Dense};

    fn problem(graph: &Graph) -> String {
        graph.architecture(0).unwrap_err().to_string()
    }

    #[test]
    fn values_and_layers_added_after_cloning_belong_to_one_graph() {
        let mut graph = Graph::new();
        let x = graph.input("x", [2]);
        let known = graph.layer("known", Dense::new(2));
        let mut clone = graph.clone();
        let (y, [z]) = (graph.apply(Dense::new(1), x), graph.apply_multi(Dense::new(1), x));
        let (input, layer) = (graph.input("other", [2]), graph.layer("other", Dense::new(7)));
        // The clone has a call, an input and a layer at the same positions.
        let own = clone.apply(Dense::new(5), x);
        clone.apply(Dense::new(5), x);
        clone.input("own", [2]);
        clone.layer("own", Dense::new(3));
        for node in [y, z, input] {
            let mut clone = clone.clone();
            clone.output("y", node);
            let expected = "output \"y\": it uses a node of another graph; use nodes that this graph returned";
            assert_eq!(problem(&clone), expected);
            let mut clone = clone.clone();
            let sum = clone.apply(Add, [own, node]);
            clone.output("sum", sum);
            assert!(problem(&clone).contains("(add): it uses a node of another graph"));
        }
        clone.apply(layer, x);
        assert!(problem(&clone).contains("it applies a layer of another graph"));

        let mut again = graph.clone();
        let sum = again.apply(Add, [y, z]);
        let [a, b] = [x, input].map(|value| again.apply(known, value));
        let c = again.apply(layer, a);
        for (name, node) in [("sum", sum), ("b", b), ("c", c)] {
            again.output(name, node);
        }
        let outputs = again.architecture(0).unwrap().outputs().iter().map(ValueInfo::shape).collect::<Vec<_>>();
        assert_eq!(outputs, [1, 2, 7].map(SampleShape::from));
    }

    #[test]
    fn layers_and_nodes_of_another_graph_are_reported_before_missing_layers() {
        let mut other = Graph::new();
        let (foreign, layer) = (other.input("x", [2]), other.layer("layer", Dense::new(1)));
        let mut graph = Graph::new();
        graph.input("x", [2]);
        let y = graph.apply(layer, foreign);
        graph.output("y", y);
        let message = problem(&graph);
        assert!(
            message.contains("it applies a layer of another graph") && message.contains("node of another"),
            "{message}"
        );
        let mut graph = Graph::new();
        graph.output("y", foreign);
        assert!(problem(&graph).contains("it uses a node of another graph"));
        assert_eq!(problem(&Graph::new()), "Graph: layers must be at least 1, got 0");
    }
}
