//! Operations on tensors in functional models, such as `x / 255` or `x + y`, which have layers with equal results.
//!
//! Keras 3 stores an operation as an entry without the options of layers; Keras 2 stores a `TFOpLambda` with the name of a
//! function of TensorFlow.

use super::families::LAYER;
use serde_json::{Value, json};

/// Operations on two tensors of equal shapes, by the classes of Keras 3 and the functions of TensorFlow, and their layers.
const MERGING: [(&str, &[&str], &str); 5] = [
    ("Add", &["__operators__.add", "math.add", "add"], "Add"),
    ("Maximum", &["math.maximum", "maximum"], "Maximum"),
    ("Minimum", &["math.minimum", "minimum"], "Minimum"),
    ("Multiply", &["math.multiply", "multiply"], "Multiply"),
    ("Subtract", &["math.subtract", "subtract"], "Subtract"),
];

/// Operations on one tensor, and their activations.
const ACTIVATIONS: [(&str, &[&str], &str); 6] = [
    ("Relu", &["nn.relu"], "relu"),
    ("Sigmoid", &["math.sigmoid", "nn.sigmoid"], "sigmoid"),
    ("Tanh", &["math.tanh", "nn.tanh"], "tanh"),
    ("Softplus", &["math.softplus", "nn.softplus"], "softplus"),
    ("Silu", &["nn.silu", "nn.swish"], "silu"),
    ("Exp", &["math.exp"], "exponential"),
];

/// Operations with a number.
const ARITHMETIC: [(&str, &[&str]); 5] = [
    ("Add", &["__operators__.add", "math.add"]),
    ("Subtract", &["math.subtract", "__operators__.sub"]),
    ("Multiply", &["math.multiply", "__operators__.mul"]),
    ("TrueDivide", &["math.truediv", "math.divide", "__operators__.truediv"]),
    ("Divide", &["math.divide"]),
];

/// Replaces operations by layers. Other operations are unchanged.
pub(super) fn replace(model: &mut Value) {
    let Some(list) = model["config"].get_mut("layers").and_then(Value::as_array_mut) else { return };
    for entry in list {
        let replaced = if is_operation(entry) { of_keras_3(entry) } else { of_keras_2(entry) };
        if let Some((class, mut config, calls)) = replaced {
            let name =
                entry["name"].as_str().or_else(|| entry["config"]["name"].as_str()).unwrap_or_default().to_owned();
            (config["name"], config["trainable"]) = (json!(name), json!(true));
            *entry = json!({"class_name": class, "config": config, "name": name, "inbound_nodes": calls});
        }
    }
}

/// Operations of Keras 3 that have the names of layers.
const NAMES_OF_LAYERS: [&str; 10] =
    ["Add", "Average", "Concatenate", "Dot", "Maximum", "Minimum", "Multiply", "Reshape", "Softmax", "Subtract"];

/// Whether an entry is an operation of Keras 3. Layers have the option `trainable`.
pub(super) fn is_operation(entry: &Value) -> bool {
    if let Some(module) = entry["module"].as_str() {
        return module.starts_with("keras.src.ops.");
    }
    let has_call = entry["inbound_nodes"].as_array().is_some_and(|calls| calls.first().is_some_and(Value::is_object));
    let class = entry["class_name"].as_str().unwrap_or_default();
    let is_layer = class == "InputLayer" || entry["config"].get("trainable").is_some();
    has_call && !is_layer && (NAMES_OF_LAYERS.contains(&class) || LAYER.find(class).is_none())
}

/// The class, the options and the calls of a layer.
type Layer = (&'static str, Value, Vec<Value>);

fn of_keras_3(entry: &Value) -> Option<Layer> {
    let class = entry["class_name"].as_str()?;
    let calls = entry["inbound_nodes"].as_array()?;
    // All calls must have the same arguments besides tensors.
    let [call] = &calls[..] else { return None };
    let has_options = call["kwargs"].as_object().is_some_and(|options| !options.is_empty());
    let arguments: Vec<&Value> = call["args"].as_array()?.iter().collect();
    let is_tensor = |value: &Value| value["class_name"] == "__keras_tensor__";
    if has_options {
        return None;
    }
    match arguments[..] {
        [x] if is_tensor(x) => {
            let (.., activation) = ACTIVATIONS.iter().find(|(known, ..)| *known == class)?;
            Some(("Activation", json!({"activation": activation}), calls.clone()))
        }
        [a, b] if is_tensor(a) && is_tensor(b) => {
            let (.., layer) = MERGING.iter().find(|(known, ..)| *known == class)?;
            let same = a["config"]["shape"] == b["config"]["shape"];
            same.then(|| (*layer, json!({}), vec![json!({"args": [[a, b]], "kwargs": {}})]))
        }
        [a, b] if is_tensor(a) || is_tensor(b) => {
            let (tensor, number, first) = if is_tensor(a) { (a, b, true) } else { (b, a, false) };
            let config = rescaling(class, number.as_f64()?, first)?;
            Some(("Rescaling", config, vec![json!({"args": [tensor], "kwargs": {}})]))
        }
        _ => None,
    }
}

fn of_keras_2(entry: &Value) -> Option<Layer> {
    let function = entry["config"]["function"].as_str().filter(|_| entry["class_name"] == "TFOpLambda")?;
    let [call] = entry["inbound_nodes"].as_array()?.as_slice() else { return None };
    // The arguments after the first are options of its reference.
    let [name, number, output, options] = call.as_array()?.as_slice() else { return None };
    let options: Vec<(&String, &Value)> =
        options.as_object()?.iter().filter(|(name, value)| *name != "name" || !value.is_null()).collect();
    let x = json!([name, number, output, {}]);
    number.as_u64()?;
    match options[..] {
        [] => {
            let (.., activation) = ACTIVATIONS.iter().find(|(_, known, _)| known.contains(&function))?;
            Some(("Activation", json!({"activation": activation}), vec![json!([x])]))
        }
        [(option, value)] if option == "y" => match value {
            Value::Number(number) => {
                let (class, _) = ARITHMETIC.iter().find(|(_, known)| known.contains(&function))?;
                Some(("Rescaling", rescaling(class, number.as_f64()?, true)?, vec![json!([x])]))
            }
            Value::Array(y) => {
                let [name, number, output, ..] = y.as_slice() else { return None };
                let (.., layer) = MERGING.iter().find(|(_, known, _)| known.contains(&function))?;
                Some((*layer, json!({}), vec![json!([x, [name, number, output, {}]])]))
            }
            _ => None,
        },
        _ => None,
    }
}

/// The options of a `Rescaling` that computes an operation with a number. `first` tells whether the tensor is the first operand.
fn rescaling(class: &str, number: f64, first: bool) -> Option<Value> {
    let (scale, offset) = match (class, first) {
        ("Add", _) => (1.0, number),
        ("Subtract", true) => (1.0, -number),
        ("Subtract", false) => (-1.0, number),
        ("Multiply", _) => (number, 0.0),
        ("TrueDivide" | "Divide", true) if number != 0.0 => (1.0 / number, 0.0),
        _ => return None,
    };
    Some(json!({"scale": scale, "offset": offset}))
}

#[cfg(test)]
mod tests {
    use super::*;

    fn tensor(name: &str) -> Value {
        json!({"class_name": "__keras_tensor__", "config": {"shape": [null, 2], "keras_history": [name, 0, 0]}})
    }

    fn replaced(entry: Value) -> String {
        let mut model = json!({"config": {"layers": [entry]}});
        replace(&mut model);
        let entry = &model["config"]["layers"][0];
        format!("{} {} {}", entry["class_name"].as_str().unwrap(), entry["config"], entry["inbound_nodes"])
    }

    #[test]
    fn operations_become_layers() {
        let of_keras_3 = |class: &str, arguments: Value| {
            let calls = json!([{"args": arguments, "kwargs": {}}]);
            json!({"module": "keras.src.ops.numpy", "class_name": class, "config": {"name": "o"}, "name": "o", "inbound_nodes": calls})
        };
        let half = replaced(of_keras_3("TrueDivide", json!([tensor("x"), 2])));
        assert!(half.starts_with(r#"Rescaling {"name":"o","offset":0.0,"scale":0.5,"trainable":true}"#), "{half}");
        let rest = replaced(of_keras_3("Subtract", json!([1, tensor("x")])));
        assert!(rest.starts_with(r#"Rescaling {"name":"o","offset":1.0,"scale":-1.0,"trainable":true}"#), "{rest}");
        let sum = replaced(of_keras_3("Add", json!([tensor("x"), tensor("y")])));
        assert!(sum.starts_with("Add ") && sum.contains("[[{"), "{sum}");
        let relu = replaced(of_keras_3("Relu", json!([tensor("x")])));
        assert!(relu.starts_with(r#"Activation {"activation":"relu","name":"o","trainable":true}"#), "{relu}");
        assert!(replaced(of_keras_3("TrueDivide", json!([1, tensor("x")]))).starts_with("TrueDivide"));
        assert!(replaced(of_keras_3("Arctan2", json!([tensor("x"), 1]))).starts_with("Arctan2"));
        let of_keras_2 = |function: &str, options: Value| {
            let config = json!({"name": "o", "function": function});
            json!({"class_name": "TFOpLambda", "config": config, "name": "o", "inbound_nodes": [["x", 0, 0, options]]})
        };
        let scaled = replaced(of_keras_2("math.truediv", json!({"y": 4.0, "name": null})));
        assert!(scaled.starts_with(r#"Rescaling {"name":"o","offset":0.0,"scale":0.25,"trainable":true}"#), "{scaled}");
        let sum = replaced(of_keras_2("__operators__.add", json!({"y": ["z", 0, 0], "name": null})));
        assert_eq!(sum, r#"Add {"name":"o","trainable":true} [[["x",0,0,{}],["z",0,0,{}]]]"#);
        assert!(replaced(of_keras_2("nn.relu", json!({"name": null}))).starts_with("Activation"));
        assert!(replaced(of_keras_2("math.floormod", json!({"y": 4.0}))).starts_with("TFOpLambda"));
    }
}
