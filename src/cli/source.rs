//! The contents of a file, by its name and data.

use super::command_line::Options;
use crate::architecture::ValueInfo;
use crate::error::{Error, Result};
use crate::files::{Kind, unexpected};
use crate::formats::MemoryLimit;
use crate::formats::npz;
use crate::formats::torch::StateDict;
use crate::model::Model;
use crate::save::{Registry, SafeTensors};
use crate::tape::Params;
use std::fs::File;
use std::io::Read;
use std::path::Path;

/// The contents of a file.
#[derive(Debug)]
pub(super) enum Source {
    /// A model, with training settings if the file has them.
    Model(Box<Loaded>),
    /// Arrays without a model.
    Arrays(Contents),
    /// Layers without weights, from a Keras configuration. The weights of the model are initial weights.
    #[cfg(feature = "keras")]
    Layers(Box<Model>),
}

/// The arrays of a file.
#[derive(Debug)]
pub(super) struct Contents {
    pub(super) params: Params,
    /// The kind of file.
    pub(super) kind: &'static str,
    /// The names of members that are not numeric arrays, each with the reason why it was not read.
    pub(super) skipped: Vec<(String, String)>,
}

/// A model from a file.
#[derive(Debug)]
pub(super) struct Loaded {
    pub(super) model: Model,
    /// The kind of file.
    pub(super) kind: &'static str,
    /// The error if the file's training settings could not be read.
    pub(super) problem: Option<String>,
    /// The outputs of the file that the model does not have.
    pub(super) left_out: Vec<String>,
}

impl Loaded {
    fn of_model(model: Model, kind: &'static str) -> Source {
        Source::Model(Box::new(Loaded { model, kind, problem: None, left_out: Vec::new() }))
    }
}

/// The file name endings that this build supports.
pub(super) fn endings() -> String {
    let keras = if cfg!(feature = "keras") {
        "
  .keras .h5       Keras models; .weights.h5, or .h5 without a model: weights
  .json            Keras configurations, for --model"
    } else {
        ""
    };
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

/// Rejects a file whose contents are of another format than its name.
fn check_contents(path: &Path) -> Result<()> {
    let mut start = Vec::new();
    // A file that cannot be read is reported by its reader.
    let _ = File::open(path).and_then(|file| file.take(64).read_to_end(&mut start));
    let formats = Kind::of(&start).map_or(&[][..], |kind| kind.formats);
    let known = |ending: &str| formats.iter().any(|format| format.ending[1..] == *ending);
    // Keras' files are read by their contents.
    let own = ending(path);
    let is_own = known(own) || matches!(own, "keras" | "h5" | "hdf5") && (known("keras") || known("h5"));
    match formats.first() {
        Some(format) if !is_own => {
            let found = unexpected(&start, &format!("a .{own} file, as its name says"));
            Err(wrong(path, format!("{found}; give it a name that ends in {}", format.ending)))
        }
        _ => Ok(()),
    }
}

impl Source {
    fn arrays(params: Params, kind: &'static str) -> Source {
        Source::Arrays(Contents { params, kind, skipped: Vec::new() })
    }

    /// Reads a file of any format except `.npy`. The shapes of the options bind symbolic sizes.
    pub(super) fn read(path: &Path, options: &Options) -> Result<Source> {
        let limit = options.reading.memory;
        if let (Some(_), false) = (options.shapes.first(), ending(path) == "onnx") {
            return Err(wrong(
                path,
                "--shape is only for .onnx files; other models take the sizes of the samples along open axes".into(),
            ));
        }
        check_contents(path)?;
        match ending(path) {
            "safetensors" => safetensors(path, limit),
            "npz" => {
                let skipped = npz::read_with(path, limit)?.skipped.into_iter().collect();
                let params = npz::read_params_with(path, limit)?;
                Ok(Source::Arrays(Contents { params, kind: "NumPy arrays", skipped }))
            }
            #[cfg(feature = "keras")]
            "keras" | "h5" | "hdf5" => keras(path, limit),
            #[cfg(feature = "keras")]
            "json" => {
                let architecture = crate::formats::keras::load_config(path, limit)?;
                Ok(Source::Layers(Box::new(architecture.into_model()?)))
            }
            #[cfg(feature = "onnx")]
            "onnx" => {
                let graph = onnx_graph(path, options)?;
                let (model, left_out) = (graph.import()?.into_model()?, graph.left_out());
                Ok(Source::Model(Box::new(Loaded { model, kind: "ONNX model", problem: None, left_out })))
            }
            _ => Err(unknown_ending(path)),
        }
    }

    /// Reads a model, or the network of `--model` with the weights of the file. The shapes of the options bind symbolic sizes.
    pub(super) fn model(path: &Path, options: &Options) -> Result<Model> {
        Source::loaded(path, options).map(|loaded| loaded.model)
    }

    /// Reads a model like [`model`](Source::model), with the problem of its training settings.
    pub(super) fn loaded(path: &Path, options: &Options) -> Result<Loaded> {
        if let Some(network) = &options.model {
            let model = with_arrays(network, path, options)?;
            return Ok(Loaded { model, kind: "weights", problem: None, left_out: Vec::new() });
        }
        match Source::read(path, options)? {
            Source::Model(loaded) => Ok(*loaded),
            Source::Arrays(..) => Err(wrong(path, "it has arrays but no model; give the network with --model".into())),
            #[cfg(feature = "keras")]
            Source::Layers(..) => Err(no_weights(path)),
        }
    }

    /// Reads the network of `--model`. Its weights are replaced.
    fn network(path: &Path, options: &Options) -> Result<Model> {
        match Source::read(path, options)? {
            Source::Model(loaded) => Ok(loaded.model),
            Source::Arrays(..) => Err(wrong(path, "it has arrays but no model, expected a model for --model".into())),
            #[cfg(feature = "keras")]
            Source::Layers(model) => Ok(*model),
        }
    }
}

/// Reads a graph of ONNX, and binds the sizes of its inputs to the given shapes.
#[cfg(feature = "onnx")]
pub(super) fn onnx_graph(path: &Path, options: &Options) -> Result<crate::formats::onnx::Graph> {
    check_contents(path)?;
    let mut graph = crate::formats::onnx::Graph::load_with(path, options.reading.memory)?;
    for shape in &options.shapes {
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

/// The error for a configuration that is used as a model.
#[cfg(feature = "keras")]
pub(super) fn no_weights(path: &Path) -> Error {
    wrong(path, "it has layers but no weights; pass it as --model with a file of weights".into())
}

/// Returns the network of a file with the weights of another file.
pub(super) fn with_arrays(network: &Path, from: &Path, options: &Options) -> Result<Model> {
    let (limit, torch) = (options.reading.memory, options.torch);
    let mut model = Source::network(network, options)?;
    match ending(from) {
        "safetensors" if torch => StateDict::of(&model)?.load(&mut model, from)?,
        _ if torch => return Err(only_safetensors(from)),
        "safetensors" => model.load_weights(from)?,
        "npz" => {
            let params = npz::read_params_with(from, limit)?;
            model.params_mut().assign(&params).map_err(|error| wrong(from, format!("{error}{}", remedy(&params))))?;
        }
        // Keras stores the weights of models within models under their models; gradus, which has no such models, does not.
        #[cfg(feature = "keras")]
        "h5" | "hdf5" | "keras" if ["json", "h5", "hdf5", "keras"].contains(&ending(network)) => {
            match crate::formats::keras::load_layers_and_weights(network, from, limit) {
                Ok(loaded) => model.params_mut().assign(loaded.params())?,
                Err(error) => {
                    crate::formats::keras::load_weights_with(&mut model, from, limit).map_err(|_| error)?;
                }
            }
        }
        #[cfg(feature = "keras")]
        "h5" | "hdf5" | "keras" => crate::formats::keras::load_weights_with(&mut model, from, limit)?,
        _ => return Err(unknown_ending(from)),
    }
    Ok(model)
}

/// What to do with arrays that have other names than the weights of the network.
fn remedy(params: &Params) -> &'static str {
    // The paths of Keras' files of weights.
    let of_keras = params.iter().any(|(name, _)| name.contains("/vars/"));
    if of_keras { "; these are names of Keras: convert its file of weights with --model" } else { "" }
}

pub(super) fn only_safetensors(path: &Path) -> Error {
    wrong(path, "with --torch, its name must end in .safetensors".into())
}

/// Reads a model of Keras, without training settings if they are missing or not supported, or the arrays of a file of
/// weights.
#[cfg(feature = "keras")]
fn keras(path: &Path, limit: MemoryLimit) -> Result<Source> {
    use crate::formats::keras;
    let problem = match keras::load_with(path, limit) {
        Ok(model) => return Ok(Loaded::of_model(model, "Keras model")),
        Err(problem) => problem,
    };
    if matches!(keras::holds_model(path), Ok(false)) {
        let keras::WeightArrays { params, skipped } = keras::read_arrays(path, limit)?;
        return Ok(Source::Arrays(Contents { params, kind: "HDF5 arrays without a model", skipped }));
    }
    // Problems with the training settings do not matter if the layers cannot be read either.
    let architecture = keras::load_architecture_with(path, limit)?;
    let model = architecture.into_model()?;
    let problem = Some(problem.to_string()).filter(|problem| !problem.ends_with(keras::NEVER_COMPILED));
    Ok(Source::Model(Box::new(Loaded { model, kind: "Keras model", problem, left_out: Vec::new() })))
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
fn safetensors(path: &Path, limit: MemoryLimit) -> Result<Source> {
    let contents = SafeTensors::read(path)?;
    if contents.metadata.contains_key("gradus.model") {
        let registry = limit.given().map_or_else(Registry::new, |bytes| Registry::new().memory_limit(bytes));
        return Ok(Loaded::of_model(Model::load_with(path, &registry)?, "gradus model"));
    }
    if contents.metadata.keys().any(|key| key.starts_with("gradus.")) {
        return Ok(Source::arrays(Params::load(path)?, "gradus arrays"));
    }
    let mut params = Params::new();
    for array in contents.arrays {
        params.insert(&array.name, array.shape, array.values, true)?;
    }
    Ok(Source::arrays(params, "arrays of another program"))
}

/// An error about the contents of a file.
pub(super) fn wrong(path: &Path, problem: String) -> Error {
    Error::Format { path: path.into(), problem }
}
