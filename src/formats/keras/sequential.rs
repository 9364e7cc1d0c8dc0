//! Configurations of `Sequential` models.

use super::description::{ModelDescription, Output};
use super::entries::{self, Entry};
use super::object::{Config, object};
use super::options::{DTYPE, InactiveOption, NAME, ignored};
use super::reader::Reader;
use super::result::Result;
use crate::Spec;
use serde_json::{Value, json};
use std::collections::BTreeMap;

/// Options of the model, besides its layers and the shape of its input.
const OPTIONS: &[InactiveOption] =
    &[NAME, DTYPE, ignored("trainable", "each layer has this option too, and Keras reads only that")];

/// Reads the configuration of a `Sequential`.
pub(super) fn read(mut config: Config, reader: &mut Reader<'_>) -> Result<ModelDescription> {
    let (layers, built_shape) = (config.remove("layers"), config.remove("build_input_shape"));
    let Some(Value::Array(layers)) = layers else { return Err("its model has no list of layers".into()) };
    reader.check_remaining("the model", &config, &[OPTIONS]);
    // Entries are read one by one, as each is a copy of its configuration.
    let mut entries = layers.iter().map(Entry::read).peekable();
    // The shape of one sample: from the input layer, from the first layer in files of Keras before version 2.4, or from the
    // shape for which the model was built.
    let input = match entries.next_if(|entry| entry.as_ref().is_ok_and(Entry::is_input)) {
        Some(input) => input?.input(reader),
        None => {
            let first = entries.peek().and_then(|first| first.as_ref().ok());
            let of_first = first.and_then(|first| first.object.config.get("batch_input_shape"));
            let shape = of_first.or(built_shape.as_ref()).filter(|shape| shape.is_array());
            let shape = shape.ok_or("the input shape of the model is missing; build the model in Keras first");
            reader.note("", shape).and_then(|shape| reader.note("", entries::sample(shape)))
        }
    };
    let mut description = ModelDescription::of_file(vec![("input".into(), input)], reader.open_size);
    let (mut value, mut counts) = (0, BTreeMap::new());
    for entry in entries {
        let mut entry = entry?;
        let (name, place, class) = (entry.name.clone(), entry.place(), entry.object.class.to_owned());
        let layout = entry.lay_out(&description, &[value]);
        let arranged = description.arrange(layout, &[value], reader.registry);
        let inputs = reader.note(&place, arranged).unwrap_or_else(|| vec![value]);
        let spec = entry.spec(reader, description.stored_shape(inputs[0]));
        let layer = spec.and_then(|spec| {
            let name = name.unwrap_or_else(|| layer_name(&spec, &mut counts));
            reader.note(&place, description.layer(name, spec, class, reader.registry))
        });
        let outputs = description.apply_if_known(layer, inputs.clone(), reader);
        value = outputs.start;
        description.set_orders(layout, &inputs, outputs);
    }
    let last = description.in_order_of_file(value, reader.registry);
    let value = reader.note("", last).unwrap_or(value);
    (description.chain, description.outputs) = (true, vec![Output { name: "output".into(), value }]);
    Ok(description)
}

/// The name of an unnamed layer: the class in snake case, numbered starting with the second layer of the class.
fn layer_name(spec: &Spec, counts: &mut BTreeMap<String, usize>) -> String {
    let class = spec.snake_case();
    let count = counts.entry(class.clone()).or_default();
    *count += 1;
    if *count == 1 { class } else { format!("{class}_{}", *count - 1) }
}

/// Writes the configuration of a `Sequential`.
pub(super) fn to_json(description: &ModelDescription) -> Result<Value> {
    let shape = description.inputs[0].shape;
    let input = std::iter::once(Ok(entries::input("input_layer", shape)));
    let layers: Result<Vec<Value>> = input.chain(description.layers.iter().map(entries::layer)).collect();
    let mut config = Config::new();
    config.insert("name".into(), json!("sequential"));
    config.insert("layers".into(), json!(layers?));
    config.insert("build_input_shape".into(), json!(entries::batch(shape)));
    Ok(object("keras", "Sequential", config))
}
