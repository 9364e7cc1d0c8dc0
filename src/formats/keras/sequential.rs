//! Keras' configuration of a `Sequential`, and back.

use super::architecture::Architecture;
use super::config::{Config, Result, object};
use super::entries::{self, Entry};
use crate::architecture::ValueInfo;
use crate::model::layer_name;
use crate::save::Output;
use crate::shape::Shape;
use serde_json::{Value, json};
use std::collections::BTreeMap;

/// The chain of layers that a configuration describes.
pub(super) fn read(config: &Config) -> Result<Architecture> {
    let entries = config.get("layers").and_then(Value::as_array).ok_or("its model has no list of layers")?;
    let mut architecture = Architecture::new(vec![ValueInfo::new("input", input(config, entries)?)]);
    let (mut value, mut counts) = (0, BTreeMap::new());
    for entry in entries.iter().map(Entry::read) {
        let entry = entry?;
        if entry.class == "InputLayer" {
            continue;
        }
        let name = entry.name.clone();
        let spec = entry.spec(architecture.shape(value))?;
        let name = name.unwrap_or_else(|| layer_name(&spec, &mut counts));
        let layer = architecture.layer(name, spec)?;
        value = architecture.apply(layer, vec![value])?;
    }
    (architecture.wiring.chain, architecture.wiring.outputs) = (true, vec![Output::new("output", value)]);
    Ok(architecture)
}

/// The shape of one sample: of the input layer, of the first layer as Keras before version 2.4 has it, or of what the model
/// was built for.
fn input(config: &Config, layers: &[Value]) -> Result<Shape> {
    let first = layers.first().map_or(&Value::Null, |first| &first["config"]);
    let places = [&first["batch_shape"], &first["batch_input_shape"]];
    let found = places.into_iter().find(|found| found.is_array());
    let found = found.or(config.get("build_input_shape").filter(|shape| shape.is_array()));
    entries::sample(found.ok_or("its model does not say the shape of its input; build it in Keras first")?)
}

/// Keras' configuration of a chain.
pub(super) fn to_json(architecture: &Architecture) -> Result<Value> {
    let shape = architecture.wiring.inputs[0].shape;
    let input = std::iter::once(Ok(entries::input("input_layer", shape)));
    let layers: Result<Vec<Value>> = input.chain(architecture.layers.iter().map(entries::layer)).collect();
    let mut config = Config::new();
    config.insert("name".into(), json!("sequential"));
    config.insert("layers".into(), json!(layers?));
    config.insert("build_input_shape".into(), json!(entries::batch(shape)));
    Ok(object("keras", "Sequential", config))
}
