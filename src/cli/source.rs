//! The contents of a file, by its name and data.

use super::command_line::SampleShape;
use crate::architecture::ValueInfo;
use crate::error::{Error, Result};
use crate::formats::npz;
use crate::model::Model;
use crate::save::SafeTensors;
use crate::tape::Params;
use std::path::Path;

/// The contents of a file.
#[derive(Debug)]
pub(super) enum Source {
    /// A model, with training settings if the file has them.
    Model(Box<Loaded>),
    /// Arrays without a model, and the kind of file.
    Arrays(Params, &'static str),
}

/// A model from a file.
#[derive(Debug)]
pub(super) struct Loaded {
    pub(super) model: Model,
    /// The kind of file.
    pub(super) kind: &'static str,
    /// The error if the file's training settings could not be read.
    pub(super) problem: Option<String>,
}

impl Loaded {
    fn of_model(model: Model, kind: &'static str) -> Source {
        Source::Model(Box::new(Loaded { model, kind, problem: None }))
    }
}

/// The file name endings that this build supports.
pub(super) fn endings() -> String {
    let keras =
        if cfg!(feature = "keras") { "\n  .keras .h5       Keras models; .weights.h5 their weights" } else { "" };
    let onnx = if cfg!(feature = "onnx") { "\n  .onnx            ONNX models" } else { "" };
    format!(
        "files:
  .safetensors     gradus models, arrays, and with --torch arrays of PyTorch{keras}{onnx}
  .npz .npy        NumPy arrays
"
    )
}

/// The ending of a file name.
pub(super) fn ending(path: &Path) -> &str {
    path.extension().and_then(|ending| ending.to_str()).unwrap_or("")
}

/// The error for an ending that this build does not support.
pub(super) fn unknown_ending(path: &Path) -> Error {
    let feature = match ending(path) {
        "keras" | "h5" | "hdf5" => "; this program was built without the feature keras",
        "onnx" => "; this program was built without the feature onnx",
        _ => "; --help lists the supported endings",
    };
    Error::Format { path: path.into(), problem: format!("unknown file name ending{feature}") }
}

impl Source {
    /// Reads a file of any format except `.npy`. `shapes` bind symbolic sizes.
    pub(super) fn read(path: &Path, shapes: &[SampleShape]) -> Result<Source> {
        if let (Some(_), false) = (shapes.first(), ending(path) == "onnx") {
            return Err(wrong(path, "--shape is only for .onnx files; the sizes of other models are fixed".into()));
        }
        match ending(path) {
            "safetensors" => safetensors(path),
            "npz" => Ok(Source::Arrays(npz::read_params(path)?, "NumPy arrays")),
            #[cfg(feature = "keras")]
            "keras" | "h5" | "hdf5" => keras(path),
            #[cfg(feature = "onnx")]
            "onnx" => {
                let architecture = onnx_graph(path, shapes)?.import()?.architecture()?;
                Ok(Loaded::of_model(architecture.into_model()?, "ONNX model"))
            }
            _ => Err(unknown_ending(path)),
        }
    }

    /// Reads a model. `shapes` bind symbolic sizes.
    pub(super) fn model(path: &Path, shapes: &[SampleShape]) -> Result<Model> {
        match Source::read(path, shapes)? {
            Source::Model(loaded) => Ok(loaded.model),
            Source::Arrays(..) => {
                let problem = "it has arrays but no model, expected the file of a model";
                Err(Error::Format { path: path.into(), problem: problem.into() })
            }
        }
    }
}

/// Reads a graph of ONNX, and binds the sizes of its inputs to the given shapes.
#[cfg(feature = "onnx")]
pub(super) fn onnx_graph(path: &Path, shapes: &[SampleShape]) -> Result<crate::formats::onnx::Graph> {
    let mut graph = crate::formats::onnx::Graph::load(path)?;
    for shape in shapes {
        let input = match (&shape.input, &graph.inputs()[..]) {
            (Some(input), _) => input.clone(),
            (None, [input]) => (*input).to_owned(),
            (None, inputs) => {
                let problem = format!("its inputs are {}; name one, as in --shape NAME=3,64,48", inputs.join(", "));
                return Err(wrong(path, problem));
            }
        };
        graph = graph.with_shape(&input, &shape.sizes)?;
    }
    Ok(graph)
}

/// Reads a model of Keras, without training settings if they are missing or not supported.
#[cfg(feature = "keras")]
fn keras(path: &Path) -> Result<Source> {
    use crate::formats::keras;
    let problem = match keras::load(path) {
        Ok(model) => return Ok(Loaded::of_model(model, "Keras model")),
        Err(problem) => problem,
    };
    // If the layers cannot be read either, the first message contains their errors too.
    let Ok(architecture) = keras::load_architecture(path) else { return Err(problem) };
    let model = architecture.into_model()?;
    Ok(Source::Model(Box::new(Loaded { model, kind: "Keras model", problem: Some(problem.to_string()) })))
}

/// The only input and the only output of a model.
pub(super) fn single(path: &Path, model: &Model) -> Result<(ValueInfo, ValueInfo)> {
    match (&model.inputs()[..], &model.outputs()[..]) {
        ([input], [output]) => Ok((input.clone(), output.clone())),
        (inputs, outputs) => {
            let count = |count: usize, what: &str| format!("{count} {what}{}", if count == 1 { "" } else { "s" });
            let (inputs, outputs) = (count(inputs.len(), "input"), count(outputs.len(), "output"));
            let problem = format!("it has {inputs} and {outputs}, expected one of each");
            Err(Error::Format { path: path.into(), problem })
        }
    }
}

/// Reads a model of this library, or arrays of any program.
fn safetensors(path: &Path) -> Result<Source> {
    let contents = SafeTensors::read(path)?;
    if contents.metadata.contains_key("gradus.model") {
        return Ok(Loaded::of_model(Model::load(path)?, "gradus model"));
    }
    if contents.metadata.keys().any(|key| key.starts_with("gradus.")) {
        return Ok(Source::Arrays(Params::load(path)?, "gradus arrays"));
    }
    let mut params = Params::new();
    for array in contents.arrays {
        params.insert(&array.name, array.shape, array.values, true)?;
    }
    Ok(Source::Arrays(params, "arrays of another program"))
}

/// An error about the contents of a file.
pub(super) fn wrong(path: &Path, problem: String) -> Error {
    Error::Format { path: path.into(), problem }
}
