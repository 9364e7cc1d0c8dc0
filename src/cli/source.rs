//! What a file holds, by its name and its contents.

use crate::architecture::ValueInfo;
use crate::error::{Error, Result};
use crate::files::read_whole;
use crate::model::Model;
use crate::save::Contents;
use crate::tape::Params;
use std::path::Path;

/// What a file holds.
#[derive(Debug)]
pub(super) enum Source {
    /// A model, what kind of file it is from, and whether the file says how the model is trained.
    Model(Box<Model>, &'static str, bool),
    /// Arrays alone, and what kind of file they are from.
    Arrays(Params, &'static str),
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
            "npz" => Ok(Source::Arrays(Params::load_npz(path)?, "NumPy's arrays")),
            #[cfg(feature = "keras")]
            "keras" | "h5" | "hdf5" => {
                let model = crate::formats::keras::load(path)?;
                Ok(Source::Model(Box::new(model), "a model of Keras", true))
            }
            #[cfg(feature = "onnx")]
            "onnx" => {
                let imported = crate::formats::onnx::import(path)?;
                let model = imported.compile(settings())?;
                Ok(Source::Model(Box::new(model), "a model of ONNX", false))
            }
            _ => Err(unknown_ending(path)),
        }
    }

    /// Reads a model.
    pub(super) fn model(path: &Path) -> Result<Model> {
        Ok(Source::trained(path)?.0)
    }

    /// Reads a model; whether its file says how it is trained.
    pub(super) fn trained(path: &Path) -> Result<(Model, bool)> {
        match Source::read(path)? {
            Source::Model(model, _, trained) => Ok((*model, trained)),
            Source::Arrays(..) => {
                let problem = "it holds arrays but no model; name a file that a whole model was saved to";
                Err(Error::Format { path: path.into(), problem: problem.into() })
            }
        }
    }
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
    let wrong = |problem| Error::Format { path: path.into(), problem };
    let contents = Contents::decode_foreign(&read_whole(path)?).map_err(wrong)?;
    if contents.metadata.contains_key("gradus.model") {
        return Ok(Source::Model(Box::new(Model::load(path)?), "a model of gradus", true));
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

/// How a model is compiled whose file does not say how it was trained. Nothing but `evaluate` looks at it, which chooses
/// for itself.
#[cfg(feature = "onnx")]
fn settings() -> crate::model::Compile {
    use crate::{losses::MeanSquaredError, optimizers::Sgd};
    crate::model::Compile::new(Sgd::new(0.0), MeanSquaredError::new())
}

/// The error that a file does not hold what it should.
pub(super) fn wrong(path: &Path, problem: String) -> Error {
    Error::Format { path: path.into(), problem }
}
