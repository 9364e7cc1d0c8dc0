//! A graph as this library's own layers, which have a summary, and go to any other format. A node that no layer stands for
//! becomes one by itself.
//!
//! A product and the sum behind it are one `Dense`, and an activation becomes its setting. Where ONNX flattens an image
//! with its channels first, the weights behind are put into the order of one with its channels last.

mod foreign;
mod joined;
mod plain;
mod spatial;
mod weighted;

use super::check::{Checked, Fact};
use super::graph::Nodes;
use super::network::{Network, Output};
use super::node::Node;
use super::operators::arithmetic::NUMPY_BROADCAST;
use super::order;
use super::tensor::Tensor;
use crate::layers::{Activation, Conv2d, Dense, Layer, Reshape};
use crate::{Shape, ValueInfo};
use std::collections::{BTreeMap, BTreeSet};
use std::sync::Arc;

/// The layers that a graph is made of, if its nodes can be taken one by one. `inputs` are the shapes of one sample of each.
///
/// `untied` lets constants that several layers share become weights of each.
pub(super) fn rebuild(nodes: &Nodes, checked: &Checked, inputs: &[ValueInfo], untied: bool) -> Option<Network> {
    let mut builder = Builder::new(nodes, checked, inputs, untied);
    for node in &nodes.nodes {
        // What is known already says shapes.
        if node.outputs.iter().any(|name| builder.fact(name).is_some()) {
            builder.place(node)?;
        }
    }
    builder.finish()
}

/// A layer that may still take a bias or an activation, or one that is done.
enum Built {
    Dense(Dense),
    Conv2d(Conv2d),
    Done(Arc<dyn Layer>),
}

/// A layer in its place.
struct Step {
    layer: Built,
    /// The values that it takes: the inputs first, then what each step gives.
    inputs: Vec<usize>,
    arrays: Vec<Vec<f32>>,
    /// Whether the layer has a bias, or can have none.
    biased: bool,
}

/// What stands for a value of the graph.
#[derive(Clone, Debug)]
struct Place {
    value: usize,
    /// The shape of one sample, which may lack axes of size 1 that the graph's value has.
    shape: Shape,
    /// ONNX' sizes of the image that was flattened, channels first, while the order of its elements matters.
    flat: Option<Vec<usize>>,
}

struct Builder<'a> {
    nodes: &'a Nodes,
    checked: &'a Checked,
    inputs: &'a [ValueInfo],
    steps: Vec<Step>,
    places: BTreeMap<String, Place>,
    /// The constants that are some layer's weights: two layers that share one are not rebuilt, unless they may be untied.
    taken: BTreeSet<String>,
    untied: bool,
}

impl<'a> Builder<'a> {
    fn new(nodes: &'a Nodes, checked: &'a Checked, inputs: &'a [ValueInfo], untied: bool) -> Builder<'a> {
        let place = |(value, input): (usize, &ValueInfo)| {
            (input.name().to_owned(), Place { value, shape: input.shape(), flat: None })
        };
        let places = inputs.iter().enumerate().map(place).collect();
        Builder { nodes, checked, inputs, steps: Vec::new(), places, taken: BTreeSet::new(), untied }
    }

    /// Puts a node's layer behind the others: one of ours, or else the node as a layer.
    fn place(&mut self, node: &Node) -> Option<()> {
        let (steps, taken) = (self.steps.len(), self.taken.clone());
        if self.add(node).is_some() {
            return Some(());
        }
        self.steps.truncate(steps);
        self.taken = taken;
        self.foreign(node)
    }

    fn add(&mut self, node: &Node) -> Option<()> {
        // The first operator sets broadcast otherwise.
        if node.version < NUMPY_BROADCAST && node.attributes.contains_key("broadcast") {
            return None;
        }
        let computed = node.inputs.iter().filter(|name| self.fact(name).is_some()).count();
        match (node.operator.as_str(), computed) {
            ("Add" | "Sum", 2..) => self.sum(node),
            ("Concat", 1..) => self.concat(node),
            ("Mul", 2) => self.silu(node),
            ("Add", 1) => self.bias(node),
            ("Gather", 1) => self.embedding(node),
            ("Identity" | "Cast" | "Transpose", 1) => self.alias(node),
            ("Dropout", 1) => self.dropout(node),
            ("Gemm", 1) => self.gemm(node),
            ("MatMul", 1) => self.matmul(node),
            ("Conv", 1) => self.conv2d(node),
            ("MaxPool" | "AveragePool", 1) => self.pooling(node),
            ("GlobalAveragePool" | "GlobalMaxPool" | "ReduceMean" | "ReduceMax", 1) => self.global_pooling(node),
            ("BatchNormalization", 1) => self.batch_norm(node),
            ("LayerNormalization", 1) => self.layer_norm(node),
            ("Pad", 1) => self.zero_padding(node),
            ("Softmax" | "LogSoftmax", 1) => self.softmax(node),
            ("Flatten" | "Reshape" | "Squeeze" | "Unsqueeze", 1) => self.reshape(node),
            (_, 1) => self.elementwise(node),
            _ => None,
        }
    }

    /// How a computed value lies in memory: its shape with the rows, and the order of ONNX' axes.
    fn fact(&self, name: &str) -> Option<(Shape, &'a [usize])> {
        match self.checked.facts.get(name)? {
            Fact::Computed(shape, order) | Fact::Whole(shape, order) => Some((*shape, order)),
            _ => None,
        }
    }

    /// The numbers of a constant.
    fn known(&self, node: &Node, input: usize) -> Option<&'a Tensor> {
        match self.checked.facts.get(node.inputs.get(input)?)? {
            Fact::Known(_, constant) => Some(&constant.tensor),
            _ => None,
        }
    }

    /// A constant that becomes a layer's weights.
    fn weight(&mut self, node: &Node, input: usize) -> Option<&'a Tensor> {
        let tensor = self.known(node, input)?;
        let Fact::Known(name, _) = self.checked.facts.get(&node.inputs[input])? else { return None };
        // A constant that was turned has its order behind its name.
        let constant = name.split('@').next().unwrap_or_default().to_owned();
        self.take(constant).then_some(tensor)
    }

    /// Makes a constant a layer's own; whether that may be.
    fn take(&mut self, constant: String) -> bool {
        self.taken.insert(constant) || self.untied
    }

    /// Whether an input is there.
    fn has(node: &Node, input: usize) -> bool {
        node.inputs.get(input).is_some_and(|name| !name.is_empty())
    }

    /// How many nodes compute with a value, and outputs that it is.
    fn readers(&self, name: &str) -> usize {
        let computes = |node: &&Node| node.outputs.iter().any(|name| self.fact(name).is_some());
        let outputs = self.nodes.outputs.iter().filter(|output| output.name == name).count();
        self.nodes.readers(name).filter(computes).count() + outputs
    }

    /// A value of the shape that the graph says, with all its axes.
    fn read(&mut self, name: &str) -> Option<Place> {
        let place = self.places.get(name)?.clone();
        let (shape, _) = self.fact(name)?;
        if place.shape == shape.sample() {
            return Some(place);
        }
        let value = self.step(Arc::new(Reshape::new(shape.sample())), vec![place.value]);
        Some(Place { value, shape: shape.sample(), flat: place.flat })
    }

    /// The same with its axes in this order, if nothing has to move for that.
    fn lying(&mut self, name: &str, order: &[usize]) -> Option<Place> {
        let place = self.read(name)?;
        let (shape, lies) = self.fact(name)?;
        if lies == order {
            return Some(place);
        }
        let size = |axis: usize| lies.iter().position(|other| *other == axis).map_or(1, |at| shape.axis(at));
        let long = |order: &[usize]| order.iter().copied().filter(|axis| size(*axis) != 1).collect::<Vec<_>>();
        if order.len() != lies.len() || order[0] != 0 || lies[0] != 0 || long(order)[..] != long(lies)[..] {
            return None;
        }
        let sample = Shape::new(&order[1..].iter().map(|axis| size(*axis)).collect::<Vec<_>>()).ok()?;
        let value = self.step(Arc::new(Reshape::new(sample)), vec![place.value]);
        Some(Place { value, shape: sample, flat: place.flat })
    }

    /// Puts a layer behind others; returns what it gives.
    fn step(&mut self, layer: Arc<dyn Layer>, inputs: Vec<usize>) -> usize {
        self.built(Built::Done(layer), inputs, Vec::new())
    }

    fn built(&mut self, layer: Built, inputs: Vec<usize>, arrays: Vec<Vec<f32>>) -> usize {
        self.steps.push(Step { layer, inputs, arrays, biased: true });
        self.inputs.len() + self.steps.len() - 1
    }

    /// What a node gives is this value now.
    fn give(&mut self, node: &Node, place: Place) -> Option<()> {
        self.places.insert(node.outputs.first()?.clone(), place);
        Some(())
    }

    /// What a node gives is what a layer makes of its first input, with a shape that the graph says.
    fn apply(&mut self, node: &Node, from: &Place, layer: impl Layer + 'static, arrays: Vec<Vec<f32>>) -> Option<()> {
        let value = self.built(Built::Done(Arc::new(layer)), vec![from.value], arrays);
        let (shape, _) = self.fact(node.outputs.first()?)?;
        self.give(node, Place { value, shape: shape.sample(), flat: from.flat.clone() })
    }

    fn finish(self) -> Option<Network> {
        let (mut arrays, mut layers) = (Vec::new(), Vec::new());
        let place = |output: &super::graph::Output| {
            let place = self.places.get(&output.name).filter(|place| place.flat.is_none())?;
            let (shape, order) = self.fact(&output.name)?;
            let axis_order = order::axis_order(order)?;
            let output = Output { name: output.name.clone(), value: place.value, axis_order };
            (place.shape == shape.sample()).then_some(output)
        };
        let outputs = self.nodes.outputs.iter().map(place).collect::<Option<Vec<_>>>()?;
        for step in self.steps {
            layers.push((step.layer.done(), step.inputs));
            arrays.extend(step.arrays);
        }
        if layers.is_empty() {
            return None;
        }
        Some(Network { inputs: self.inputs.to_vec(), layers, outputs, arrays })
    }
}

impl Built {
    fn done(self) -> Arc<dyn Layer> {
        match self {
            Built::Dense(layer) => Arc::new(layer),
            Built::Conv2d(layer) => Arc::new(layer),
            Built::Done(layer) => layer,
        }
    }

    /// The layer with an activation, if it can take one.
    fn with(self, activation: Activation) -> Built {
        match self {
            Built::Dense(layer) => Built::Done(Arc::new(layer.activation(activation))),
            Built::Conv2d(layer) => Built::Done(Arc::new(layer.activation(activation))),
            done => done,
        }
    }
}

/// Whether axes lie in ONNX' order.
fn is_plain(order: &[usize]) -> bool {
    order.iter().enumerate().all(|(place, axis)| place == *axis)
}
