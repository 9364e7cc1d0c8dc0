//! The writer of nodes during export, which tracks the axis order of values.
//!
//! Convolutions, pooling and channel normalization need channels first in ONNX. The writer transposes a value before the
//! first such operator, and back before an operator that needs channels last. Most networks need two transpositions. Only the
//! kernels of convolutions are stored in another order.

use super::node::{Attribute, Node};
use super::order;
use super::proto;
use super::tensor::Tensor;
use super::versions::OPSET;
use crate::tape::Params;
use crate::{AxisOrder, SampleShape, ValueInfo};

/// A value during export.
#[derive(Clone, Debug)]
pub(super) struct Value {
    name: String,
    /// The shape of one sample, channels last.
    shape: SampleShape,
    /// Whether its channels are currently first.
    channels_first: bool,
}

impl Value {
    /// Describes an input of the model.
    fn new(input: &ValueInfo) -> Value {
        let channels_first = has_channels_first(input.axis_order(), input.shape().rank());
        Value { name: input.name().into(), shape: input.shape(), channels_first }
    }

    /// The number of axes, including the batch axis.
    fn rank(&self) -> usize {
        self.shape.rank() + 1
    }
}

/// The nodes and constants written so far, and the values of the current layer.
pub(super) struct Writer<'a> {
    params: &'a Params,
    nodes: Vec<Node>,
    constants: Vec<proto::Tensor>,
    /// The name of the current layer, and the number of its call.
    layer: (String, usize),
    /// The inputs of the current layer. Each node replaces the first value by its output.
    values: Vec<Value>,
    /// The operator set of the file.
    opset: i64,
}

impl<'a> Writer<'a> {
    pub(super) fn new(params: &'a Params) -> Writer<'a> {
        let (nodes, constants, layer, values) = (Vec::new(), Vec::new(), (String::new(), 0), Vec::new());
        Writer { params, nodes, constants, layer, values, opset: OPSET }
    }

    /// Converts an input of the model to a value. An axis order other than channels last or channels first is transposed.
    pub(super) fn input(&mut self, number: usize, input: &ValueInfo) -> Value {
        let (value, order) = (Value::new(input), input.axis_order());
        if value.channels_first || order.is_channels_last() {
            return value;
        }
        self.begin_call(input.name(), number, vec![value]);
        let places = (0..input.shape().rank()).map(|axis| order.axes().iter().position(|other| *other == axis));
        self.transpose(places.enumerate().map(|(axis, place)| place.unwrap_or(axis)));
        self.layer_output(0, input.shape())
    }

    /// Appends a `Transpose` node that permutes the axes of samples.
    fn transpose(&mut self, axes: impl Iterator<Item = usize>) {
        let axes = std::iter::once(0).chain(axes.map(|axis| axis as i64 + 1)).collect();
        self.node("Transpose", &[], &[("perm", Attribute::Integers(axes))]);
    }

    /// Begins a call of a layer.
    pub(super) fn begin_call(&mut self, layer: &str, number: usize, inputs: Vec<Value>) {
        self.layer = (layer.to_owned(), number);
        self.values = inputs;
    }

    /// Returns an output of the current layer, whose samples have this shape.
    pub(super) fn layer_output(&self, number: usize, shape: SampleShape) -> Value {
        Value { shape, ..self.values.get(number).unwrap_or(&self.values[0]).clone() }
    }

    /// Appends the nodes of a graph. `outputs` are the names of the values that it computes for the current layer, and
    /// whether the channels of each are first.
    pub(super) fn graph(&mut self, nodes: Vec<Node>, outputs: Vec<(String, bool)>) {
        self.opset = nodes.iter().map(|node| node.version).fold(self.opset, i64::max);
        self.nodes.extend(nodes);
        let shape = self.shape();
        self.values = outputs.into_iter().map(|(name, channels_first)| Value { name, shape, channels_first }).collect();
    }

    /// The name and the layout of an input of the current layer: whether its channels are first.
    pub(super) fn layer_input(&self, number: usize) -> (String, bool) {
        let value = &self.values[number];
        (value.name.clone(), value.channels_first)
    }

    /// The name of the current layer, and the number of its call.
    pub(super) fn layer(&self) -> (&str, usize) {
        (&self.layer.0, self.layer.1)
    }

    /// The values of a weight of the current layer.
    pub(super) fn weight_values(&self, part: &str) -> std::result::Result<Vec<f32>, String> {
        let id = self.params.id(&self.name(part)).map_err(|error| error.to_string())?;
        Ok(self.params.get(id).iter().copied().collect())
    }

    /// Raises the operator set of the file to one that a node needs.
    pub(super) fn require(&mut self, opset: i64) {
        self.opset = self.opset.max(opset);
    }

    /// The operator set that all nodes need.
    pub(super) fn opset(&self) -> i64 {
        self.opset
    }

    /// Makes a value an output of the model in an axis order.
    pub(super) fn add_output(&mut self, name: &str, value: Value, order: AxisOrder) {
        self.begin_call(name, self.nodes.len(), vec![value]);
        let rank = self.shape().rank();
        if has_channels_first(order, rank) {
            self.channels_first();
        } else {
            self.channels_last();
        }
        if !order.is_channels_last() && !self.is_channels_first() {
            self.transpose((0..rank).map(|axis| order.axes().get(axis).copied().unwrap_or(axis)));
        }
        self.node("Identity", &[], &[]);
        if let Some(output) = self.nodes.last_mut().and_then(|node| node.outputs.first_mut()) {
            *output = name.to_owned();
        }
    }

    /// The number of inputs of the current layer.
    pub(super) fn arity(&self) -> usize {
        self.values.len()
    }

    /// The shape of one sample of the first value.
    pub(super) fn shape(&self) -> SampleShape {
        self.values[0].shape
    }

    /// Replaces the shape of one sample of the first value.
    pub(super) fn set_shape(&mut self, shape: SampleShape) {
        self.values[0].shape = shape;
    }

    /// The current name of the first value.
    pub(super) fn value(&self) -> String {
        self.values[0].name.clone()
    }

    /// Appends a node whose first input is the first value, followed by `inputs`.
    pub(super) fn node(&mut self, operator: &str, inputs: &[&str], attributes: &[(&str, Attribute)]) {
        let value = self.value();
        self.node_of(operator, &[&[value.as_str()], inputs].concat(), attributes);
    }

    /// Appends a node whose inputs are all values.
    pub(super) fn join(&mut self, operator: &str, attributes: &[(&str, Attribute)]) {
        let names: Vec<String> = self.values.iter().map(|value| value.name.clone()).collect();
        self.node_of(operator, &names.iter().map(String::as_str).collect::<Vec<_>>(), attributes);
    }

    /// Appends a node with the given inputs.
    pub(super) fn node_of(&mut self, operator: &str, inputs: &[&str], attributes: &[(&str, Attribute)]) {
        let outputs = self.node_with_outputs(operator, inputs, attributes, 1);
        self.set_value(&outputs[0]);
    }

    /// Appends a node with the given inputs and a number of outputs; returns their names.
    pub(super) fn node_with_outputs(
        &mut self,
        operator: &str,
        inputs: &[&str],
        attributes: &[(&str, Attribute)],
        count: usize,
    ) -> Vec<String> {
        let (layer, number) = &self.layer;
        let name = format!("{layer}/{operator}_{number}_{}", self.nodes.len());
        let output = |output: usize| if output == 0 { name.clone() } else { format!("{name}_{output}") };
        let outputs: Vec<String> = (0..count).map(output).collect();
        let node = Node {
            name,
            operator: operator.into(),
            domain: String::new(),
            version: OPSET,
            inputs: inputs.iter().map(|name| (*name).to_owned()).collect(),
            outputs: outputs.clone(),
            attributes: attributes.iter().map(|(name, value)| ((*name).to_owned(), value.clone())).collect(),
        };
        self.nodes.push(node);
        outputs
    }

    /// Replaces the first value.
    pub(super) fn set_value(&mut self, name: &str) {
        self.values[0].name = name.to_owned();
    }

    /// A name with the prefix of the current layer.
    fn name(&self, part: &str) -> String {
        format!("{}/{part}", self.layer.0)
    }

    /// Adds a constant; returns its name.
    pub(super) fn constant(&mut self, part: &str, tensor: &Tensor) -> String {
        let name = self.name(part);
        if !self.constants.iter().any(|constant| constant.name.as_deref() == Some(&name)) {
            self.constants.push(tensor.write(&name));
        }
        name
    }

    /// Adds a constant that is not a weight of the layer, as a node; returns its name. Initializers with axes are weights.
    pub(super) fn fixed_constant(&mut self, part: &str, tensor: Tensor) -> String {
        let name = self.name(part);
        if !self.nodes.iter().any(|node| node.outputs.first() == Some(&name)) {
            let outputs = self.node_with_outputs("Constant", &[], &[("value", Attribute::Tensor(tensor))], 1);
            if let Some(node) = self.nodes.last_mut().filter(|node| node.outputs == outputs) {
                node.outputs = vec![name.clone()];
            }
        }
        name
    }

    /// A weight of the current layer.
    pub(super) fn weight_tensor(&self, part: &str) -> std::result::Result<Tensor, String> {
        let id = self.params.id(&self.name(part)).map_err(|error| error.to_string())?;
        Ok(Tensor::floats(self.params.shape(id).sizes().to_vec(), self.params.get(id).iter().copied().collect()))
    }

    /// Adds a weight of the current layer, optionally with permuted axes; returns its name.
    pub(super) fn weight(&mut self, part: &str, order: Option<&[usize]>) -> std::result::Result<String, String> {
        let tensor = self.weight_tensor(part)?;
        Ok(self.constant(part, &order.map_or_else(|| tensor.clone(), |order| tensor.transposed(order))))
    }

    /// Transposes the first value to channels first, unless it is already.
    pub(super) fn channels_first(&mut self) {
        let rank = self.values[0].rank();
        if !self.values[0].channels_first && rank > 2 {
            let order = order::channels_first(rank).into_iter().map(|axis| axis as i64).collect();
            self.node("Transpose", &[], &[("perm", Attribute::Integers(order))]);
            self.values[0].channels_first = true;
        }
    }

    /// Transposes the first value to channels last, unless it is already.
    pub(super) fn channels_last(&mut self) {
        let rank = self.values[0].rank();
        if self.values[0].channels_first {
            let order = order::channels_last(rank).into_iter().map(|axis| axis as i64).collect();
            self.node("Transpose", &[], &[("perm", Attribute::Integers(order))]);
            self.values[0].channels_first = false;
        }
    }

    /// Transposes all values to channels last, unless all are channels first.
    pub(super) fn align_axis_orders(&mut self) {
        if self.values.iter().all(|value| value.channels_first) {
            return;
        }
        for _ in 0..self.values.len() {
            self.channels_last();
            self.values.rotate_left(1);
        }
    }

    /// Makes the second input of the layer the first, and the first the last.
    pub(super) fn swap_inputs(&mut self) {
        self.values.rotate_left(1);
    }

    /// Removes the axes of size 1 after the channels, which are first.
    pub(super) fn flatten(&mut self) {
        self.node("Flatten", &[], &[("axis", Attribute::Integer(1))]);
        self.values[0].channels_first = false;
    }

    /// The number of axes of the first value, including the batch axis.
    pub(super) fn rank(&self) -> usize {
        self.values[0].rank()
    }

    /// Whether the channels of the first value are currently first.
    pub(super) fn is_channels_first(&self) -> bool {
        self.values[0].channels_first
    }

    /// Converts an axis in gradus, which counts the batch axis or is negative, to the axis in ONNX.
    pub(super) fn axis(&self, axis: isize) -> i64 {
        let rank = self.values[0].rank();
        let place = if axis < 0 { axis + rank as isize } else { axis };
        match usize::try_from(place).ok().filter(|_| self.values[0].channels_first) {
            Some(place) => order::channels_last(rank).get(place).map_or(place as i64, |axis| *axis as i64),
            None => place as i64,
        }
    }

    /// Returns all nodes and constants.
    pub(super) fn finish(self) -> (Vec<proto::Node>, Vec<proto::Tensor>) {
        (self.nodes.iter().map(Node::write).collect(), self.constants)
    }
}

/// Whether an axis order is channels first, for samples with more than one axis.
fn has_channels_first(order: AxisOrder, rank: usize) -> bool {
    rank > 1 && order == AxisOrder::channels_first(rank)
}

impl Node {
    pub(super) fn write(&self) -> proto::Node {
        proto::Node {
            input: self.inputs.clone(),
            output: self.outputs.clone(),
            name: Some(self.name.clone()),
            op_type: Some(self.operator.clone()),
            attribute: self.attributes.iter().map(|(name, value)| value.write(name)).collect(),
            domain: Some(self.domain.clone()).filter(|domain| !domain.is_empty()),
        }
    }
}
