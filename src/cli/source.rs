//! What a file holds, by its name and its contents.

use crate::architecture::ValueInfo;
use crate::error::{Error, Result};
use crate::formats::npz;
use crate::model::Model;
use crate::save::SafeTensors;
use crate::tape::Params;
use std::path::Path;

/// What a file holds.
#[derive(Debug)]
pub(super) enum Source {
    /// A model, with its training if the file says how it is trained.
    Model(Box<Loaded>),
    /// Arrays alone, and what kind of file they are from.
    Arrays(Params, &'static str),
}

/// A model of a file.
#[derive(Debug)]
pub(super) struct Loaded {
    pub(super) model: Model,
    /// What kind of file it is from.
    pub(super) kind: &'static str,
    /// Why the model has no training, where the file's settings of it could not be read.
    pub(super) problem: Option<String>,
}

impl Loaded {
    fn of_model(model: Model, kind: &'static str) -> Source {
        Source::Model(Box::new(Loaded { model, kind, problem: None }))
    }
}

/// The endings that are known in this build.
pub(super) fn endings() -> String {
    let keras =
        if cfg!(feature = "keras") { "\n  .keras .h5       Keras' models; .weights.h5 their weights" } else { "" };
    let onnx = if cfg!(feature = "onnx") { "\n  .onnx            ONNX' models" } else { "" };
    format!(
        "files:
  .safetensors     gradus' models, arrays, and with --torch those of PyTorch{keras}{onnx}
  .npz .npy        NumPy's arrays
"
    )
}

/// What a file's name ends in.
pub(super) fn ending(path: &Path) -> &str {
    path.extension().and_then(|ending| ending.to_str()).unwrap_or("")
}

/// An error for an ending that is not known in this build.
pub(super) fn unknown_ending(path: &Path) -> Error {
    let feature = match ending(path) {
        "keras" | "h5" | "hdf5" => "; this program was built without the feature keras",
        "onnx" => "; this program was built without the feature onnx",
        _ => "; --help lists the endings that are known",
    };
    Error::Format { path: path.into(), problem: format!("its name ends in nothing that is known here{feature}") }
}

impl Source {
    /// Reads a file of any format but `.npy`.
    pub(super) fn read(path: &Path) -> Result<Source> {
        match ending(path) {
            "safetensors" => safetensors(path),
            "npz" => Ok(Source::Arrays(npz::read_params(path)?, "NumPy's arrays")),
            #[cfg(feature = "keras")]
            "keras" | "h5" | "hdf5" => keras(path),
            #[cfg(feature = "onnx")]
            "onnx" => {
                let architecture = crate::formats::onnx::import(path)?.architecture()?;
                Ok(Loaded::of_model(architecture.into_model()?, "a model of ONNX"))
            }
            _ => Err(unknown_ending(path)),
        }
    }

    /// Reads a model.
    pub(super) fn model(path: &Path) -> Result<Model> {
        match Source::read(path)? {
            Source::Model(loaded) => Ok(loaded.model),
            Source::Arrays(..) => {
                let problem = "it holds arrays but no model; name a file that a whole model was saved to";
                Err(Error::Format { path: path.into(), problem: problem.into() })
            }
        }
    }
}

/// A model of Keras; without its training where that is missing or of parts that are not known here.
#[cfg(feature = "keras")]
fn keras(path: &Path) -> Result<Source> {
    use crate::formats::keras;
    let problem = match keras::load(path) {
        Ok(model) => return Ok(Loaded::of_model(model, "a model of Keras")),
        Err(problem) => problem,
    };
    // If the layers cannot be read either, the first message names them as well.
    let Ok(architecture) = keras::load_architecture(path) else { return Err(problem) };
    let model = architecture.into_model()?;
    Ok(Source::Model(Box::new(Loaded { model, kind: "a model of Keras", problem: Some(problem.to_string()) })))
}

/// The only input and the only output of a model.
pub(super) fn single(path: &Path, model: &Model) -> Result<(ValueInfo, ValueInfo)> {
    match (&model.inputs()[..], &model.outputs()[..]) {
        ([input], [output]) => Ok((input.clone(), output.clone())),
        (inputs, outputs) => {
            let (inputs, outputs) = (inputs.len(), outputs.len());
            let problem = format!("it has {inputs} inputs and {outputs} outputs, expected one of each");
            Err(Error::Format { path: path.into(), problem })
        }
    }
}

/// A model of this library, or arrays of any program.
fn safetensors(path: &Path) -> Result<Source> {
    let contents = SafeTensors::read(path)?;
    if contents.metadata.contains_key("gradus.model") {
        return Ok(Loaded::of_model(Model::load(path)?, "a model of gradus"));
    }
    if contents.metadata.keys().any(|key| key.starts_with("gradus.")) {
        return Ok(Source::Arrays(Params::load(path)?, "arrays of gradus"));
    }
    let mut params = Params::new();
    for array in contents.arrays {
        params.insert(&array.name, array.shape, array.values, true)?;
    }
    Ok(Source::Arrays(params, "arrays of another program"))
}

/// The error that a file does not hold what it should.
pub(super) fn wrong(path: &Path, problem: String) -> Error {
    Error::Format { path: path.into(), problem }
}
