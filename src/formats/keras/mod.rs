//! Keras files: models are saved for Keras and loaded from Keras, and either library can resume the other's training.
//!
//! | file | contents | written by |
//! |---|---|---|
//! | `.keras` | a whole model, as Keras 3 saves it | [`save`] |
//! | `.h5`, `.hdf5` | a whole model, as Keras 1 and 2 saved it and Keras 3 still does | [`save`] |
//! | `.weights.h5` | weights alone | [`save_weights`] |
//! | `.json` | the layers alone, as written by `model.to_json()` in Keras; read by [`load_config`] | |
//!
//! A whole model consists of layers and connections, weights, running statistics, losses, metrics, and the optimizer with its
//! state. A part that one of the libraries does not support is an error that names it. Files are written in the format of
//! Keras 3.15.1. [`load`] also reads files of earlier versions. It supports `Sequential` and functional models; the latter
//! become a [`Graph`](crate::Graph). Models of mixed precision and of other float types are computed in float32.
//!
//! To resume training in Keras, prefer `.keras`. When Keras 3.15.1 loads any `.h5` file, it builds the optimizer without
//! variables, so the model must be compiled again before `fit`.
//!
//! Gradients agree with those of Keras within 10⁻⁵ of the largest magnitude in each array. Where terms nearly cancel, and in
//! deep networks, float32 gradients of both libraries are less exact. There the errors relative to float64 are compared: those
//! of gradus are 0.49 of Keras' in the median and at most 4.2 times as large (46 of 1858 arrays of 200 random models), and in
//! networks of `keras.applications` at most 1.1 in the median and 4.6 times as large. With the TensorFlow backend, Keras squares the gradient of an embedding before it adds the rows of repeated
//! indices. gradus adds them first, like the other backends. Keras does not save the delta of `Huber`.
//!
//! Initializers that gradus does not support are replaced by the default of the layer, as the weights come from the file. The
//! seed, the number of epochs, and the names of inputs and outputs are stored in fields that Keras ignores, so that training
//! resumed from an unchanged file gives identical bits.
//!
//! ```
//! use gradus::formats::keras;
//! use gradus::{Compile, Sequential, layers::*, losses::CategoricalCrossentropy, optimizers::Adam};
//!
//! let network = Sequential::new([4]).add(Dense::new(3).activation(Activation::Softmax));
//! let model = network.compile(Compile::new(Adam::default(), CategoricalCrossentropy::new()).seed(1))?;
//! let path = std::env::temp_dir().join("gradus-doc.keras");
//! keras::save(&model, &path)?; // keras.models.load_model("gradus-doc.keras") opens it
//! assert_eq!(keras::load(&path)?.params().sha256(), model.params().sha256());
//! # std::fs::remove_file(path).unwrap();
//! # Ok::<(), gradus::Error>(())
//! ```

mod activation_layers;
mod archive;
mod cells;
mod channel_orders;
mod channels;
mod config;
mod contents;
mod cudnn;
mod description;
mod entries;
mod families;
mod functional;
mod kind;
mod layer_kinds;
mod layer_options;
mod layers;
mod legacy;
mod loss_scale;
mod losses_metrics;
mod masks;
mod model;
mod names;
mod nested;
mod object;
mod operations;
mod optimizers;
mod options;
mod order;
mod reader;
mod result;
mod sequential;
mod state;
mod stateful;
#[cfg(test)]
mod tests;
mod training;
mod unrolled;
mod weight_files;
mod weights;

use super::budget::{Budget, MemoryLimit};
use super::hdf5;
use super::zip::Archive;
use crate::architecture::Architecture;
use crate::files::{read_whole, unexpected, write_whole};
use crate::model::{Compile, Model};
use crate::save::{Registry, format_problem};
use crate::{Error, Result};
pub use weight_files::{
    WeightArrays, holds_model, load_layers_and_weights, load_weights, load_weights_with, read_arrays, save_weights,
};

#[cfg(feature = "cli")]
pub(crate) use contents::NEVER_COMPILED;
use contents::{Incoming, Outgoing};
use description::ModelDescription;
use std::path::Path;

/// The endings of the files of Keras.
const ENDINGS: &[&str] = &[".keras", ".h5", ".weights.h5"];

/// The signature of zip archives, and so of `.keras` files.
const ZIP: &[u8] = b"PK";

/// The expected kind of file, for messages.
const EXPECTED: &str = "a Keras model (.keras or .h5)";

/// The signature of HDF5 files.
const HDF5: &[u8] = b"\x89HDF";

/// Saves a whole model atomically. The extension of `path` determines the format: `.keras`, `.h5` or `.hdf5`. Missing folders
/// are created.
///
/// # Errors
/// Returns an error for another extension, for a layer, loss, metric or optimizer that Keras does not have, and if the file
/// cannot be written.
pub fn save(model: &Model, path: impl AsRef<Path>) -> Result<()> {
    let path = path.as_ref();
    let write = match extension(path) {
        "keras" => archive::write,
        "h5" | "hdf5" if !is_weights_file(path) => legacy::write,
        _ => {
            return Err(wrong(
                path,
                "the file name must end in .keras, .h5 or .hdf5; save_weights writes .weights.h5".into(),
            ));
        }
    };
    let bytes = Outgoing::new(model).and_then(|outgoing| write(&outgoing)).map_err(|problem| wrong(path, problem))?;
    write_whole(path, &bytes)
}

/// Loads a whole model from a `.keras` or `.h5` file, with the state of its optimizer, so that training can resume. The
/// format is detected from the contents, not from the name.
///
/// # Errors
/// Returns an error if the file cannot be read or is damaged, if the model is neither a `Sequential` nor functional, if it was
/// never compiled, or if a layer, loss, metric, optimizer or option is not supported or is a custom class. One message names
/// all problems. [`load_with`] can add classes and replace the training configuration.
pub fn load(path: impl AsRef<Path>) -> Result<Model> {
    load_with(path, Load::new())
}

/// Options of [`load_with`]: a registry of custom classes, settings that replace the training configuration of the file, and a
/// memory limit.
#[derive(Clone, Debug, Default)]
pub struct Load {
    registry: Registry,
    compile: Option<Compile>,
    memory_limit: MemoryLimit,
}

impl Load {
    /// Creates the options that [`load`] uses: no custom classes, and the training configuration of the file.
    pub fn new() -> Load {
        Load::default()
    }

    /// Adds custom layers, losses, metrics, optimizers, schedules, regularizers and initializers. The
    /// [`FromSpec::CLASS`](crate::FromSpec::CLASS) of a class is the name under which it is registered in Keras, such as
    /// `mine>Attention`. Options that are set in the file become its settings.
    #[must_use]
    pub fn registry(mut self, registry: Registry) -> Load {
        self.registry = registry;
        self
    }

    /// Compiles the model with these settings. The training configuration in the file is ignored.
    #[must_use]
    pub fn compile(mut self, settings: Compile) -> Load {
        self.compile = Some(settings);
        self
    }

    /// Limits the memory for the contents of the file.
    #[must_use]
    pub fn memory_limit(mut self, limit: MemoryLimit) -> Load {
        self.memory_limit = limit;
        self
    }
}

impl From<Compile> for Load {
    fn from(settings: Compile) -> Load {
        Load::new().compile(settings)
    }
}

impl From<Registry> for Load {
    fn from(registry: Registry) -> Load {
        Load::new().registry(registry)
    }
}

impl From<&Registry> for Load {
    fn from(registry: &Registry) -> Load {
        Load::new().registry(registry.clone())
    }
}

impl From<MemoryLimit> for Load {
    fn from(limit: MemoryLimit) -> Load {
        Load::new().memory_limit(limit)
    }
}

/// Loads a whole model like [`load`], with custom classes or with other training settings. The latter also loads models that
/// were never compiled.
///
/// ```
/// use gradus::formats::keras;
/// use gradus::{Compile, Sequential, layers::*, losses::CategoricalCrossentropy, optimizers::*};
/// # let network = Sequential::new([4]).add(Dense::new(3));
/// # let model = network.compile(Compile::new(Sgd::new(0.1), CategoricalCrossentropy::new())).unwrap();
/// # let path = std::env::temp_dir().join("gradus-doc-with.h5");
/// # keras::save(&model, &path).unwrap();
/// let settings = Compile::new(Adam::new(0.01), CategoricalCrossentropy::new().from_logits(true)).seed(7);
/// let model = keras::load_with(&path, settings)?;
/// # std::fs::remove_file(path).unwrap();
/// # Ok::<(), gradus::Error>(())
/// ```
///
/// # Errors
/// The errors of [`load`]. With settings for compilation, the training configuration of the file causes no errors, and those
/// of [`Sequential::compile`](crate::Sequential::compile) are possible.
pub fn load_with(path: impl AsRef<Path>, load: impl Into<Load>) -> Result<Model> {
    let (path, Load { registry, compile, memory_limit }) = (path.as_ref(), load.into());
    let incoming = read(path, &registry, memory_limit, compile.is_none())?;
    let model = match compile {
        Some(settings) => incoming.compiled(settings),
        None => incoming.model(&registry),
    };
    model.map_err(|problem| wrong(path, problem))
}

/// Loads the layers and weights of a whole model and ignores the training configuration. Supports models that were never
/// compiled, or whose optimizer, loss or metrics gradus does not support. [`Architecture::into_model`] or
/// [`Architecture::compile`] converts the result to a model.
///
/// ```
/// use gradus::formats::keras;
/// # use gradus::{Sequential, layers::*};
/// # let model = Sequential::new([4]).add(Dense::new(3)).architecture(0)?.into_model()?;
/// # let path = std::env::temp_dir().join("gradus-doc-architecture.keras");
/// # keras::save(&model, &path)?;
/// let model = keras::load_architecture(&path)?.into_model()?;
/// assert_eq!(model.predict(&ndarray::arr2(&[[0.0, 0.0, 0.0, 0.0]]))?.shape(), [1, 3]);
/// # std::fs::remove_file(path).unwrap();
/// # Ok::<(), gradus::Error>(())
/// ```
///
/// # Errors
/// Returns an error if the file cannot be read or is damaged, if the model is neither a `Sequential` nor functional, or if a
/// layer or one of its options is not supported. [`load_architecture_with`] can add layers.
pub fn load_architecture(path: impl AsRef<Path>) -> Result<Architecture> {
    load_architecture_with(path, Load::new())
}

/// Loads the layers and weights of a whole model like [`load_architecture`], with the custom layers of a registry, or with a
/// memory limit. Settings for compilation are ignored.
///
/// # Errors
/// The errors of [`load_architecture`].
pub fn load_architecture_with(path: impl AsRef<Path>, load: impl Into<Load>) -> Result<Architecture> {
    let (path, Load { registry, memory_limit, .. }) = (path.as_ref(), load.into());
    let incoming = read(path, &registry, memory_limit, false)?;
    incoming.architecture().map_err(|problem| wrong(path, problem))
}

/// Reads a file, with the training configuration if `with_training`.
fn read(path: &Path, registry: &Registry, limit: MemoryLimit, with_training: bool) -> Result<Incoming> {
    let bytes = read_whole(path)?;
    let budget = limit.budget(bytes.len());
    let incoming = match &bytes[..] {
        start if start.starts_with(ZIP) => {
            Archive::read(&bytes, &budget).and_then(|archive| archive::read(&archive, &budget, registry, with_training))
        }
        start if start.starts_with(HDF5) => {
            hdf5::open(&bytes, &budget).and_then(|root| legacy::read(&root, registry, with_training))
        }
        _ => Err(unexpected(&bytes, EXPECTED)),
    };
    incoming.map_err(|problem| wrong(path, format_problem(path, &bytes, ENDINGS, problem)))
}

/// Loads the layers of a model from a JSON configuration, such as the output of `model.to_json()` in Keras or the
/// `config.json` of a `.keras` file. The weights are drawn from the initializers with seed 0; [`load_weights`] replaces
/// them.
///
/// # Errors
/// Returns an error if the file cannot be read, if the model is neither a `Sequential` nor functional, or if a layer or one of
/// its options is not supported.
pub fn load_config(path: impl AsRef<Path>, load: impl Into<Load>) -> Result<Architecture> {
    let (path, Load { registry, memory_limit, .. }) = (path.as_ref(), load.into());
    let bytes = read_whole(path)?;
    let described = describe_config(&bytes, &memory_limit.budget(bytes.len()), &registry);
    described.map_err(|problem| wrong(path, problem))?.initialized().map_err(|problem| wrong(path, problem))
}

/// Describes the layers of a model or of a JSON configuration.
fn describe_file(path: &Path, load: &Load) -> Result<ModelDescription> {
    let Load { registry, memory_limit, .. } = load;
    let bytes = read_whole(path)?;
    if bytes.starts_with(ZIP) || bytes.starts_with(HDF5) {
        return Ok(read(path, registry, *memory_limit, false)?.description);
    }
    describe_config(&bytes, &memory_limit.budget(bytes.len()), registry).map_err(|problem| wrong(path, problem))
}

fn describe_config(bytes: &[u8], budget: &Budget, registry: &Registry) -> Result<ModelDescription, String> {
    let expected = "the JSON configuration of a Keras model";
    let text = std::str::from_utf8(bytes).ok().filter(|text| text.trim_start().starts_with('{'));
    let config = contents::parse(text.ok_or_else(|| unexpected(bytes, expected))?, budget)?;
    if config["class_name"].is_null() {
        return Err(format!("it is another kind of JSON, expected {expected}"));
    }
    let version = config["keras_version"].as_str();
    Ok(contents::describe(&config, &serde_json::Value::Null, version, None, registry, false)?.0)
}

fn extension(path: &Path) -> &str {
    path.extension().and_then(|extension| extension.to_str()).unwrap_or("")
}

fn is_weights_file(path: &Path) -> bool {
    path.to_str().is_some_and(|path| path.ends_with(".weights.h5"))
}

fn wrong(path: &Path, problem: String) -> Error {
    Error::Format { path: path.into(), problem }
}
