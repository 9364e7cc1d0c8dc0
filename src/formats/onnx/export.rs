//! From a model to an ONNX file.
//!
//! Operators are those of version 17. The number of rows stays open. What the file takes and gives lies as the model has
//! it, channels last. Convolutions, pooling and normalisation of channels want them first in ONNX, so values are turned
//! around before the first of them and turned back where an operator needs the other order: twice in most networks, and
//! no weight but the kernels of convolutions has to be stored otherwise.

use super::layers;
use super::node::{Attribute, Node};
use super::proto::{self, element};
use super::tensor::Tensor;
use crate::error::{Error, Result};
use crate::files::write_whole;
use crate::model::Model;
use crate::shape::Shape;
use crate::tape::Params;
use prost::Message;
use std::path::Path;

/// The version of ONNX' operators that is written.
pub(super) const OPSET: i64 = 17;

/// The version of the file format that goes with it.
const IR_VERSION: i64 = 8;

/// Writes what a model predicts with as an ONNX file, whole or not at all. What training needs is not in it.
///
/// ```
/// use gradus::{Compile, Sequential, formats::onnx, layers::*, losses::CategoricalCrossentropy, optimizers::Sgd};
/// let network = Sequential::new([4]).add(Dense::new(3).activation(Activation::Softmax));
/// let model = network.compile(Compile::new(Sgd::new(0.1), CategoricalCrossentropy::new()))?;
/// let path = std::env::temp_dir().join("gradus-doc-model.onnx");
/// onnx::export(&model, &path)?;
/// let again = onnx::import(&path)?.compile(Compile::new(Sgd::new(0.1), CategoricalCrossentropy::new()))?;
/// let x = ndarray::arr2(&[[1.0, 2.0, 3.0, 4.0]]);
/// assert_eq!(again.predict(&x)?, model.predict(&x)?);
/// # std::fs::remove_file(path).unwrap();
/// # Ok::<(), gradus::Error>(())
/// ```
///
/// # Errors
/// [`Error::Unsupported`] with every layer that ONNX cannot say; the file cannot be written.
pub fn export(model: &Model, path: impl AsRef<Path>) -> Result<()> {
    let path = path.as_ref();
    write_whole(path, &bytes(model, path)?)
}

/// The bytes of the same file.
///
/// # Errors
/// [`Error::Unsupported`] with every layer that ONNX cannot say.
pub fn to_bytes(model: &Model) -> Result<Vec<u8>> {
    bytes(model, Path::new("ONNX"))
}

fn bytes(model: &Model, path: &Path) -> Result<Vec<u8>> {
    let description = model.description();
    let wiring = &description.wiring;
    let mut writer = Writer::new(model.params());
    let mut unsupported = Vec::new();
    let inputs = wiring.inputs.iter().map(|(name, shape)| Value::new(name, shape.rank() + 1));
    let mut values: Vec<Value> = inputs.collect();
    for (number, call) in wiring.calls.iter().enumerate() {
        let (name, spec) = &description.layers[call.layer];
        writer.begin(name, number, call.inputs.iter().map(|value| values[*value].clone()).collect());
        if let Err(problem) = layers::write(&mut writer, spec) {
            unsupported.push(format!("layer \"{name}\" ({problem})"));
        }
        let rank = model.value_shapes()[values.len()].rank() + 1;
        values.push(Value { rank, ..writer.value.clone() });
    }
    for (name, value) in &wiring.outputs {
        if wiring.inputs.iter().any(|(input, _)| input == name) {
            unsupported.push(format!("output \"{name}\" (an input has the name)"));
        }
        writer.end(name, values[*value].clone());
    }
    match unsupported.is_empty() {
        true => Ok(writer.finish(model).encode_to_vec()),
        false => Err(Error::Unsupported { path: path.into(), parts: unsupported }),
    }
}

/// A value while it is written.
#[derive(Clone, Debug)]
pub(super) struct Value {
    name: String,
    /// How many axes it has, with the batch's.
    rank: usize,
    /// Whether its channels are first just now.
    channels_first: bool,
}

impl Value {
    fn new(name: &str, rank: usize) -> Value {
        Value { name: name.into(), rank, channels_first: false }
    }
}

/// The nodes and constants so far, and the value that the next node takes.
pub(super) struct Writer<'a> {
    params: &'a Params,
    nodes: Vec<Node>,
    constants: Vec<proto::Tensor>,
    /// The layer that is being written, and the number of its call.
    layer: (String, usize),
    value: Value,
    /// What else the layer takes.
    others: Vec<Value>,
}

impl<'a> Writer<'a> {
    fn new(params: &'a Params) -> Writer<'a> {
        let (layer, value) = ((String::new(), 0), Value::new("", 0));
        Writer { params, nodes: Vec::new(), constants: Vec::new(), layer, value, others: Vec::new() }
    }

    /// Begins with the call of a layer.
    fn begin(&mut self, layer: &str, number: usize, inputs: Vec<Value>) {
        self.layer = (layer.to_owned(), number);
        let mut inputs = inputs.into_iter();
        if let Some(first) = inputs.next() {
            self.value = first;
        }
        self.others = inputs.collect();
    }

    /// Makes a value an output.
    fn end(&mut self, name: &str, value: Value) {
        self.begin(name, self.nodes.len(), vec![value]);
        self.channels_last();
        self.node("Identity", &[], &[]);
        if let Some(output) = self.nodes.last_mut().and_then(|node| node.outputs.first_mut()) {
            *output = name.to_owned();
        }
    }

    /// How many values the layer takes.
    pub(super) fn arity(&self) -> usize {
        1 + self.others.len()
    }

    /// How many axes the value has, with the batch's.
    pub(super) fn rank(&self) -> usize {
        self.value.rank
    }

    /// Puts a node behind the last one. `inputs` come after the value so far.
    pub(super) fn node(&mut self, operator: &str, inputs: &[&str], attributes: &[(&str, Attribute)]) {
        let inputs = [&[self.value.name.as_str()], inputs].concat();
        let (layer, number) = &self.layer;
        let output = format!("{layer}/{operator}_{number}_{}", self.nodes.len());
        let node = Node {
            name: output.clone(),
            operator: operator.into(),
            domain: String::new(),
            version: OPSET,
            inputs: inputs.into_iter().map(str::to_owned).collect(),
            outputs: vec![output.clone()],
            attributes: attributes.iter().map(|(name, value)| ((*name).to_owned(), value.clone())).collect(),
        };
        self.nodes.push(node);
        self.value.name = output;
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
        if !self.value.channels_first && self.value.rank > 2 {
            let rank = self.value.rank as i64;
            let order = [vec![0, rank - 1], (1..rank - 1).collect()].concat();
            self.node("Transpose", &[], &[("perm", Attribute::Integers(order))]);
            self.value.channels_first = true;
        }
    }

    /// Turns it back.
    pub(super) fn channels_last(&mut self) {
        if self.value.channels_first {
            let order = [vec![0], (2..self.value.rank as i64).collect(), vec![1]].concat();
            self.node("Transpose", &[], &[("perm", Attribute::Integers(order))]);
            self.value.channels_first = false;
        }
    }

    /// The axis on which the channels are now.
    pub(super) fn channel_axis(&self) -> i64 {
        if self.value.channels_first { 1 } else { -1 }
    }

    fn finish(self, model: &Model) -> proto::Model {
        let wiring = model.description().wiring;
        let inputs = wiring.inputs.iter().map(|(name, shape)| rows_of(name, *shape));
        let outputs = wiring.outputs.iter().map(|(name, value)| rows_of(name, model.value_shapes()[*value]));
        let graph = proto::Graph {
            node: self.nodes.iter().map(Node::write).collect(),
            name: Some("gradus".into()),
            initializer: self.constants,
            input: inputs.collect(),
            output: outputs.collect(),
        };
        proto::Model {
            ir_version: Some(IR_VERSION),
            producer_name: Some("gradus".into()),
            producer_version: Some(env!("CARGO_PKG_VERSION").into()),
            graph: Some(graph),
            opset_import: vec![proto::OperatorSet { domain: Some(String::new()), version: Some(OPSET) }],
            functions: Vec::new(),
        }
    }
}

/// What says that a value has any number of rows of this shape.
fn rows_of(name: &str, sample: Shape) -> proto::ValueInfo {
    let open = proto::Dimension { dim_value: None, dim_param: Some("rows".into()) };
    let fixed = |size: &usize| proto::Dimension { dim_value: Some(*size as i64), dim_param: None };
    let dim = [open].into_iter().chain(sample.sizes().iter().map(fixed)).collect();
    let shape = Some(proto::TensorShape { dim });
    let tensor_type = Some(proto::TensorType { elem_type: Some(element::FLOAT), shape });
    proto::ValueInfo { name: Some(name.into()), r#type: Some(proto::Type { tensor_type }) }
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
