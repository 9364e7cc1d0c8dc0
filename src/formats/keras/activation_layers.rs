//! Activations that are layers, as in `Dense(3, activation=LeakyReLU())`, which are read as layers of the model.

use super::nested::{self, Reference};
use super::object::Object;
use serde_json::{Value, json};
use std::collections::{BTreeMap, BTreeSet};

/// The layers that are read as activations. They have no weights.
const ACTIVATIONS: [&str; 4] = ["ELU", "LeakyReLU", "ReLU", "Softmax"];

/// The layers whose activation is the last operation on their output.
const ACTIVATED: [&str; 12] = [
    "Activation",
    "Conv1D",
    "Conv1DTranspose",
    "Conv2D",
    "Conv2DTranspose",
    "Conv3D",
    "Conv3DTranspose",
    "Dense",
    "DepthwiseConv1D",
    "DepthwiseConv2D",
    "SeparableConv1D",
    "SeparableConv2D",
];

/// Inserts each activation that is a layer after the layer that applies it.
pub(super) fn separate(model: &mut Value) {
    let Some(list) = nested::layers_mut(model) else { return };
    let mut names: BTreeSet<String> = list.iter().map(nested::name).collect();
    // The names of the activations, by those of the layers.
    let mut separated = BTreeMap::new();
    for mut layer in std::mem::take(list) {
        let Some(mut activation) = activation(&layer) else {
            list.push(layer);
            continue;
        };
        let own = nested::name(&layer);
        let name = nested::unused(format!("{own}_activation"), &names);
        names.insert(name.clone());
        activation["name"] = json!(name);
        activation["config"]["name"] = json!(name);
        if let Some(calls) = layer["inbound_nodes"].as_array() {
            activation["inbound_nodes"] =
                calls.iter().enumerate().map(|(call, form)| input(&own, call, form)).collect();
        }
        layer["config"]["activation"] = json!("linear");
        separated.insert(own, name);
        list.extend([layer, activation]);
    }
    let of_layer = |reference: &Reference| {
        let (layer, call, output) = &reference.source;
        separated.get(layer).map(|activation| (activation.clone(), *call, *output))
    };
    let activations: BTreeSet<&String> = separated.values().collect();
    for layer in list.iter_mut().filter(|layer| !activations.contains(&nested::name(layer))) {
        layer.get_mut("inbound_nodes").into_iter().for_each(|calls| nested::replace(calls, &of_layer));
    }
    let outputs = model["config"].get_mut("output_layers");
    outputs.into_iter().for_each(|outputs| nested::replace(outputs, &of_layer));
}

/// The activation of a layer, if it is a layer of Keras.
fn activation(layer: &Value) -> Option<Value> {
    let of_keras = |value: &Value, classes: &[&str]| {
        Object::read(value).is_some_and(|object| !object.custom && classes.contains(&object.class))
    };
    let activation = &layer["config"]["activation"];
    let is_layer = activation["config"].is_object() && of_keras(activation, &ACTIVATIONS);
    (is_layer && of_keras(layer, &ACTIVATED)).then(|| activation.clone())
}

/// The inputs of a call of an activation: the output of the same call of the layer, in the form of that call.
fn input(layer: &str, call: usize, form: &Value) -> Value {
    match form {
        Value::Array(_) => json!([[layer, call, 0, {}]]),
        _ => json!({
            "args": [{"class_name": "__keras_tensor__", "config": {"keras_history": [layer, call, 0]}}],
            "kwargs": {},
        }),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn dense(name: &str, activation: &Value, calls: Value) -> Value {
        let config = json!({"name": name, "units": 2, "activation": activation});
        json!({"class_name": "Dense", "name": name, "config": config, "inbound_nodes": calls})
    }

    #[test]
    fn references_are_to_the_activation() {
        let leaky = json!({"class_name": "LeakyReLU", "config": {"name": "leaky", "alpha": 0.25}});
        let layers = json!([
            dense("a", &leaky, json!([[["x", 0, 0, {}]], [["y", 0, 0, {}]]])),
            dense("b", &json!("relu"), json!([[["a", 1, 0, {}]]])),
        ]);
        let mut model =
            json!({"class_name": "Functional", "config": {"layers": layers, "output_layers": [["a", 0, 0]]}});
        separate(&mut model);
        let list = model["config"]["layers"].as_array().unwrap();
        assert_eq!(list.iter().map(nested::name).collect::<Vec<_>>(), ["a", "a_activation", "b"]);
        assert_eq!(list[0]["config"]["activation"], "linear");
        assert_eq!(list[1]["inbound_nodes"], json!([[["a", 0, 0, {}]], [["a", 1, 0, {}]]]));
        assert_eq!(list[2]["inbound_nodes"], json!([[["a_activation", 1, 0, {}]]]));
        assert_eq!(model["config"]["output_layers"], json!([["a_activation", 0, 0]]));
    }

    #[test]
    fn other_activations_are_unchanged() {
        let custom = json!({"module": "mine", "class_name": "ReLU", "config": {}, "registered_name": "mine>ReLU"});
        for activation in [json!("relu"), json!(null), custom, json!({"class_name": "PReLU", "config": {}})] {
            let model =
                json!({"class_name": "Sequential", "config": {"layers": [dense("a", &activation, json!(null))]}});
            let mut separated = model.clone();
            separate(&mut separated);
            assert_eq!(separated, model);
        }
    }
}
