//! Layers applied to named inputs and to each other's outputs, in any order without cycles.

use super::built_layer::Layers;
use super::connections::{Call, Connections, Output};
use super::given::declared;
use super::{Architecture, ValueInfo};
use crate::axis_order::AxisOrder;
use crate::error::Result;
use crate::layers::{DeclaredWeight, Layer, Source};
use crate::random::{Key, Purpose};
use crate::shape::Shape;
use crate::tape::{Params, Stamp};
use std::sync::Arc;

/// A network of several inputs and outputs, with skips and shared layers: a recipe, without numbers. Keras' functional
/// models.
///
/// Every [`apply`](Graph::apply) gives a [`Node`] that later ones can take. Nothing fails before
/// [`compile`](Graph::compile) or [`architecture`](Graph::architecture), which name the layer that is wrong.
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
/// let a = graph.apply(encoder, left); // one layer, applied twice: one set of weights
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
/// assert_eq!(model.predict_outputs(&data)?["right_kind"].shape(), [20, 2]);
/// # Ok::<(), gradus::Error>(())
/// ```
#[derive(Clone, Debug)]
pub struct Graph {
    stamp: Stamp,
    inputs: Vec<ValueInfo>,
    layers: Layers,
    /// Each call's layer, its inputs, and the number of values that it gives.
    calls: Vec<(usize, Vec<Node>, usize)>,
    outputs: Vec<(String, Node, AxisOrder)>,
}

/// A value in a [`Graph`]: an input, or what a layer gives. It belongs to the graph that gave it, and to that one's clones.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Node {
    stamp: Stamp,
    value: NodeValue,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum NodeValue {
    Input(usize),
    /// A value of a call: the call's number, and the value's position among those that it gives.
    Call(usize, usize),
}

impl AsRef<[Node]> for Node {
    /// The only one.
    fn as_ref(&self) -> &[Node] {
        std::slice::from_ref(self)
    }
}

/// A layer in a [`Graph`], to be applied any number of times: all calls share its weights. Made by [`Graph::layer`].
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct GraphLayer {
    stamp: Stamp,
    layer: usize,
}

/// What can be applied: a new layer, or one that stands in the graph already.
#[derive(Debug)]
pub struct Applied(Choice);

#[derive(Debug)]
enum Choice {
    New(Arc<dyn Layer>),
    Known(GraphLayer),
}

impl<L: Layer + 'static> From<L> for Applied {
    fn from(layer: L) -> Applied {
        Applied(Choice::New(Arc::new(layer)))
    }
}

impl From<GraphLayer> for Applied {
    fn from(layer: GraphLayer) -> Applied {
        Applied(Choice::Known(layer))
    }
}

/// What stands for a value or a layer that is not the graph's; building refuses it by name.
const FOREIGN: usize = usize::MAX;

impl Default for Graph {
    fn default() -> Graph {
        Graph::new()
    }
}

impl Graph {
    /// Without inputs, layers and outputs.
    pub fn new() -> Graph {
        let (inputs, layers, calls, outputs) = (Vec::new(), Vec::new(), Vec::new(), Vec::new());
        Graph { stamp: Stamp::next(), inputs, layers, calls, outputs }
    }

    /// Adds an input; `shape` is that of one sample. Datasets give it by this name.
    pub fn input(&mut self, name: impl Into<String>, shape: impl Into<Shape>) -> Node {
        self.input_value(ValueInfo::new(name, shape))
    }

    /// Adds an input with an order of axes in the file that the network is from; see [`ValueInfo::with_axis_order`].
    pub fn input_value(&mut self, input: ValueInfo) -> Node {
        self.inputs.push(input);
        self.node(NodeValue::Input(self.inputs.len() - 1))
    }

    /// Puts a layer with a name of its own into the graph, to be applied later, and more than once if its weights are to
    /// be shared.
    pub fn layer(&mut self, name: impl Into<String>, layer: impl Layer + 'static) -> GraphLayer {
        self.layers.push((Some(name.into()), Arc::new(layer)));
        GraphLayer { stamp: self.stamp, layer: self.layers.len() - 1 }
    }

    /// Applies a layer with one output to nodes, and returns the output: `graph.apply(Dense::new(64), x)`,
    /// `graph.apply(layer, [a, b])`. A new layer gets Keras' name for it, such as `dense_1`.
    pub fn apply(&mut self, layer: impl Into<Applied>, inputs: impl AsRef<[Node]>) -> Node {
        let call = self.call(layer.into(), inputs.as_ref(), 1);
        self.node(NodeValue::Call(call, 0))
    }

    /// Applies a layer with `N` outputs to nodes, and returns the outputs: `let [sequence, state] =
    /// graph.apply_multi(layer, x)`. At least one of them must be used. [`compile`](Graph::compile) returns an error when the
    /// layer has another number of outputs.
    ///
    /// ```
    /// use gradus::{Compile, Graph, Result, Shape, Spec, layers::*, losses::MeanSquaredError, optimizers::Sgd, tape::Var};
    ///
    /// /// Splits the features of a sample: the first, and the others.
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
        let call = self.call(layer.into(), inputs.as_ref(), N);
        std::array::from_fn(|position| self.node(NodeValue::Call(call, position)))
    }

    /// Adds a call whose layer gives `values` values, and returns its number.
    fn call(&mut self, layer: Applied, inputs: &[Node], values: usize) -> usize {
        let layer = match layer.0 {
            Choice::New(layer) => {
                self.layers.push((None, layer));
                self.layers.len() - 1
            }
            Choice::Known(known) if known.stamp == self.stamp => known.layer,
            Choice::Known(_) => FOREIGN,
        };
        self.calls.push((layer, inputs.to_vec(), values));
        self.calls.len() - 1
    }

    /// Makes a node an output of this name: what `predict` gives, and what a loss and targets can be for.
    pub fn output(&mut self, name: impl Into<String>, node: Node) {
        self.output_in_order(name, node, AxisOrder::CHANNELS_LAST);
    }

    /// Makes a node an output whose samples have this order of axes in the file that the network is from; see
    /// [`ValueInfo::with_axis_order`].
    pub fn output_in_order(&mut self, name: impl Into<String>, node: Node, order: AxisOrder) {
        self.outputs.push((name.into(), node, order));
    }

    /// The layers in Keras' columns with what each is connected to, and the number of weights.
    ///
    /// # Errors
    /// Those of [`architecture`](Graph::architecture).
    pub fn summary(&self) -> Result<String> {
        Ok(self.architecture(0)?.summary())
    }

    /// The network with initial weights, which follow from the seed as in [`compile`](Graph::compile).
    ///
    /// # Errors
    /// Layers that do not fit what they are applied to, nodes of other graphs, names that are taken, an input or a layer
    /// that is not used, settings out of range.
    pub fn architecture(&self, seed: u64) -> Result<Architecture> {
        let source = Source::Init(Key::from_seed(seed).purpose(Purpose::Init));
        let architecture = Architecture::build(self.connections(), self.layers.clone(), source)?;
        architecture.check()?;
        Ok(architecture)
    }

    /// The network with given weights: each layer finds its arrays under `layer/weight`, such as `dense_1/kernel`, and shares
    /// them with `params`. Nothing is initialised.
    ///
    /// ```
    /// use gradus::{Graph, layers::Dense};
    /// let mut graph = Graph::new();
    /// let x = graph.input("x", [2]);
    /// let y = graph.apply(Dense::new(3), x);
    /// graph.output("y", y);
    /// let params = graph.architecture(1)?.params().clone();
    /// assert_eq!(graph.with_params(&params)?.params().sha256(), params.sha256());
    /// # Ok::<(), gradus::Error>(())
    /// ```
    ///
    /// # Errors
    /// Those of [`architecture`](Graph::architecture), and [`Error::Arrays`](crate::Error::Arrays) with every array that is
    /// missing, that no layer declares, or that has another shape.
    pub fn with_params(&self, params: &Params) -> Result<Architecture> {
        Architecture::with_params(self.connections(), self.layers.clone(), params)
    }

    /// The weights that the layers declare, by name and shape, without values: an importer learns from it which arrays it
    /// has to find, and in which order.
    ///
    /// ```
    /// use gradus::{Graph, layers::Dense};
    /// let mut graph = Graph::new();
    /// let x = graph.input("x", [2]);
    /// let y = graph.apply(Dense::new(3), x);
    /// graph.output("y", y);
    /// let declared = graph.declared()?;
    /// assert_eq!((declared[0].name(), declared[0].shape().sizes()), ("dense/kernel", &[2, 3][..]));
    /// # Ok::<(), gradus::Error>(())
    /// ```
    ///
    /// # Errors
    /// Those of [`architecture`](Graph::architecture).
    pub fn declared(&self) -> Result<Vec<DeclaredWeight>> {
        declared(self.connections(), self.layers.clone())
    }

    fn node(&self, value: NodeValue) -> Node {
        Node { stamp: self.stamp, value }
    }

    fn connections(&self) -> Connections {
        let value = |node: &Node| match node.value {
            _ if node.stamp != self.stamp => FOREIGN,
            NodeValue::Input(input) => input,
            NodeValue::Call(call, position) => {
                self.inputs.len() + self.calls[..call].iter().map(|(.., values)| values).sum::<usize>() + position
            }
        };
        let calls = self.calls.iter();
        let outputs = self.outputs.iter();
        let outputs = outputs.map(|(name, node, axis_order)| Output {
            name: name.clone(),
            value: value(node),
            axis_order: *axis_order,
        });
        Connections {
            chain: false,
            inputs: self.inputs.clone(),
            calls: calls
                .map(|(layer, nodes, values)| Call {
                    layer: *layer,
                    inputs: nodes.iter().map(value).collect(),
                    values: *values,
                })
                .collect(),
            outputs: outputs.collect(),
        }
    }
}
