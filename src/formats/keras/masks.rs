//! Masks in functional models. Keras stores the operations that compute a mask as layers, and the mask as an argument of the
//! calls that use it. gradus computes masks itself, so that a file is read if they are the ones that follow from the layers.

use crate::architecture::Architecture;
use crate::{Spec, SpecValue};
use serde_json::{Value, json};
use std::cell::Cell;
use std::collections::{BTreeMap, BTreeSet};

/// Layers whose output has the mask of their input.
const PASSING: [&str; 24] = [
    "Activation",
    "ActivityRegularization",
    "AlphaDropout",
    "BatchNormalization",
    "Dense",
    "Dropout",
    "ELU",
    "GaussianDropout",
    "GaussianNoise",
    "GroupNormalization",
    "Identity",
    "LayerNormalization",
    "LeakyReLU",
    "Normalization",
    "PReLU",
    "ReLU",
    "Rescaling",
    "Softmax",
    "SpatialDropout1D",
    "SpatialDropout2D",
    "SpatialDropout3D",
    "SpectralNormalization",
    "TimeDistributed",
    "UnitNormalization",
];

/// Layers whose output has the mask of their input if they return the outputs of all steps.
const RECURRENT: [&str; 5] = ["Bidirectional", "ConvLSTM2D", "GRU", "LSTM", "SimpleRNN"];

/// Layers whose output is valid where any of their inputs is.
const COMBINING: [&str; 6] = ["Add", "Average", "Maximum", "Minimum", "Multiply", "Subtract"];

/// The operations that compute masks.
const OPERATIONS: [&str; 7] = ["Any", "Concatenate", "ExpandDims", "LogicalOr", "NotEqual", "OnesLike", "ZerosLike"];

/// The argument of a recurrent layer with the states before the first step.
pub(super) const INITIAL_STATE: &str = "initial_state";

/// The problem of a call whose mask Keras ignores.
pub(super) const IGNORED: &str = "Keras ignores the mask of its input, as it has initial states, and gradus would use it; pass \
                                  the mask as an argument in Keras, or remove the layer that sets it";

/// The largest length of the text of a mask.
const LENGTH: usize = 1 << 14;

/// The largest number of layers and operations from which a mask follows.
const DEPTH: usize = 500;

/// The largest number of steps to compare all masks of a file. Values that are used repeatedly would take exponential time.
const STEPS: usize = 1 << 19;

/// The layers and operations of a model, by name.
pub(super) struct Masks<'a> {
    entries: BTreeMap<&'a str, &'a Value>,
    /// The operations on which no layer depends, except by masks.
    only_masks: BTreeSet<&'a str>,
    /// The number of steps that are left.
    steps: Cell<usize>,
}

impl<'a> Masks<'a> {
    /// Reads the layers of a model whose outputs are those of the layers `outputs`.
    pub(super) fn read(list: &'a [Value], outputs: &[String]) -> Masks<'a> {
        let entries: BTreeMap<&str, &Value> = list.iter().filter_map(|entry| Some((name(entry)?, entry))).collect();
        let mut only_masks: BTreeSet<&str> =
            entries.iter().filter(|(_, entry)| is_operation(entry)).map(|(name, _)| *name).collect();
        let mut used: Vec<&Value> = entries.values().filter(|entry| !is_operation(entry)).copied().collect();
        for output in outputs {
            if only_masks.remove(output.as_str()) {
                used.extend(entries.get(output.as_str()));
            }
        }
        while let Some(entry) = used.pop() {
            let calls = entry["inbound_nodes"].as_array().map(Vec::as_slice).unwrap_or_default();
            let sources = calls.iter().flat_map(|call| tensors(&call["args"]));
            for source in sources.filter_map(|tensor| source(tensor)) {
                if only_masks.remove(source.0) {
                    used.extend(entries.get(source.0));
                }
            }
        }
        Masks { entries, only_masks, steps: Cell::new(STEPS) }
    }

    /// Whether an entry is an operation that only computes masks.
    pub(super) fn computes_mask(&self, name: &str) -> bool {
        self.only_masks.contains(name)
    }

    /// Whether a call has the mask that follows from the layers before it, as an argument.
    pub(super) fn follows(&self, call: &Value) -> bool {
        let input = tensors(&call["args"]).into_iter().next();
        let expected = input.and_then(|input| self.expected(input, DEPTH));
        expected.is_some() && expected == self.text(&call["kwargs"]["mask"], DEPTH)
    }

    /// Whether Keras 3 ignores the mask that follows from the layers before a call: it does so in calls of recurrent layers with
    /// initial states, unless the mask is an argument.
    pub(super) fn is_ignored(&self, class: &str, call: &Value) -> bool {
        let arguments = tensors(&call["args"]);
        let inputs = arguments.len() + tensors(&call["kwargs"][INITIAL_STATE]).len();
        let has_states = RECURRENT.contains(&class) && inputs > 1;
        let is_masked = || arguments.first().is_some_and(|input| self.expected(input, DEPTH).is_some());
        has_states && call["kwargs"]["mask"].is_null() && is_masked()
    }

    /// The call that computes a tensor.
    fn call(&self, tensor: &Value) -> Option<(&'a Value, &'a Value)> {
        let (name, call) = source(tensor)?;
        let entry = self.entries.get(name)?;
        Some((entry, entry["inbound_nodes"].get(call)?))
    }

    /// The text of the mask that follows from the layers; `None` without one. `depth` is the number of calls that may be read.
    fn expected(&self, tensor: &Value, depth: usize) -> Option<String> {
        let (depth, (entry, call)) = (self.step(depth)?, self.call(tensor)?);
        let inputs = tensors(&call["args"]);
        let (class, config) = (entry["class_name"].as_str()?, &entry["config"]);
        match class {
            "Embedding" if config["mask_zero"] == true => {
                Some(operation("NotEqual", json!({}), &[self.leaf(inputs.first()?)?, number(0.0)]))
            }
            "Masking" => {
                let value = number(config["mask_value"].as_f64()?);
                let valid = operation("NotEqual", json!({}), &[self.leaf(inputs.first()?)?, value]);
                Some(operation("Any", json!({"axis": -1, "keepdims": false}), &[valid]))
            }
            "Concatenate" => {
                let masks: Vec<Option<String>> = inputs.iter().map(|input| self.expected(input, depth)).collect();
                masks.iter().find(|mask| mask.is_some())?;
                let expanded = inputs.iter().zip(masks).map(|(input, mask)| {
                    let (leaf, boolean) = (self.leaf(input)?, json!({"dtype": "bool"}));
                    let Some(mask) = mask else { return Some(operation("OnesLike", boolean, &[leaf])) };
                    let mask = operation("ExpandDims", json!({"axis": -1}), &[mask]);
                    Some(operation("LogicalOr", json!({}), &[mask, operation("ZerosLike", boolean, &[leaf])]))
                });
                let expanded = expanded.collect::<Option<Vec<String>>>()?;
                let joined = operation("Concatenate", json!({"axis": config["axis"]}), &expanded);
                Some(operation("Any", json!({"axis": -1, "keepdims": false}), &[joined]))
            }
            class if COMBINING.contains(&class) => {
                let masks = inputs.iter().map(|input| self.expected(input, depth)).collect::<Option<Vec<String>>>()?;
                masks.into_iter().reduce(|a, b| operation("LogicalOr", json!({}), &[a, b]))
            }
            class if PASSING.contains(&class) => self.expected(inputs.first()?, depth),
            class if RECURRENT.contains(&class) && returns_sequences(config) => self.expected(inputs.first()?, depth),
            _ => None,
        }
        .filter(|text| text.len() <= LENGTH)
    }

    /// Counts a step to the call before, which is at most `depth` calls away from the first one.
    fn step(&self, depth: usize) -> Option<usize> {
        self.steps.set(self.steps.get().checked_sub(1)?);
        depth.checked_sub(1)
    }

    /// The text of a value that is not the result of an operation.
    fn leaf(&self, tensor: &Value) -> Option<String> {
        self.text(tensor, DEPTH)
    }

    /// The text of an argument: the operations that compute it, down to the calls of layers.
    fn text(&self, argument: &Value, depth: usize) -> Option<String> {
        if let Some(value) = argument.as_f64() {
            return Some(number(value));
        }
        let (name, number) = source(argument)?;
        if !self.entries.get(name).is_some_and(|entry| is_operation(entry)) {
            return Some(format!("{name}:{number}"));
        }
        let (depth, (entry, call)) = (self.step(depth)?, self.call(argument)?);
        let mut config = entry["config"].clone();
        config.as_object_mut()?.remove("name");
        let arguments = arguments(&call["args"]).into_iter().map(|argument| self.text(argument, depth));
        let arguments = arguments.collect::<Option<Vec<String>>>()?;
        Some(operation(entry["class_name"].as_str()?, config, &arguments)).filter(|text| text.len() <= LENGTH)
    }
}

/// The name of a layer in a file. When Keras reads a functional model, it names the operations that join masks `concatenate`,
/// `concatenate_1`, …, and refuses layers of the same names.
pub(super) fn layer_name(architecture: &Architecture, name: &str, spec: &Spec) -> String {
    let number = name.strip_prefix("concatenate").map(|end| end.strip_prefix('_').unwrap_or(end));
    let clashes = number.is_some_and(|number| number.bytes().all(|byte| byte.is_ascii_digit()));
    let sets_mask = |spec: &Spec| {
        let mut settings = spec.settings().iter();
        let mask_zero = settings.any(|(name, value)| name == "mask_zero" && *value == SpecValue::Bool(true));
        mask_zero || spec.class() == "Masking"
    };
    let masked = || architecture.layers().any(|layer| sets_mask(&layer.spec()));
    if spec.class() != "Concatenate" || architecture.is_chain() || !clashes || !masked() {
        return name.to_owned();
    }
    let taken = |name: &String| architecture.layers().any(|layer| layer.name() == name);
    let mut names = std::iter::successors(Some(format!("{name}_layer")), |name| Some(format!("{name}_")));
    names.find(|name| !taken(name)).unwrap_or_default()
}

fn operation(class: &str, config: Value, arguments: &[String]) -> String {
    format!("{class}{config}({})", arguments.join(", "))
}

fn number(value: f64) -> String {
    value.to_string()
}

fn name(entry: &Value) -> Option<&str> {
    entry["name"].as_str().or(entry["config"]["name"].as_str())
}

/// Whether an entry is an operation of `keras.ops` instead of a layer. HDF5 files have no modules; the calls in those of Keras 3
/// are objects, and layers have the option `trainable`.
fn is_operation(entry: &Value) -> bool {
    match entry["module"].as_str() {
        Some(module) => module.starts_with("keras.src.ops."),
        None => {
            let listed = entry["class_name"].as_str().is_some_and(|class| OPERATIONS.contains(&class));
            listed && entry["inbound_nodes"][0].is_object() && entry["config"]["trainable"].is_null()
        }
    }
}

/// The name of the layer and the number of the call that compute a tensor.
fn source(tensor: &Value) -> Option<(&str, usize)> {
    let history = tensor["config"]["keras_history"].as_array()?;
    Some((history.first()?.as_str()?, usize::try_from(history.get(1)?.as_u64()?).ok()?))
}

/// The arguments in nested lists.
fn arguments(list: &Value) -> Vec<&Value> {
    match list {
        Value::Array(list) => list.iter().flat_map(arguments).collect(),
        argument => vec![argument],
    }
}

/// Whether a recurrent layer, or the one inside a `Bidirectional`, returns the outputs of all steps.
fn returns_sequences(config: &Value) -> bool {
    config["return_sequences"] == true || config["layer"]["config"]["return_sequences"] == true
}

/// The tensors in nested lists of arguments.
fn tensors(list: &Value) -> Vec<&Value> {
    arguments(list).into_iter().filter(|argument| source(argument).is_some()).collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_lists_are_those_of_keras() {
        let listed = |behaviour: &str| -> BTreeSet<String> {
            let lines = include_str!("../../../tests/golden/masks_of_layers.txt").lines();
            lines
                .filter_map(|line| line.split_once('\t'))
                .filter(|line| line.1 == behaviour)
                .map(|line| line.0.to_owned())
                .collect()
        };
        let recurrent = RECURRENT.map(|class| format!("{class}(return_sequences=True)"));
        assert_eq!(PASSING.map(str::to_owned).into_iter().chain(recurrent).collect::<BTreeSet<_>>(), listed("passes"));
        let setting = ["Concatenate", "Embedding(mask_zero=True)", "Masking"];
        assert_eq!(COMBINING.into_iter().chain(setting).map(str::to_owned).collect::<BTreeSet<_>>(), listed("sets"));
    }

    fn tensor(name: &str) -> Value {
        json!({"class_name": "__keras_tensor__", "config": {"keras_history": [name, 0, 0]}})
    }

    fn entry(module: &str, class: &str, config: Value, arguments: Value, mask: Value) -> Value {
        let calls = json!([{"args": arguments, "kwargs": {"mask": mask}}]);
        json!({"class_name": class, "module": module, "name": config["name"], "config": config, "inbound_nodes": calls})
    }

    /// Embedded words, and a mask that is an argument of pooling.
    fn model(mask_zero: bool, padding: f64) -> Vec<Value> {
        let layer = |class, config, input, mask| entry("keras.layers", class, config, json!([tensor(input)]), mask);
        let embedding = json!({"name": "embedding", "mask_zero": mask_zero});
        let compared = json!([tensor("words"), padding]);
        vec![
            layer("Embedding", embedding, "words", Value::Null),
            entry("keras.src.ops.numpy", "NotEqual", json!({"name": "not_equal"}), compared, Value::Null),
            layer("GlobalAveragePooling1D", json!({"name": "pooled"}), "embedding", tensor("not_equal")),
        ]
    }

    #[test]
    fn only_the_mask_that_follows_from_the_layers_is_accepted() {
        for (mask_zero, padding, follows) in [(true, 0.0, true), (true, 1.0, false), (false, 0.0, false)] {
            let model = model(mask_zero, padding);
            let masks = Masks::read(&model, &[]);
            assert!(masks.computes_mask("not_equal") && !masks.computes_mask("embedding"));
            assert_eq!(masks.follows(&model[2]["inbound_nodes"][0]), follows);
        }
    }

    #[test]
    fn masks_of_calls_with_initial_states_are_ignored() {
        for (mask_zero, mask, ignored) in
            [(true, Value::Null, true), (false, Value::Null, false), (true, tensor("not_equal"), false)]
        {
            let model = model(mask_zero, 0.0);
            let masks = Masks::read(&model, &[]);
            let call =
                json!({"args": [tensor("embedding")], "kwargs": {"mask": mask, "initial_state": tensor("state")}});
            assert_eq!(masks.is_ignored("GRU", &call), ignored);
            let listed = json!({"args": [[tensor("embedding"), tensor("state")]], "kwargs": {"mask": mask}});
            assert_eq!(masks.is_ignored("Bidirectional", &listed), ignored);
            let alone = json!({"args": [tensor("embedding")], "kwargs": {"mask": mask}});
            assert!(!masks.is_ignored("GRU", &alone) && !masks.is_ignored("Dense", &call));
        }
    }

    #[test]
    fn operations_without_modules_are_found_by_their_classes() {
        let mut model = model(true, 0.0);
        for entry in &mut model {
            entry.as_object_mut().unwrap().remove("module");
        }
        model[0]["config"]["trainable"] = json!(true);
        let masks = Masks::read(&model, &[]);
        assert!(masks.computes_mask("not_equal") && masks.follows(&model[2]["inbound_nodes"][0]));
        let joined =
            |config: Value| json!({"class_name": "Concatenate", "config": config, "inbound_nodes": [{"args": []}]});
        assert!(is_operation(&joined(json!({"axis": 1}))));
        assert!(!is_operation(&joined(json!({"axis": 1, "trainable": true}))));
    }

    #[test]
    fn values_that_are_used_repeatedly_take_limited_time() {
        let mut model = model(true, 0.0);
        let mut last = "embedding".to_owned();
        for number in 0..200 {
            let (name, both) = (format!("joined_{number}"), json!([[tensor(&last), tensor(&last)]]));
            let config = json!({"name": name, "axis": 1});
            model.push(entry("keras.layers", "Concatenate", config, both, Value::Null));
            last = name;
        }
        let pooled = json!([tensor(&last)]);
        let call = json!({"args": pooled, "kwargs": {"mask": tensor("not_equal")}});
        assert!(!Masks::read(&model, &[]).follows(&call));
    }
}
