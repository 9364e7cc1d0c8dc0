//! Weights in Keras files, including files of whole models: saved for a model, loaded into a model, or read without one.

use super::description::ModelDescription;
use super::{ENDINGS, EXPECTED, HDF5, Load, ZIP, archive, is_weights_file, legacy, weights, wrong};
use crate::Result;
use crate::architecture::Architecture;
use crate::files::{read_whole, unexpected, write_whole};
use crate::formats::budget::{Budget, MemoryLimit};
use crate::formats::hdf5::{self, Array, NewGroup, Values};
use crate::formats::zip::Archive;
use crate::model::Model;
use crate::save::format_problem;
use crate::tape::Params;
use std::path::Path;

/// Whether a file holds a whole model, not only weights.
///
/// # Errors
/// Returns an error if the file cannot be read or is damaged.
pub fn holds_model(path: impl AsRef<Path>) -> Result<bool> {
    let path = path.as_ref();
    let bytes = read_whole(path)?;
    if bytes.starts_with(ZIP) {
        return Ok(true);
    }
    if !bytes.starts_with(HDF5) {
        return Err(wrong(path, unexpected(&bytes, EXPECTED)));
    }
    let budget = MemoryLimit::default().budget(bytes.len());
    let config = hdf5::open(&bytes, &budget).and_then(|root| root.text("model_config"));
    config.map(|config| config.is_some()).map_err(|problem| wrong(path, problem))
}

/// The arrays of a file that were read.
#[derive(Clone, Debug, Default)]
#[non_exhaustive]
pub struct WeightArrays {
    /// The arrays, by their paths in the file.
    pub params: Params,
    /// The arrays that are not numeric or not supported, by their paths, each with the reason.
    pub skipped: Vec<(String, String)>,
}

/// Reads every array of an HDF5 file, such as a `.weights.h5` file of Keras 3 or the weights of Keras 2, by its path in the
/// file. The layers need not be known. Integers are converted to floats.
///
/// # Errors
/// Returns an error if the file cannot be read or is damaged, or if its contents exceed the memory limit.
pub fn read_arrays(path: impl AsRef<Path>, limit: MemoryLimit) -> Result<WeightArrays> {
    let path = path.as_ref();
    let bytes = read_whole(path)?;
    let budget = limit.budget(bytes.len());
    let arrays = hdf5::open(&bytes, &budget).and_then(|root| root.arrays()).map_err(|problem| wrong(path, problem))?;
    let mut found = WeightArrays::default();
    for (name, array) in arrays {
        match array {
            Ok(Array { shape, values }) => {
                let values = match values {
                    Values::Floats(values) => values,
                    Values::Integers(values) => values.into_iter().map(|value| value as f32).collect(),
                };
                found.params.insert(&name, shape, values, true)?;
            }
            Err(problem) => found.skipped.push((name, problem)),
        }
    }
    Ok(found)
}

/// Saves the weights and running statistics atomically as a `.weights.h5` file.
///
/// # Errors
/// Returns an error for another file name, for a layer that Keras does not have, and if the file cannot be written.
pub fn save_weights(model: &Model, path: impl AsRef<Path>) -> Result<()> {
    let path = path.as_ref();
    if !is_weights_file(path) {
        return Err(wrong(path, "the file name must end in .weights.h5".into()));
    }
    let mut root = NewGroup::default();
    let written = ModelDescription::of(model.architecture())
        .and_then(|description| weights::write_layers(&mut root, &description.layers, model.params()));
    let bytes = written.and_then(|()| root.file()).map_err(|problem| wrong(path, problem))?;
    write_whole(path, &bytes)
}

/// Loads every weight and running statistic from a file of Keras with the same layers: `.weights.h5`, `.keras` or `.h5`. The
/// state of the optimizer is kept.
///
/// # Errors
/// Returns an error, and leaves the model unchanged, if the file cannot be read or is damaged, or if its layers or the shapes
/// of its arrays differ from those of the model.
pub fn load_weights(model: &mut Model, path: impl AsRef<Path>) -> Result<()> {
    load_weights_with(model, path, MemoryLimit::default())
}

/// Loads weights like [`load_weights`], with a limit on the memory for the contents of the file.
///
/// # Errors
/// The errors of [`load_weights`], and an error if the contents exceed the limit.
pub fn load_weights_with(model: &mut Model, path: impl AsRef<Path>, limit: MemoryLimit) -> Result<()> {
    let path = path.as_ref();
    let bytes = read_whole(path)?;
    let description = ModelDescription::of(model.architecture());
    let budget = limit.budget(bytes.len());
    let params = description.and_then(|description| read_weights_only(&bytes, &budget, &description));
    let params = params.map_err(|problem| wrong(path, format_problem(path, &bytes, ENDINGS, problem)))?;
    model.params_mut().assign(&params)
}

/// Loads the layers of one file and the weights of another: a model (`.keras`, `.h5`) or a JSON configuration, and a file of
/// weights. Unlike [`load_weights`], it reads the weights of models within models, which are stored under their models.
///
/// # Errors
/// The errors of [`load_architecture`](super::load_architecture) or [`load_config`](super::load_config), and those of
/// [`load_weights`].
pub fn load_layers_and_weights(
    layers: impl AsRef<Path>,
    weights: impl AsRef<Path>,
    load: impl Into<Load>,
) -> Result<Architecture> {
    let (layers, weights, load) = (layers.as_ref(), weights.as_ref(), load.into());
    let description = super::describe_file(layers, &load)?;
    let bytes = read_whole(weights)?;
    let params = read_weights_only(&bytes, &load.memory_limit.budget(bytes.len()), &description);
    let network = params.and_then(|params| description.network(&params));
    network.map_err(|problem| wrong(weights, format_problem(weights, &bytes, ENDINGS, problem)))
}

fn read_weights_only(bytes: &[u8], budget: &Budget, description: &ModelDescription) -> Result<Params, String> {
    if bytes.starts_with(ZIP) {
        let archive = Archive::read(bytes, budget)?;
        let inner = archive.get(archive::WEIGHTS)?;
        return weights::read_layers(&hdf5::open(&inner, budget)?, &description.layers);
    }
    if !bytes.starts_with(HDF5) {
        return Err(unexpected(bytes, "weights of Keras (.weights.h5, .h5 or .keras)"));
    }
    let root = hdf5::open(bytes, budget)?;
    if root.has("model_weights") {
        return legacy::read_weights(&root.group("model_weights")?, &description.layers);
    }
    // Keras 2 wrote files of weights in the layout of whole models.
    match root.texts("layer_names")?.is_empty() {
        true => weights::read_layers(&root, &description.layers),
        false => legacy::read_weights(&root, &description.layers),
    }
}
