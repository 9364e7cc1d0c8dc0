//! Keras' configuration of a `Sequential`, and back.

use super::architecture::Architecture;
use super::config::{Config, Result, object};
use super::entries::{self, Entry};
use super::options::{DTYPE, Inactive, NAME, any};
use super::reader::Reader;
use crate::model::layer_name;
use crate::save::Output;
use serde_json::{Value, json};
use std::collections::BTreeMap;

/// Options of the model itself, beside its layers and the shape of its input.
const OPTIONS: &[Inactive] = &[NAME, DTYPE, any("trainable", "each layer says it too, and Keras reads only that")];

/// The chain of layers that a configuration describes.
pub(super) fn read(mut config: Config, reader: &mut Reader<'_>) -> Result<Architecture> {
    let (layers, built_for) = (config.remove("layers"), config.remove("build_input_shape"));
    let Some(Value::Array(layers)) = layers else { return Err("its model has no list of layers".into()) };
    reader.left("the model", &config, &[OPTIONS]);
    let mut entries = layers.iter().map(Entry::read).collect::<Result<Vec<_>>>()?.into_iter().peekable();
    // The shape of one sample: of the input layer, of the first layer as Keras before version 2.4 has it, or of what the
    // model was built for.
    let input = match entries.next_if(Entry::is_input) {
        Some(input) => input.input(reader),
        None => {
            let of_first = entries.peek().and_then(|first| first.object.config.get("batch_input_shape"));
            let shape = of_first.or(built_for.as_ref()).filter(|shape| shape.is_array());
            let shape = shape.ok_or("the model does not say the shape of its input; build it in Keras first");
            reader.note("", shape).and_then(|shape| reader.note("", entries::sample(shape)))
        }
    };
    let mut architecture = Architecture::new(vec![("input".into(), input)]);
    let (mut value, mut counts) = (0, BTreeMap::new());
    for entry in entries {
        let (name, place, class) = (entry.name.clone(), entry.place(), entry.object.class.to_owned());
        let spec = entry.spec(reader, architecture.shape(value));
        let layer = spec.and_then(|spec| {
            let name = name.unwrap_or_else(|| layer_name(&spec, &mut counts));
            reader.note(&place, architecture.layer(name, spec, class, reader.registry))
        });
        value = architecture.apply_if_known(layer, vec![value], reader);
    }
    (architecture.wiring.chain, architecture.wiring.outputs) = (true, vec![Output::new("output", value)]);
    Ok(architecture)
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
