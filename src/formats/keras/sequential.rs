//! Keras' configuration of a `Sequential`, and back.

use super::draft::{Draft, Output};
use super::entries::{self, Entry};
use super::object::{Config, object};
use super::options::{DTYPE, Inactive, NAME, any};
use super::reader::Reader;
use super::result::Result;
use crate::Spec;
use serde_json::{Value, json};
use std::collections::BTreeMap;

/// Options of the model itself, beside its layers and the shape of its input.
const OPTIONS: &[Inactive] = &[NAME, DTYPE, any("trainable", "each layer says it too, and Keras reads only that")];

/// The chain of layers that a configuration describes.
pub(super) fn read(mut config: Config, reader: &mut Reader<'_>) -> Result<Draft> {
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
    let mut draft = Draft::new(vec![("input".into(), input)]);
    let (mut value, mut counts) = (0, BTreeMap::new());
    for entry in entries {
        let (name, place, class) = (entry.name.clone(), entry.place(), entry.object.class.to_owned());
        let spec = entry.spec(reader, draft.shape(value));
        let layer = spec.and_then(|spec| {
            let name = name.unwrap_or_else(|| layer_name(&spec, &mut counts));
            reader.note(&place, draft.layer(name, spec, class, reader.registry))
        });
        value = draft.apply_if_known(layer, vec![value], reader);
    }
    (draft.chain, draft.outputs) = (true, vec![Output { name: "output".into(), value }]);
    Ok(draft)
}

/// The name of a layer that has none: the class in snake case, and from the second of its kind on a number.
fn layer_name(spec: &Spec, counts: &mut BTreeMap<String, usize>) -> String {
    let class = spec.snake_case();
    let count = counts.entry(class.clone()).or_default();
    *count += 1;
    if *count == 1 { class } else { format!("{class}_{}", *count - 1) }
}

/// Keras' configuration of a chain.
pub(super) fn to_json(draft: &Draft) -> Result<Value> {
    let shape = draft.inputs[0].shape;
    let input = std::iter::once(Ok(entries::input("input_layer", shape)));
    let layers: Result<Vec<Value>> = input.chain(draft.layers.iter().map(entries::layer)).collect();
    let mut config = Config::new();
    config.insert("name".into(), json!("sequential"));
    config.insert("layers".into(), json!(layers?));
    config.insert("build_input_shape".into(), json!(entries::batch(shape)));
    Ok(object("keras", "Sequential", config))
}
