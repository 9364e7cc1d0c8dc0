//! Keras' files: models that were trained here open there, models from there open here, and training goes on in either.
//!
//! | file | holds | written by |
//! |---|---|---|
//! | `.keras` | a whole model, as Keras 3 saves it | [`save`] |
//! | `.h5`, `.hdf5` | a whole model, as Keras 1 and 2 saved it and Keras 3 still does | [`save`] |
//! | `.weights.h5` | weights alone | [`save_weights`] |
//!
//! A whole model is its layers and how they are connected, weights, running statistics, losses, metrics, and optimizer with
//! its state. What only one side has is an error that names it. The files are those of Keras 3.15.1, which also reads models
//! of earlier versions; so does [`load`], for `Sequential` and functional models in float32, a [`Graph`](crate::Graph) here.
//!
//! Prefer `.keras` for training on in Keras: the loader of `.h5` in Keras 3.15.1 prepares the optimizer for no weights, for
//! files of its own as well, so `fit` needs the model to be compiled again there.
//!
//! Gradients are those of Keras to 10⁻⁵ of each array's largest, but where terms nearly cancel: there Keras is as far from
//! its own numbers in float64, and up to three times that is allowed (19 of 841 arrays of 108 random models). On TensorFlow
//! Keras takes squares and norms of an embedding's gradient before it adds up rows that occur twice; here, as with its other
//! backends, they are taken of the sum. Keras does not keep the delta of `Huber` in files.
//!
//! Initialisers that gradus does not have are taken for the layer's own, as weights come from the file. The seed, the number
//! of epochs and the names of inputs and outputs are kept where Keras does not look, so that a file that comes back unchanged
//! goes on with the same bits.
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

mod archive;
mod config;
mod contents;
mod draft;
mod entries;
mod families;
mod functional;
mod kind;
mod layers;
mod legacy;
mod losses_metrics;
mod model;
mod names;
mod object;
mod optimizers;
mod options;
mod order;
mod reader;
mod result;
mod sequential;
mod state;
#[cfg(test)]
mod tests;
mod training;
mod weights;

use super::hdf5::{self, NewGroup};
use super::zip::Archive;
use crate::architecture::Architecture;
use crate::files::{read_whole, write_whole};
use crate::model::{Compile, Model};
use crate::save::Registry;
use crate::tape::Params;
use crate::{Error, Result};
use contents::{Incoming, Outgoing};
use draft::Draft;
use std::path::Path;

/// What zip archives begin with, and so `.keras` files.
const ZIP: &[u8] = b"PK";

/// Writes a whole model, whole or not at all: as `.keras`, or as `.h5` or `.hdf5`.
///
/// # Errors
/// Another ending, a layer, loss, metric or optimizer that Keras does not have, a file that cannot be written.
pub fn save(model: &Model, path: impl AsRef<Path>) -> Result<()> {
    let path = path.as_ref();
    let write = match ending(path) {
        "keras" => archive::write,
        "h5" | "hdf5" if !of_weights(path) => legacy::write,
        _ => return Err(wrong(path, "a Keras model ends in .keras or .h5, and weights alone in .weights.h5".into())),
    };
    let bytes = Outgoing::new(model).and_then(|outgoing| write(&outgoing)).map_err(|problem| wrong(path, problem))?;
    write_whole(path, &bytes)
}

/// Reads a whole model from a `.keras` or `.h5` file, whatever its name ends in. It predicts what it predicted in Keras,
/// and training goes on from the optimizer's state.
///
/// # Errors
/// The file cannot be read or is damaged; the model is neither a `Sequential` nor functional, or was never compiled; a layer,
/// loss, metric, optimizer or option is one that gradus does not have, or a class of another package. One message names
/// all of these. For most there is [`load_with`].
pub fn load(path: impl AsRef<Path>) -> Result<Model> {
    load_with(path, Load::new())
}

/// How [`load_with`] reads a file: with classes of your own, or to be trained otherwise than the file says.
#[derive(Clone, Debug, Default)]
pub struct Load {
    registry: Registry,
    compile: Option<Compile>,
}

impl Load {
    /// As [`load`] does.
    pub fn new() -> Load {
        Load::default()
    }

    /// Adds classes: layers, losses, metrics, optimizers, schedules, regularizers and initializers that Keras does not have, or
    /// gradus does not. A class is found by the name that it is registered under in Keras, such as `mine>Attention`, which is
    /// its [`FromSpec::CLASS`](crate::FromSpec::CLASS); options that are set become its settings.
    #[must_use]
    pub fn registry(mut self, registry: Registry) -> Load {
        self.registry = registry;
        self
    }

    /// Trains the model in this way. Whatever the file says of training is not read.
    #[must_use]
    pub fn compile(mut self, settings: Compile) -> Load {
        self.compile = Some(settings);
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

/// Reads a whole model like [`load`], with classes of your own, or to be trained in another way than the file says, or in any
/// way if it says none.
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
/// As for [`load`]. With settings of training none of the file's, but those of
/// [`Sequential::compile`](crate::Sequential::compile).
pub fn load_with(path: impl AsRef<Path>, load: impl Into<Load>) -> Result<Model> {
    let (path, Load { registry, compile }) = (path.as_ref(), load.into());
    let incoming = read(path, &registry, compile.is_none())?;
    let model = match compile {
        Some(settings) => incoming.compiled(settings),
        None => incoming.model(&registry),
    };
    model.map_err(|problem| wrong(path, problem))
}

/// Reads the layers and weights of a whole model, without what its file says of training: of files that were never compiled,
/// or with an optimizer, a loss or a metric that gradus does not have. The result becomes a model by
/// [`Architecture::into_model`] or [`Architecture::compile`].
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
/// The file cannot be read or is damaged; the model is neither a `Sequential` nor functional; a layer or an option of one is
/// one that gradus does not have. For the last there is [`load_architecture_with`].
pub fn load_architecture(path: impl AsRef<Path>) -> Result<Architecture> {
    load_architecture_with(path, &Registry::new())
}

/// Reads the layers and weights of a whole model with layers of your own, as [`load_architecture`] does without.
///
/// # Errors
/// Those of [`load_architecture`].
pub fn load_architecture_with(path: impl AsRef<Path>, registry: &Registry) -> Result<Architecture> {
    let path = path.as_ref();
    let incoming = read(path, registry, false)?;
    incoming.architecture().map_err(|problem| wrong(path, problem))
}

/// What a file holds, with how the model is trained unless that is not needed.
fn read(path: &Path, registry: &Registry, with_training: bool) -> Result<Incoming> {
    let bytes = read_whole(path)?;
    let incoming = match bytes.starts_with(ZIP) {
        true => Archive::read(&bytes).and_then(|archive| archive::read(&archive, registry, with_training)),
        false => hdf5::open(&bytes).and_then(|root| legacy::read(&root, registry, with_training)),
    };
    incoming.map_err(|problem| wrong(path, problem))
}

/// Writes the weights and running statistics alone, as `.weights.h5`.
///
/// # Errors
/// Another ending, a layer that Keras does not have, a file that cannot be written.
pub fn save_weights(model: &Model, path: impl AsRef<Path>) -> Result<()> {
    let path = path.as_ref();
    if !of_weights(path) {
        return Err(wrong(path, "weights for Keras end in .weights.h5".into()));
    }
    let mut root = NewGroup::default();
    let written = Draft::of(model.architecture())
        .and_then(|draft| weights::write_layers(&mut root, &draft.layers, model.params()));
    written.map_err(|problem| wrong(path, problem))?;
    write_whole(path, &root.file())
}

/// Sets every weight and running statistic from a file of Keras with the same layers: `.weights.h5`, `.keras` or `.h5`.
/// What the optimizer remembers stays. Nothing changes if it fails.
///
/// # Errors
/// The file cannot be read or is damaged, or holds arrays of other layers or shapes.
pub fn load_weights(model: &mut Model, path: impl AsRef<Path>) -> Result<()> {
    let path = path.as_ref();
    let bytes = read_whole(path)?;
    let draft = Draft::of(model.architecture());
    let params = draft.and_then(|draft| weights_alone(&bytes, &draft));
    model.params_mut().assign(&params.map_err(|problem| wrong(path, problem))?)
}

fn weights_alone(bytes: &[u8], draft: &Draft) -> Result<Params, String> {
    if bytes.starts_with(ZIP) {
        let inner = Archive::read(bytes)?.get(archive::WEIGHTS)?;
        return weights::read_layers(&hdf5::open(&inner)?, &draft.layers);
    }
    let root = hdf5::open(bytes)?;
    if root.has("model_weights") {
        return legacy::read_weights(&root.group("model_weights")?, &draft.layers);
    }
    // Keras 2 wrote weights alone as in a whole model.
    match root.texts("layer_names")?.is_empty() {
        true => weights::read_layers(&root, &draft.layers),
        false => legacy::read_weights(&root, &draft.layers),
    }
}

fn ending(path: &Path) -> &str {
    path.extension().and_then(|extension| extension.to_str()).unwrap_or("")
}

fn of_weights(path: &Path) -> bool {
    path.to_str().is_some_and(|path| path.ends_with(".weights.h5"))
}

fn wrong(path: &Path, problem: String) -> Error {
    Error::Format { path: path.into(), problem }
}
