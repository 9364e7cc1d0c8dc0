//! The batch size of stateful layers, which Keras takes from the inputs of the model and gradus from the layers.

use super::object::Config;
use super::result::Result;
use crate::Shape;
use serde_json::{Value, json};

/// Options that contain the shape of a batch.
const BATCH_SHAPES: [&str; 3] = ["batch_shape", "batch_input_shape", "build_input_shape"];

/// Replaces `stateful: true` by the batch size of the inputs, in the configuration of a model. Without a batch size, it is
/// unchanged.
pub(super) fn bind(model: &mut Value) {
    if let Some(rows) = batch_size(model) {
        replace(model, "stateful", &mut |value| {
            if *value == json!(true) {
                *value = json!(rows);
            }
        });
    }
}

/// Writes the batch size of stateful layers to the inputs.
pub(super) fn unbind(model: &mut Value) {
    let mut rows = None;
    replace(model, "stateful", &mut |value| {
        if value.is_u64() {
            rows = Some(std::mem::replace(value, json!(true)));
        }
    });
    let Some(rows) = rows else { return };
    for name in BATCH_SHAPES {
        replace(model, name, &mut |value| {
            if let Some(first) = value.as_array_mut().and_then(|sizes| sizes.first_mut()) {
                *first = rows.clone();
            }
        });
    }
}

/// Removes `stateful` if it is false. If it is true, the inputs have no batch size.
pub(super) fn without_batch_size(config: &mut Config, _input: Option<Shape>) -> Result<()> {
    match config.get("stateful").and_then(Value::as_bool) {
        None => Ok(()),
        Some(stateful) => {
            config.remove("stateful");
            if stateful { Err("stateful is true, but the input of its model has no batch size".into()) } else { Ok(()) }
        }
    }
}

/// The first batch size of an input.
fn batch_size(value: &Value) -> Option<u64> {
    match value {
        Value::Array(values) => values.iter().find_map(batch_size),
        Value::Object(object) => {
            let of_shape = |name: &&str| object.get(*name).and_then(|shape| shape[0].as_u64());
            BATCH_SHAPES[..2].iter().find_map(of_shape).or_else(|| object.values().find_map(batch_size))
        }
        _ => None,
    }
}

/// Calls `change` for every option with this name.
fn replace(value: &mut Value, name: &str, change: &mut dyn FnMut(&mut Value)) {
    match value {
        Value::Array(values) => values.iter_mut().for_each(|value| replace(value, name, change)),
        Value::Object(object) => {
            for (key, value) in object.iter_mut() {
                if key == name {
                    change(value);
                }
                replace(value, name, change);
            }
        }
        _ => {}
    }
}
