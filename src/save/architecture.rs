//! Architectures in files: layers with their weights, without the training state.

use super::describe::{Description, TrainingSpec};
use super::file::{self, Store, Stored};
use super::registry::Registry;
use crate::architecture::{Architecture, Layers};
use crate::error::{Error, Result};
use crate::spec::Spec;
use crate::tape::Params;
use std::path::Path;
use std::sync::Arc;

impl Architecture {
    /// Writes layers, connections, weights and running statistics to a file, atomically. Creates missing folders.
    /// [`Model::save`](crate::Model::save) also writes the training state. [`crate::save`] describes the format.
    ///
    /// ```
    /// use gradus::save::Registry;
    /// use gradus::{Architecture, Sequential, layers::Dense};
    /// let architecture = Sequential::new([4]).add(Dense::new(3)).architecture(1)?;
    /// let path = std::env::temp_dir().join("gradus-doc-architecture.safetensors");
    /// architecture.save(&path)?;
    /// let loaded = Architecture::load(&path, &Registry::new())?;
    /// assert_eq!(loaded.params().sha256(), architecture.params().sha256());
    /// # std::fs::remove_file(path).unwrap();
    /// # Ok::<(), gradus::Error>(())
    /// ```
    ///
    /// # Errors
    /// The file cannot be written, or its name ends like a file of another format, as in `model.keras`.
    pub fn save(&self, path: impl AsRef<Path>) -> Result<()> {
        self.check_params()?;
        let description = Description::of(self, None, Vec::new());
        let store = Store { params: self.params(), optimizer: Vec::new(), model: Some(&description), record: None };
        store.write(path.as_ref())
    }

    /// Reads layers, connections, weights and running statistics from a file written by
    /// [`Model::save`](crate::Model::save), [`Checkpoint::save`](crate::Checkpoint::save) or [`Architecture::save`].
    /// Training state in the file is ignored. `registry` contains the built-in layers and custom ones.
    ///
    /// # Errors
    /// The file cannot be read, is damaged, has a newer format version, contains no model, or contains a layer that is
    /// not in the registry.
    pub fn load(path: impl AsRef<Path>, registry: &Registry) -> Result<Architecture> {
        let path = path.as_ref();
        made(path, file::read(path)?, registry)
    }

    /// Decodes the bytes of a file that [`load`](Architecture::load) reads. It is for programs that get models otherwise, such as
    /// pages, or that contain one.
    ///
    /// ```
    /// use gradus::save::Registry;
    /// use gradus::{Architecture, Sequential, layers::Dense};
    /// let path = std::env::temp_dir().join("gradus-doc-from-bytes.safetensors");
    /// Sequential::new([4]).add(Dense::new(3)).architecture(1)?.save(&path)?;
    /// let bytes = std::fs::read(&path).unwrap(); // or include_bytes!
    /// let model = Architecture::from_bytes(&bytes, &Registry::new())?.into_model()?;
    /// assert_eq!(model.params().count(true), 4 * 3 + 3);
    /// # std::fs::remove_file(path).unwrap();
    /// # Ok::<(), gradus::Error>(())
    /// ```
    ///
    /// # Errors
    /// The bytes are damaged or of another kind, have a newer format version, contain no model, or contain a layer that is not in
    /// the registry.
    pub fn from_bytes(bytes: &[u8], registry: &Registry) -> Result<Architecture> {
        let path = Path::new("safetensors");
        made(path, file::decode(path, bytes)?, registry)
    }
}

/// The architecture in a file.
fn made(path: &Path, stored: Stored, registry: &Registry) -> Result<Architecture> {
    let Stored { params, model, .. } = stored;
    let wrong = |problem| Error::Format { path: path.into(), problem };
    let model = model.ok_or_else(|| wrong(NO_MODEL.into()))?;
    model.architecture(&params, registry).map_err(|error| wrong(error.to_string()))
}

/// The problem of a file that contains arrays where a model is expected.
pub(crate) const NO_MODEL: &str = "it has arrays but no model; build the model in code and call load_weights";

impl Description {
    /// Creates the description of a model with this architecture.
    pub(crate) fn of(
        architecture: &Architecture,
        training: Option<TrainingSpec>,
        preprocessing: Vec<(String, Spec)>,
    ) -> Description {
        let layers = architecture.layers().map(|layer| (layer.name().to_owned(), layer.spec())).collect();
        Description { connections: architecture.connections().clone(), layers, training, preprocessing }
    }

    /// Checks that every layer can be made from its spec.
    ///
    /// # Errors
    /// [`Error::Spec`] with the first layer that is, or contains, a closure.
    pub(crate) fn check_closures(&self) -> Result<()> {
        let Some((name, spec)) = self.layers.iter().find(|(_, spec)| spec.has_closure()) else { return Ok(()) };
        let is = if spec.class() == "Lambda" { "is" } else { "contains" };
        let remedy = "use a type that implements Layer and FromSpec";
        let problem = format!("layer {name} {is} a closure, which cannot be saved; {remedy}");
        Err(Error::Spec { class: "Lambda".into(), problem })
    }

    /// Creates the architecture with arrays from `params`. Allocations are limited by their size, even
    /// if the description is malicious.
    pub(crate) fn architecture(&self, params: &Params, registry: &Registry) -> Result<Architecture> {
        let layer = |(name, spec): &(String, Spec)| Ok((Some(name.clone()), Arc::from(registry.make_layer(spec)?)));
        let layers: Layers = self.layers.iter().map(layer).collect::<Result<_>>()?;
        Architecture::with_params(self.connections.clone(), layers, params)
    }
}
