//! `RNN` layers of Keras with built-in cells, which are read as layers: an `RNN` of an `LSTMCell` as an `LSTM`, and one of
//! several cells as a layer for each cell, of which all but the last return sequences.

use super::object::Config;
use super::result::Result;
use serde_json::{Value, json};
use std::collections::BTreeMap;

/// The cells that are read, and their layers.
const CELLS: [(&str, &str); 3] = [("GRUCell", "GRU"), ("LSTMCell", "LSTM"), ("SimpleRNNCell", "SimpleRNN")];

/// The place of the weights of a layer that was a cell of an `RNN`.
#[derive(Debug)]
pub(super) struct Cell {
    /// The name of the `RNN`.
    pub(super) rnn: String,
    /// The folder of the weights in that of the `RNN`, in `.weights.h5` files.
    pub(super) folder: String,
}

/// Replaces the `RNN` layers in the configuration of a model. Returns the cells by the names of their layers.
pub(super) fn replace(model: &mut Value) -> Result<BTreeMap<String, Cell>> {
    let mut cells = BTreeMap::new();
    // Keras before version 2.2.3 wrote the list of layers alone.
    let list = match &mut model["config"] {
        Value::Array(list) => Some(list),
        config => config.get_mut("layers").and_then(Value::as_array_mut),
    };
    let Some(list) = list else { return Ok(cells) };
    for mut layer in std::mem::take(list) {
        replace_inner(&mut layer["config"]);
        let name = layer["name"].as_str().or(layer["config"]["name"].as_str()).unwrap_or_default().to_owned();
        if single(&mut layer) {
            cells.insert(name.clone(), Cell { rnn: name, folder: "cell".into() });
            list.push(layer);
        } else if let Some(stack) = stacked(&layer) {
            list.extend(split(&layer, &name, &stack, &mut cells)?);
        } else {
            list.push(layer);
        }
    }
    Ok(cells)
}

/// Replaces the `RNN` layers with one cell within a layer, such as a `Bidirectional`.
fn replace_inner(value: &mut Value) {
    match value {
        Value::Array(values) => values.iter_mut().for_each(replace_inner),
        Value::Object(object) => {
            object.values_mut().for_each(replace_inner);
            single(value);
        }
        _ => {}
    }
}

/// The layer of a cell.
fn layer_of(cell: &Value) -> Option<&'static str> {
    let class = cell["class_name"].as_str()?;
    CELLS.iter().find_map(|(cell, layer)| (*cell == class).then_some(*layer))
}

/// Replaces an `RNN` with one cell by the layer of the cell. Returns whether it was one.
fn single(value: &mut Value) -> bool {
    let layer = if value["class_name"] == "RNN" { layer_of(&value["config"]["cell"]) } else { None };
    let Some(layer) = layer else { return false };
    let config = joined(&value["config"], &value["config"]["cell"]);
    (value["class_name"], value["config"]) = (json!(layer), Value::Object(config));
    if !value["registered_name"].is_null() {
        value["registered_name"] = json!(layer);
    }
    true
}

/// The options of an `RNN` and those of one of its cells.
fn joined(rnn: &Value, cell: &Value) -> Config {
    let own = ["name", "trainable", "dtype"];
    let mut config = cell["config"].as_object().cloned().unwrap_or_default();
    config.retain(|name, _| !own.contains(&name.as_str()));
    let of_rnn = rnn.as_object().into_iter().flatten().filter(|(name, _)| *name != "cell");
    config.extend(of_rnn.map(|(name, value)| (name.clone(), value.clone())));
    config
}

/// The cells of an `RNN` with several built-in cells.
fn stacked(layer: &Value) -> Option<Vec<Value>> {
    let cell = &layer["config"]["cell"];
    let is_stack = layer["class_name"] == "RNN" && cell["class_name"] == "StackedRNNCells";
    let cells = cell["config"]["cells"].as_array().filter(|_| is_stack)?;
    cells.iter().all(|cell| layer_of(cell).is_some()).then(|| cells.clone())
}

/// The layers of an `RNN` with several cells. Each but the last has a number after the name of the `RNN`.
fn split(layer: &Value, name: &str, stack: &[Value], cells: &mut BTreeMap<String, Cell>) -> Result<Vec<Value>> {
    for option in ["go_backwards", "return_state"] {
        if layer["config"][option] == true && stack.len() > 1 {
            return Err(format!("layer \"{name}\" (RNN): {option} with several cells is not supported"));
        }
    }
    let (mut layers, mut counts) = (Vec::new(), BTreeMap::<String, usize>::new());
    let names: Vec<String> = (1..stack.len()).map(|number| format!("{name}_cell_{number}")).collect();
    for (number, cell) in stack.iter().enumerate() {
        let class = cell["class_name"].as_str().unwrap_or_default();
        let snake = super::names::snake_case(class);
        let count = counts.entry(snake.clone()).or_default();
        let folder = if *count == 0 { snake } else { format!("{snake}_{count}") };
        *count += 1;
        let own = names.get(number).map_or(name, String::as_str);
        let (mut part, mut config) = (layer.clone(), joined(&layer["config"], cell));
        config.insert("name".into(), json!(own));
        if number + 1 < stack.len() {
            config.insert("return_sequences".into(), json!(true));
        }
        (part["class_name"], part["config"]) = (json!(layer_of(cell)), Value::Object(config));
        if !part["name"].is_null() {
            part["name"] = json!(own);
        }
        if !part["registered_name"].is_null() {
            part["registered_name"] = part["class_name"].clone();
        }
        if let (Some(calls), Some(previous)) = (part["inbound_nodes"].as_array_mut(), number.checked_sub(1)) {
            for (call, inputs) in calls.iter_mut().enumerate() {
                let history = json!([names[previous], call, 0]);
                match inputs {
                    // Keras 3, with the mask among the further arguments.
                    Value::Object(inputs) => {
                        let tensor = json!({"class_name": "__keras_tensor__", "config": {"keras_history": history}});
                        inputs.insert("args".into(), json!([tensor]));
                    }
                    _ => *inputs = json!([[names[previous], call, 0, {}]]),
                }
            }
        }
        cells.insert(own.to_owned(), Cell { rnn: name.to_owned(), folder: format!("cell/cells/{folder}") });
        layers.push(part);
    }
    Ok(layers)
}
