//! Conversion of a graph to layers of this library, which have a summary and can be saved in other formats. A node without an
//! equivalent layer becomes an `OnnxGraph` layer.
//!
//! A matrix product with the following sum becomes a `Dense` layer, and a following activation becomes its setting. If ONNX
//! flattens an image with its channels first, the following weights are permuted to channels last.

mod elementwise;
mod merging;
mod node_layer;
mod reshaping;
mod spatial;
mod transposed;
mod weighted;

use super::check::{Checked, Fact};
use super::graph::Nodes;
use super::network::{Network, NetworkLayer, Output};
use super::node::Node;
use super::operators::arithmetic::NUMPY_BROADCAST;
use super::order;
use super::scope::source_of;
use super::tensor::Tensor;
use crate::layers::{
    Activation, Add, Average, Conv1d, Conv1dTranspose, Conv2d, Conv2dTranspose, Conv3d, Conv3dTranspose, Dense,
    DepthwiseConv1d, DepthwiseConv2d, Layer, Maximum, Minimum, Multiply, Reshape, Subtract,
};
use crate::{Shape, ValueInfo};
use std::collections::{BTreeMap, BTreeSet};
use std::sync::Arc;

/// Converts a graph node by node. Returns `None` if this is not possible. `inputs` describes one sample of each input, whose
/// shapes are fixed.
///
/// With `untied`, a constant that several layers share becomes a separate weight of each.
pub(super) fn rebuild(nodes: &Nodes, checked: &Checked, inputs: &[ValueInfo], untied: bool) -> Option<Network> {
    let mut builder = Builder::new(nodes, checked, inputs, untied);
    for node in &nodes.nodes {
        // Skip nodes that only compute shapes.
        if node.outputs.iter().any(|name| builder.fact(name).is_some()) {
            builder.convert(node)?;
        }
    }
    builder.finish()
}

/// A layer to which a bias or an activation can still be added, or a finished one.
enum Built {
    Dense(Dense),
    Conv1d(Conv1d),
    Conv1dTranspose(Conv1dTranspose),
    Conv2d(Conv2d),
    Conv2dTranspose(Conv2dTranspose),
    Conv3d(Conv3d),
    Conv3dTranspose(Conv3dTranspose),
    DepthwiseConv1d(DepthwiseConv1d),
    DepthwiseConv2d(DepthwiseConv2d),
    Finished(Arc<dyn Layer>),
}

/// A layer and its connections.
struct Step {
    layer: Built,
    /// The numbers of its input values. The values are the inputs of the graph, then the output of each step.
    inputs: Vec<usize>,
    arrays: Vec<Vec<f32>>,
    /// Whether the layer has a bias, or cannot have one.
    biased: bool,
}

/// The value of the new network that represents a value of the graph.
#[derive(Clone, Debug)]
struct LayerValue {
    value: usize,
    /// The shape of one sample. Axes of size 1 of the original value may be missing.
    shape: Shape,
    /// The sizes of a flattened image, channels first, until a layer with weights follows.
    flat: Option<Vec<usize>>,
}

struct Builder<'a> {
    nodes: &'a Nodes,
    checked: &'a Checked,
    inputs: &'a [ValueInfo],
    steps: Vec<Step>,
    places: BTreeMap<String, LayerValue>,
    /// The constants that are weights of a layer. Unless `untied`, a graph whose layers share one is not converted.
    taken: BTreeSet<String>,
    untied: bool,
}

impl<'a> Builder<'a> {
    fn new(nodes: &'a Nodes, checked: &'a Checked, inputs: &'a [ValueInfo], untied: bool) -> Builder<'a> {
        let place = |(value, input): (usize, &ValueInfo)| {
            (input.name().to_owned(), LayerValue { value, shape: input.shape().with_open_axes(1), flat: None })
        };
        let places = inputs.iter().enumerate().map(place).collect();
        Builder { nodes, checked, inputs, steps: Vec::new(), places, taken: BTreeSet::new(), untied }
    }

    /// Appends the layer of a node, or an `OnnxGraph` layer if it has no equivalent.
    fn convert(&mut self, node: &Node) -> Option<()> {
        let (steps, taken) = (self.steps.len(), self.taken.clone());
        if self.add(node).is_some() {
            return Some(());
        }
        self.steps.truncate(steps);
        self.taken = taken;
        self.node_layer(node)
    }

    fn add(&mut self, node: &Node) -> Option<()> {
        // The first operator sets broadcast differently.
        if node.version < NUMPY_BROADCAST && node.attributes.contains_key("broadcast") {
            return None;
        }
        let computed = node.inputs.iter().filter(|name| self.fact(name).is_some()).count();
        match (node.operator.as_str(), computed) {
            ("Add" | "Sum", 2..) => self.merge(node, Arc::new(Add)),
            ("Concat", 1..) => self.concat(node),
            ("Mul", 2) => self.silu(node).or_else(|| self.merge(node, Arc::new(Multiply))),
            ("Max", 2..) => self.merge(node, Arc::new(Maximum)),
            ("Mean", 2..) => self.merge(node, Arc::new(Average)),
            ("Min", 2..) => self.merge(node, Arc::new(Minimum)),
            ("Sub", 2) => self.merge(node, Arc::new(Subtract)),
            ("Add", 1) => self.bias(node).or_else(|| self.rescaling(node)),
            ("Mul", 1) => self.rescaling(node),
            ("Gather", 1) => self.embedding(node),
            ("Identity" | "Cast" | "Transpose", 1) => self.alias(node),
            ("Dropout", 1) => self.dropout(node),
            ("Gemm", 1) => self.gemm(node),
            ("MatMul", 1) => self.matmul(node),
            ("Clip", 1) => self.clip(node),
            ("Conv", 1) => self.convolution(node),
            ("ConvTranspose", 1) => self.transposed_convolution(node),
            ("Expand", 1) => self.repeat_vector(node),
            ("GroupNormalization" | "InstanceNormalization", 1) => self.group_norm(node),
            ("PRelu", 1) => self.prelu(node),
            ("Resize" | "Upsample", 1) => self.up_sampling(node),
            ("Slice", 1) => self.cropping(node),
            ("MaxPool" | "AveragePool", 1) => self.pooling(node),
            ("GlobalAveragePool" | "GlobalMaxPool" | "ReduceMean" | "ReduceMax", 1) => self.global_pooling(node),
            ("BatchNormalization", 1) => self.batch_norm(node),
            ("LayerNormalization", 1) => self.layer_norm(node),
            ("Div", 1) => self.normalization(node),
            ("Neg", 1) => self.negation(node),
            ("Pad", 1) => self.zero_padding(node),
            ("Softmax" | "LogSoftmax", 1) => self.softmax(node),
            ("Flatten" | "Reshape" | "Squeeze" | "Unsqueeze", 1) => self.reshape(node),
            (_, 1) => self.elementwise(node),
            _ => None,
        }
    }

    /// The shape of a computed value in memory, including the rows, and its storage order.
    fn fact(&self, name: &str) -> Option<(Shape, &'a [usize])> {
        match self.checked.facts.get(name)? {
            Fact::Floats(shape, order) | Fact::Integers(shape, order) => Some((*shape, order)),
            _ => None,
        }
    }

    /// The tensor of an input that is a constant.
    fn constant_input(&self, node: &Node, input: usize) -> Option<&'a Tensor> {
        match self.checked.facts.get(node.inputs.get(input)?)? {
            Fact::Constant(_, constant) => Some(&constant.tensor),
            _ => None,
        }
    }

    /// Returns an input that is a constant, and marks it as a weight.
    fn weight(&mut self, node: &Node, input: usize) -> Option<&'a Tensor> {
        let tensor = self.constant_input(node, input)?;
        let Fact::Constant(name, source) = self.checked.facts.get(&node.inputs[input])? else { return None };
        if source.computed {
            return None;
        }
        self.claim(source_of(name, &self.nodes.constants)).then_some(tensor)
    }

    /// Marks a constant as a weight of a layer. Returns whether this is allowed.
    fn claim(&mut self, constant: String) -> bool {
        self.taken.insert(constant) || self.untied
    }

    /// Whether a node has an optional input.
    fn has(node: &Node, input: usize) -> bool {
        node.inputs.get(input).is_some_and(|name| !name.is_empty())
    }

    /// The number of computed nodes and outputs of the graph that read a value.
    fn readers(&self, name: &str) -> usize {
        let computes = |node: &&Node| node.outputs.iter().any(|name| self.fact(name).is_some());
        let outputs = self.nodes.outputs.iter().filter(|output| output.name == name).count();
        self.nodes.readers(name).filter(computes).count() + outputs
    }

    /// Returns a value with all axes that it has in the graph.
    fn read(&mut self, name: &str) -> Option<LayerValue> {
        let place = self.places.get(name)?.clone();
        let (shape, _) = self.fact(name)?;
        if place.shape == shape.sample() {
            return Some(place);
        }
        let value = self.step(Arc::new(Reshape::new(shape.sample())), vec![place.value]);
        Some(LayerValue { value, shape: shape.sample(), flat: place.flat })
    }

    /// Returns a value in a storage order, if this needs no transposition.
    fn in_order(&mut self, name: &str, order: &[usize]) -> Option<LayerValue> {
        let place = self.read(name)?;
        let (shape, storage_order) = self.fact(name)?;
        if storage_order == order {
            return Some(place);
        }
        let size = |axis: usize| storage_order.iter().position(|other| *other == axis).map_or(1, |at| shape.axis(at));
        let long = |order: &[usize]| order.iter().copied().filter(|axis| size(*axis) != 1).collect::<Vec<_>>();
        if order.len() != storage_order.len()
            || order[0] != 0
            || storage_order[0] != 0
            || long(order)[..] != long(storage_order)[..]
        {
            return None;
        }
        let sample = Shape::new(&order[1..].iter().map(|axis| size(*axis)).collect::<Vec<_>>()).ok()?;
        let value = self.step(Arc::new(Reshape::new(sample)), vec![place.value]);
        Some(LayerValue { value, shape: sample, flat: place.flat })
    }

    /// Appends a finished layer without weights; returns the number of its output.
    fn step(&mut self, layer: Arc<dyn Layer>, inputs: Vec<usize>) -> usize {
        self.built(Built::Finished(layer), inputs, Vec::new())
    }

    /// Appends a layer; returns the number of its output.
    fn built(&mut self, layer: Built, inputs: Vec<usize>, arrays: Vec<Vec<f32>>) -> usize {
        self.steps.push(Step { layer, inputs, arrays, biased: true });
        self.inputs.len() + self.steps.len() - 1
    }

    /// Sets the value that represents the output of a node.
    fn set_output(&mut self, node: &Node, place: LayerValue) -> Option<()> {
        self.places.insert(node.outputs.first()?.clone(), place);
        Some(())
    }

    /// Appends a layer and sets its output as the output of the node.
    fn apply(
        &mut self,
        node: &Node,
        from: &LayerValue,
        layer: impl Layer + 'static,
        arrays: Vec<Vec<f32>>,
    ) -> Option<()> {
        let value = self.built(Built::Finished(Arc::new(layer)), vec![from.value], arrays);
        let (shape, _) = self.fact(node.outputs.first()?)?;
        self.set_output(node, LayerValue { value, shape: shape.sample(), flat: from.flat.clone() })
    }

    fn finish(mut self) -> Option<Network> {
        let (mut arrays, mut layers) = (Vec::new(), Vec::new());
        // Outputs keep the axes of size 1 that global pooling omits.
        for output in &self.nodes.outputs {
            let place = self.read(&output.name)?;
            self.places.insert(output.name.clone(), place);
        }
        let place = |output: &super::graph::Output| {
            let place = self.places.get(&output.name).filter(|place| place.flat.is_none())?;
            let (shape, order) = self.fact(&output.name)?;
            let axis_order = order::axis_order(order)?;
            let output = Output { name: output.name.clone(), value: place.value, axis_order };
            (place.shape == shape.sample()).then_some(output)
        };
        let outputs = self.nodes.outputs.iter().map(place).collect::<Option<Vec<_>>>()?;
        for (number, step) in self.steps.into_iter().enumerate() {
            // A layer takes earlier values only.
            if step.inputs.iter().any(|value| *value >= self.inputs.len() + number) {
                return None;
            }
            layers.push(NetworkLayer { layer: step.layer.done(), inputs: step.inputs, outputs: 1 });
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
            Built::Conv1d(layer) => Arc::new(layer),
            Built::Conv1dTranspose(layer) => Arc::new(layer),
            Built::Conv2d(layer) => Arc::new(layer),
            Built::Conv2dTranspose(layer) => Arc::new(layer),
            Built::Conv3d(layer) => Arc::new(layer),
            Built::Conv3dTranspose(layer) => Arc::new(layer),
            Built::DepthwiseConv1d(layer) => Arc::new(layer),
            Built::DepthwiseConv2d(layer) => Arc::new(layer),
            Built::Finished(layer) => layer,
        }
    }

    /// Adds an activation, if the layer supports one.
    fn with(self, activation: Activation) -> Built {
        Built::Finished(match self {
            Built::Dense(layer) => Arc::new(layer.activation(activation)),
            Built::Conv1d(layer) => Arc::new(layer.activation(activation)),
            Built::Conv1dTranspose(layer) => Arc::new(layer.activation(activation)),
            Built::Conv2d(layer) => Arc::new(layer.activation(activation)),
            Built::Conv2dTranspose(layer) => Arc::new(layer.activation(activation)),
            Built::Conv3d(layer) => Arc::new(layer.activation(activation)),
            Built::Conv3dTranspose(layer) => Arc::new(layer.activation(activation)),
            Built::DepthwiseConv1d(layer) => Arc::new(layer.activation(activation)),
            Built::DepthwiseConv2d(layer) => Arc::new(layer.activation(activation)),
            Built::Finished(layer) => layer,
        })
    }

    /// Adds a bias, if the layer supports one.
    fn with_bias(self) -> Option<Built> {
        match self {
            Built::Dense(layer) => Some(Built::Dense(layer.use_bias(true))),
            Built::Conv1d(layer) => Some(Built::Conv1d(layer.use_bias(true))),
            Built::Conv1dTranspose(layer) => Some(Built::Conv1dTranspose(layer.use_bias(true))),
            Built::Conv2d(layer) => Some(Built::Conv2d(layer.use_bias(true))),
            Built::Conv2dTranspose(layer) => Some(Built::Conv2dTranspose(layer.use_bias(true))),
            Built::Conv3d(layer) => Some(Built::Conv3d(layer.use_bias(true))),
            Built::Conv3dTranspose(layer) => Some(Built::Conv3dTranspose(layer.use_bias(true))),
            Built::DepthwiseConv1d(layer) => Some(Built::DepthwiseConv1d(layer.use_bias(true))),
            Built::DepthwiseConv2d(layer) => Some(Built::DepthwiseConv2d(layer.use_bias(true))),
            Built::Finished(_) => None,
        }
    }
}

/// Whether a storage order is the axis order of ONNX.
fn is_onnx_order(order: &[usize]) -> bool {
    order.iter().enumerate().all(|(place, axis)| place == *axis)
}
