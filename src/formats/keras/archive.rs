//! The `.keras` format of Keras 3: a zip archive of two JSON files and an HDF5 file of weights.

use super::contents::{self, Incoming, Outgoing, parse};
use super::legacy::KERAS_VERSION;
use super::result::Result;
use super::weights;
use crate::formats::budget::Budget;
use crate::formats::hdf5::{self, NewGroup};
use crate::formats::zip::{self, Archive};
use crate::save::Registry;
use serde_json::{Value, json};

/// The member with the weights.
pub(super) const WEIGHTS: &str = "model.weights.h5";

/// The member with the configuration of the model.
const CONFIG: &str = "config.json";

/// The member with the version of Keras.
const METADATA: &str = "metadata.json";

/// Encodes a whole model.
pub(super) fn write(model: &Outgoing<'_>) -> Result<Vec<u8>> {
    let mut config = model.description.to_json()?;
    if let Some(training) = &model.training {
        let mut compiled = training.to_json(&model.description.outputs())?;
        compiled["optimizer"] = training.optimizer_to_json()?;
        config["compile_config"] = compiled;
    }
    // The date of saving is left out, so that identical models give identical files.
    let metadata = json!({"keras_version": KERAS_VERSION, "gradus": model.gradus()});
    let mut root = NewGroup::default();
    weights::write_layers(&mut root, &model.description.layers, model.params)?;
    weights::write_optimizer(&mut root, model);
    let (metadata, config) = (metadata.to_string(), config.to_string());
    zip::write(&[(METADATA, metadata.as_bytes()), (CONFIG, config.as_bytes()), (WEIGHTS, &root.file()?)])
}

/// Reads a whole model, with its training configuration if `with_training`.
pub(super) fn read(
    archive: &Archive<'_>,
    budget: &Budget,
    registry: &Registry,
    with_training: bool,
) -> Result<Incoming> {
    let mut config = json(archive, budget, CONFIG)?;
    let compiled = match config["compile_config"].take() {
        Value::Object(compile) if !compile.is_empty() => Some(compile),
        _ => None,
    };
    let metadata = json(archive, budget, METADATA).unwrap_or(Value::Null);
    let (gradus, version) = (metadata["gradus"].clone(), metadata["keras_version"].as_str());
    let (description, training) = contents::describe(&config, &gradus, version, compiled, registry, with_training)?;
    let bytes = archive.get(WEIGHTS)?;
    let root = hdf5::open(&bytes, budget)?;
    let params = weights::read_layers(&root, &description.layers)?;
    Ok(Incoming { description, training, params, variables: weights::read_optimizer(&root), gradus })
}

fn json(archive: &Archive<'_>, budget: &Budget, name: &str) -> Result<Value> {
    let bytes = archive.get(name)?;
    parse(std::str::from_utf8(&bytes).map_err(|_| format!("its {name} is not UTF-8"))?, budget)
}
