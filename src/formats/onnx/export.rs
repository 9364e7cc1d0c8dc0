//! Export of models to ONNX files.
//!
//! Files use operator set 20, and symbolic dimensions for the number of rows and for open axes. Inputs and outputs have the
//! axis orders of the model: channels last, unless the model was imported from an ONNX file with another order.

use super::layers;
use super::proto::{self, element};
use super::versions;
use super::writer::{Value, Writer};
use crate::architecture::Architecture;
use crate::files::write_whole;
use crate::save::check_ending;
use crate::{Error, Result, SampleShape, ValueInfo};
use prost::Message;
use std::path::Path;

/// Saves the forward pass of a model or an [`Architecture`] atomically as an ONNX file. The file contains no training
/// configuration.
///
/// Each input and output has the [axis order](Architecture::inputs) of the model: channels last, or the order in the ONNX file
/// from which the model was imported.
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
/// [`Error::Unsupported`] with every layer that cannot be exported, [`Error::Io`] if the file cannot be written, and
/// [`Error::Format`] if the name ends like a file of another format, as in `model.keras`.
pub fn export(model: &impl AsRef<Architecture>, path: impl AsRef<Path>) -> Result<()> {
    let path = path.as_ref();
    check_ending(path, ".onnx")?;
    write_whole(path, &bytes(model.as_ref(), path)?)
}

/// Encodes the file that [`export`] writes.
///
/// # Errors
/// [`Error::Unsupported`] with every layer that cannot be exported.
pub fn to_bytes(model: &impl AsRef<Architecture>) -> Result<Vec<u8>> {
    bytes(model.as_ref(), Path::new("ONNX"))
}

fn bytes(architecture: &Architecture, path: &Path) -> Result<Vec<u8>> {
    let mut writer = Writer::new(architecture.params());
    let mut unsupported = Vec::new();
    let inputs = architecture.inputs().iter().enumerate();
    let mut values: Vec<Value> = inputs.map(|(number, input)| writer.input(number, input)).collect();
    for (number, call) in architecture.calls().iter().enumerate() {
        let layer = architecture.layer(call.layer());
        writer.begin_call(layer.name(), number, call.inputs().iter().map(|value| values[*value].clone()).collect());
        let (spec, count) = (layer.spec(), call.values());
        let written = match layers::write(&mut writer, &spec) {
            Ok(()) if writer.arity() < count => Err(format!("found {count} outputs, expected 1")),
            written => written,
        };
        if let Err(problem) = written {
            unsupported.push(format!("layer \"{}\" ({problem})", layer.name()));
        }
        for number in 0..count {
            values.push(writer.layer_output(number, architecture.value_shape(values.len())));
        }
    }
    for (number, output) in architecture.outputs().iter().enumerate() {
        let name = output.name();
        if architecture.inputs().iter().any(|input| input.name() == name) {
            unsupported.push(format!("output \"{name}\" (an input has the same name)"));
        }
        writer.add_output(name, values[architecture.output_value(number)].clone(), output.axis_order());
    }
    match unsupported.is_empty() {
        true => Ok(file(writer, architecture).encode_to_vec()),
        false => Err(Error::Unsupported { path: path.into(), parts: unsupported }),
    }
}

/// Encodes the nodes and constants of a writer as a file.
fn file(writer: Writer<'_>, architecture: &Architecture) -> proto::Model {
    let rows_of = |value: &ValueInfo| rows_of(value.name(), value.shape_in_file());
    let inputs = architecture.inputs().iter().map(rows_of);
    let outputs = architecture.outputs().iter().map(rows_of);
    let opset = writer.opset();
    let (node, initializer) = writer.finish();
    let graph = proto::Graph {
        node,
        name: Some("gradus".into()),
        initializer,
        input: inputs.collect(),
        output: outputs.collect(),
    };
    proto::Model {
        ir_version: Some(versions::ir_version(opset)),
        producer_name: Some("gradus".into()),
        producer_version: Some(env!("CARGO_PKG_VERSION").into()),
        graph: Some(graph),
        opset_import: vec![proto::OperatorSet { domain: Some(String::new()), version: Some(opset) }],
        functions: Vec::new(),
    }
}

/// Describes a value with a symbolic number of rows of shape `sample`. Each open axis has a symbol with the name of the value,
/// as sizes with the same symbol would have to be equal.
fn rows_of(name: &str, sample: SampleShape) -> proto::ValueInfo {
    let open = |symbol: String| proto::Dimension { dim_value: None, dim_param: Some(symbol) };
    let axis = |(axis, size): (usize, &Option<usize>)| match size {
        Some(size) => proto::Dimension { dim_value: Some(*size as i64), dim_param: None },
        None => open(format!("{name}_{axis}")),
    };
    let dim = [open("rows".into())].into_iter().chain(sample.sizes().iter().enumerate().map(axis)).collect();
    let shape = Some(proto::TensorShape { dim });
    let tensor_type = Some(proto::TensorType { elem_type: Some(element::FLOAT), shape });
    proto::ValueInfo { name: Some(name.into()), r#type: Some(proto::Type { tensor_type }) }
}
