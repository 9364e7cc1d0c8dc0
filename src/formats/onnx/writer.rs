//! What layers write their nodes with: a value that goes from node to node, and knows where its channels are.
//!
//! Convolutions, pooling and normalisation of channels want them first in ONNX, so values are turned around before the
//! first of them and turned back where an operator needs the other order: twice in most networks, and no weight but the
//! kernels of convolutions has to be stored otherwise.

use super::node::{Attribute, Node};
use super::order;
use super::proto;
use super::tensor::Tensor;
use super::versions::OPSET;
use crate::tape::Params;
use crate::{AxisOrder, Shape, ValueInfo};

/// A value while it is written.
#[derive(Clone, Debug)]
pub(super) struct Value {
    name: String,
    /// The shape of one sample here, channels last.
    shape: Shape,
    /// Whether its channels are first just now.
    channels_first: bool,
}

impl Value {
    /// An input of the model, with its channels last or first.
    fn new(input: &ValueInfo) -> Value {
        let channels_first = has_channels_first(input.axis_order(), input.shape().rank());
        Value { name: input.name().into(), shape: input.shape(), channels_first }
    }

    /// How many axes it has, with the batch's.
    fn rank(&self) -> usize {
        self.shape.rank() + 1
    }
}

/// The nodes and constants so far, and the value that the next node takes.
pub(super) struct Writer<'a> {
    params: &'a Params,
    nodes: Vec<Node>,
    constants: Vec<proto::Tensor>,
    /// The layer that is being written, and the number of its call.
    layer: (String, usize),
    /// What the layer takes. The first becomes what the next node takes, and in the end what the layer gives.
    values: Vec<Value>,
}

impl<'a> Writer<'a> {
    pub(super) fn new(params: &'a Params) -> Writer<'a> {
        Writer { params, nodes: Vec::new(), constants: Vec::new(), layer: (String::new(), 0), values: Vec::new() }
    }

    /// What an input gives to the layers. Only axes in an order that is neither channels last nor first are moved at once.
    pub(super) fn input(&mut self, number: usize, input: &ValueInfo) -> Value {
        let (value, order) = (Value::new(input), input.axis_order());
        if value.channels_first || order.is_channels_last() {
            return value;
        }
        self.begin(input.name(), number, vec![value]);
        let places = (0..input.shape().rank()).map(|axis| order.axes().iter().position(|other| *other == axis));
        self.transpose(places.enumerate().map(|(axis, place)| place.unwrap_or(axis)));
        self.given(input.shape())
    }

    /// Puts a `Transpose` of the samples' axes behind the last node.
    fn transpose(&mut self, axes: impl Iterator<Item = usize>) {
        let axes = std::iter::once(0).chain(axes.map(|axis| axis as i64 + 1)).collect();
        self.node("Transpose", &[], &[("perm", Attribute::Integers(axes))]);
    }

    /// Begins with the call of a layer.
    pub(super) fn begin(&mut self, layer: &str, number: usize, inputs: Vec<Value>) {
        self.layer = (layer.to_owned(), number);
        self.values = inputs;
    }

    /// What the layer gives, whose samples have this shape.
    pub(super) fn given(&self, shape: Shape) -> Value {
        Value { shape, ..self.values[0].clone() }
    }

    /// Makes a value an output with its axes in this order.
    pub(super) fn end(&mut self, name: &str, value: Value, order: AxisOrder) {
        self.begin(name, self.nodes.len(), vec![value]);
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

    /// How many values the layer takes.
    pub(super) fn arity(&self) -> usize {
        self.values.len()
    }

    /// The shape of one sample of the value.
    pub(super) fn shape(&self) -> Shape {
        self.values[0].shape
    }

    /// The value's name just now.
    pub(super) fn value(&self) -> String {
        self.values[0].name.clone()
    }

    /// Puts a node behind the last one. `inputs` come after the value so far.
    pub(super) fn node(&mut self, operator: &str, inputs: &[&str], attributes: &[(&str, Attribute)]) {
        let value = self.value();
        self.node_of(operator, &[&[value.as_str()], inputs].concat(), attributes);
    }

    /// Puts a node of all values that the layer takes behind the last one.
    pub(super) fn join(&mut self, operator: &str, attributes: &[(&str, Attribute)]) {
        let names: Vec<String> = self.values.iter().map(|value| value.name.clone()).collect();
        self.node_of(operator, &names.iter().map(String::as_str).collect::<Vec<_>>(), attributes);
    }

    /// Puts a node with these inputs behind the last one.
    pub(super) fn node_of(&mut self, operator: &str, inputs: &[&str], attributes: &[(&str, Attribute)]) {
        let (layer, number) = &self.layer;
        let output = format!("{layer}/{operator}_{number}_{}", self.nodes.len());
        let node = Node {
            name: output.clone(),
            operator: operator.into(),
            domain: String::new(),
            version: OPSET,
            inputs: inputs.iter().map(|name| (*name).to_owned()).collect(),
            outputs: vec![output.clone()],
            attributes: attributes.iter().map(|(name, value)| ((*name).to_owned(), value.clone())).collect(),
        };
        self.nodes.push(node);
        self.values[0].name = output;
    }

    /// A name within the layer.
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

    /// Adds one of the layer's weights as it is, or with its axes in another order; returns its name.
    pub(super) fn weight(&mut self, part: &str, order: Option<&[usize]>) -> std::result::Result<String, String> {
        let id = self.params.id(&self.name(part)).map_err(|error| error.to_string())?;
        let tensor =
            Tensor::floats(self.params.shape(id).sizes().to_vec(), self.params.get(id).iter().copied().collect());
        Ok(self.constant(part, &order.map_or_else(|| tensor.clone(), |order| tensor.transposed(order))))
    }

    /// Turns the value so that its channels are first, ONNX' way.
    pub(super) fn channels_first(&mut self) {
        let rank = self.values[0].rank();
        if !self.values[0].channels_first && rank > 2 {
            let order = order::channels_first(rank).into_iter().map(|axis| axis as i64).collect();
            self.node("Transpose", &[], &[("perm", Attribute::Integers(order))]);
            self.values[0].channels_first = true;
        }
    }

    /// Turns it back.
    pub(super) fn channels_last(&mut self) {
        let rank = self.values[0].rank();
        if self.values[0].channels_first {
            let order = order::channels_last(rank).into_iter().map(|axis| axis as i64).collect();
            self.node("Transpose", &[], &[("perm", Attribute::Integers(order))]);
            self.values[0].channels_first = false;
        }
    }

    /// Turns back all values that the layer takes, unless all have their channels first.
    pub(super) fn alike(&mut self) {
        if self.values.iter().all(|value| value.channels_first) {
            return;
        }
        for _ in 0..self.values.len() {
            self.channels_last();
            self.values.rotate_left(1);
        }
    }

    /// Drops the axes of size 1 behind the channels, which are first.
    pub(super) fn flatten(&mut self) {
        self.node("Flatten", &[], &[("axis", Attribute::Integer(1))]);
        self.values[0].channels_first = false;
    }

    /// The number of the value's axes, with the batch's.
    pub(super) fn rank(&self) -> usize {
        self.values[0].rank()
    }

    /// Whether the value's channels are first just now.
    pub(super) fn is_channels_first(&self) -> bool {
        self.values[0].channels_first
    }

    /// The axis in ONNX that is this one here, which counts from the batch's, or below 0 from the last.
    pub(super) fn axis(&self, axis: isize) -> i64 {
        let rank = self.values[0].rank();
        let place = if axis < 0 { axis + rank as isize } else { axis };
        match usize::try_from(place).ok().filter(|_| self.values[0].channels_first) {
            Some(place) => order::channels_last(rank).get(place).map_or(place as i64, |axis| *axis as i64),
            None => place as i64,
        }
    }

    /// All nodes and constants.
    pub(super) fn finish(self) -> (Vec<proto::Node>, Vec<proto::Tensor>) {
        (self.nodes.iter().map(Node::write).collect(), self.constants)
    }
}

/// Whether this order puts the channels of samples first, and samples have axes other than the channels.
fn has_channels_first(order: AxisOrder, rank: usize) -> bool {
    rank > 1 && order == AxisOrder::channels_first(rank)
}

impl Node {
    fn write(&self) -> proto::Node {
        proto::Node {
            input: self.inputs.clone(),
            output: self.outputs.clone(),
            name: Some(self.name.clone()),
            op_type: Some(self.operator.clone()),
            attribute: self.attributes.iter().map(|(name, value)| value.write(name)).collect(),
            domain: None,
        }
    }
}
