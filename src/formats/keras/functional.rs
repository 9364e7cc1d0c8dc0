//! Keras' configuration of a functional model, which is our `Graph`, and back.
//!
//! Each layer lists its calls (`inbound_nodes`), and a value is named by a layer, the number of its call, and the number
//! of the output of that call, which is always 0 here.

use super::architecture::Architecture;
use super::config::{Config, Result, object};
use super::entries::{self, Entry};
use crate::architecture::ValueInfo;
use crate::save::Output;
use crate::shape::Shape;
use serde_json::{Value, json};
use std::collections::{BTreeMap, BTreeSet};

/// A value by its layer's name and the number of the call.
type Source = (String, usize);

/// A call that is still to be made.
struct Pending {
    /// The place of its layer in the list.
    entry: usize,
    gives: Source,
    takes: Vec<Source>,
}

/// The graph that a configuration describes.
pub(super) fn read(config: &Config) -> Result<Architecture> {
    let list = config.get("layers").and_then(Value::as_array).ok_or("its model has no list of layers")?;
    let entries: Vec<Entry<'_>> = list.iter().map(Entry::read).collect::<Result<_>>()?;
    let inputs = named(config.get("input_layers"), "input")?;
    let mut known = BTreeMap::new();
    let mut shapes = Vec::new();
    for (number, (name, source)) in inputs.iter().enumerate() {
        shapes.push(ValueInfo::new(name, input(&entries, source)?));
        known.insert(source.clone(), number);
    }
    let mut architecture = Architecture::new(shapes);
    let calls = pending(list, &entries)?;
    let mut layers: Vec<Option<usize>> = vec![None; entries.len()];
    let mut entries: Vec<Option<Entry<'_>>> = entries.into_iter().map(Some).collect();
    in_turn(&calls, &mut known, |call, inputs| {
        // A layer is set up when it is first applied, as its settings may depend on its input.
        if let Some(entry) = entries[call.entry].take() {
            let name = entry.name.clone().unwrap_or_default();
            let input = inputs.first().map_or(Shape::SCALAR, |value| architecture.shape(*value));
            layers[call.entry] = Some(architecture.layer(name, entry.spec(input)?)?);
        }
        let layer = layers[call.entry].ok_or("a layer is applied before it is there")?;
        architecture.apply(layer, inputs)
    })?;
    architecture.reorder(&layers.into_iter().flatten().collect::<Vec<_>>());
    let value = |(name, source): (String, Source)| match known.get(&source) {
        Some(value) => Ok(Output::new(name, *value)),
        None => Err(format!("its output {name} is of a layer \"{}\" that is never applied so often", source.0)),
    };
    architecture.wiring.outputs =
        named(config.get("output_layers"), "output")?.into_iter().map(value).collect::<Result<_>>()?;
    Ok(architecture)
}

/// The shape of one sample of an input.
fn input(entries: &[Entry<'_>], (layer, _): &Source) -> Result<Shape> {
    let entry = entries.iter().find(|entry| entry.class == "InputLayer" && entry.name.as_ref() == Some(layer));
    let config = &entry.ok_or_else(|| format!("its input {layer} is not an InputLayer"))?.config;
    let shape = config.get("batch_shape").or(config.get("batch_input_shape"));
    entries::sample(shape.ok_or_else(|| format!("its input {layer} has no shape"))?)
}

/// Values with names: one or a list, named after their layers, or a table by name.
fn named(values: Option<&Value>, what: &str) -> Result<Vec<(String, Source)>> {
    let one = |value: &Value| source(value).ok_or_else(|| format!("its {what}s cannot be read"));
    match values.unwrap_or(&Value::Null) {
        Value::Object(table) => table.iter().map(|(name, value)| Ok((name.clone(), one(value)?))).collect(),
        Value::Array(list) if !list.first().is_some_and(Value::is_string) => {
            let sources: Vec<Source> = list.iter().map(one).collect::<Result<_>>()?;
            Ok(after_layers(sources))
        }
        single => Ok(after_layers(vec![one(single)?])),
    }
}

/// Values named after their layers, and a number with it from the second of a layer on.
fn after_layers(sources: Vec<Source>) -> Vec<(String, Source)> {
    let mut counts = BTreeMap::<String, usize>::new();
    let name = |source: Source| {
        let count = counts.entry(source.0.clone()).or_default();
        *count += 1;
        let name = if *count == 1 { source.0.clone() } else { format!("{}_{}", source.0, *count - 1) };
        (name, source)
    };
    sources.into_iter().map(name).collect()
}

/// A value as `["dense", 0, 0]`.
fn source(value: &Value) -> Option<Source> {
    match value.as_array()?.as_slice() {
        [name, call, output, ..] if *output == 0 => {
            Some((name.as_str()?.into(), usize::try_from(call.as_u64()?).ok()?))
        }
        _ => None,
    }
}

/// Every call of every layer.
fn pending(list: &[Value], entries: &[Entry<'_>]) -> Result<Vec<Pending>> {
    let mut all = Vec::new();
    for (entry, value) in list.iter().enumerate().filter(|(entry, _)| entries[*entry].class != "InputLayer") {
        let name = entries[entry].name.as_ref().ok_or("a layer of its graph has no name")?;
        let calls = value["inbound_nodes"].as_array().map(Vec::as_slice).unwrap_or_default();
        for (number, call) in calls.iter().enumerate() {
            let takes = taken(call).map_err(|problem| format!("the layer {name} is applied to {problem}"))?;
            all.push(Pending { entry, gives: (name.clone(), number), takes });
        }
    }
    Ok(all)
}

/// What a call takes, as Keras 3 says it or as its versions before did.
fn taken(call: &Value) -> Result<Vec<Source>> {
    let idle = |settings: &Value| match settings {
        Value::Null => true,
        Value::Object(all) => all.values().all(|value| value.is_null() || *value == false),
        _ => false,
    };
    let mut takes = Vec::new();
    match call {
        Value::Array(sources) => {
            for value in sources {
                if !value.get(3).is_none_or(idle) {
                    return Err(format!("its inputs with {}, for which gradus has nothing", value[3]));
                }
                takes.push(source(value).ok_or("what cannot be read")?);
            }
        }
        _ if !idle(&call["kwargs"]) => {
            return Err(format!("its inputs with {}, for which gradus has nothing", call["kwargs"]));
        }
        _ => tensors(&call["args"], &mut takes)?,
    }
    Ok(takes)
}

/// The values among nested arguments. Lists of lists are no deeper than JSON may be.
fn tensors(arguments: &Value, takes: &mut Vec<Source>) -> Result<()> {
    if let Value::Array(list) = arguments {
        return list.iter().try_for_each(|argument| tensors(argument, takes));
    }
    let history = source(&arguments["config"]["keras_history"]);
    takes.push(history.ok_or("what is no value of a layer")?);
    Ok(())
}

/// Makes every call as soon as what it takes is there, in the order of the list; `make` gives the number of the new value.
fn in_turn(
    calls: &[Pending],
    known: &mut BTreeMap<Source, usize>,
    mut make: impl FnMut(&Pending, Vec<usize>) -> Result<usize>,
) -> Result<()> {
    let mut waiting = BTreeMap::<&Source, Vec<usize>>::new();
    let mut missing = vec![0; calls.len()];
    for (number, call) in calls.iter().enumerate() {
        for source in call.takes.iter().filter(|source| !known.contains_key(*source)) {
            waiting.entry(source).or_default().push(number);
            missing[number] += 1;
        }
    }
    let mut ready: BTreeSet<usize> = (0..calls.len()).filter(|call| missing[*call] == 0).collect();
    let mut made = 0;
    while let Some(number) = ready.pop_first() {
        let call = &calls[number];
        let inputs = call.takes.iter().filter_map(|source| known.get(source).copied()).collect();
        known.insert(call.gives.clone(), make(call, inputs)?);
        made += 1;
        for number in waiting.remove(&call.gives).unwrap_or_default() {
            missing[number] -= 1;
            if missing[number] == 0 {
                ready.insert(number);
            }
        }
    }
    if made < calls.len() {
        return Err("its layers are connected in a circle, or to what is not there".into());
    }
    Ok(())
}

/// Whether Keras has to know the outputs by their names: several, of which one is not called like its layer.
pub(super) fn named_outputs(architecture: &Architecture) -> bool {
    let outputs = &architecture.wiring.outputs;
    let values = sources(architecture, &[]);
    outputs.len() > 1 && outputs.iter().any(|output| output.name != values[output.value].0)
}

/// Where every value comes from, the inputs being called so.
fn sources(architecture: &Architecture, inputs: &[String]) -> Vec<Source> {
    let mut counts = vec![0; architecture.layers.len()];
    let count = architecture.wiring.inputs.len();
    let mut sources: Vec<Source> =
        (0..count).map(|input| (inputs.get(input).cloned().unwrap_or_default(), 0)).collect();
    for call in &architecture.wiring.calls {
        sources.push((architecture.layers[call.layer].name.clone(), counts[call.layer]));
        counts[call.layer] += 1;
    }
    sources
}

/// The inputs' names. Keras wants them to differ from the layers'.
fn input_names(architecture: &Architecture) -> Vec<String> {
    let taken = |name: &str| architecture.layers.iter().any(|placed| placed.name == name);
    let inputs = architecture.wiring.inputs.iter();
    inputs.map(|ValueInfo { name, .. }| if taken(name) { format!("{name}_input") } else { name.clone() }).collect()
}

/// Keras' configuration of a graph.
pub(super) fn to_json(architecture: &Architecture) -> Result<Value> {
    let wiring = &architecture.wiring;
    let names = input_names(architecture);
    let sources = sources(architecture, &names);
    let mut layers = Vec::new();
    for (name, input) in names.iter().zip(&wiring.inputs) {
        layers.push(entry(entries::input(name, input.shape), name, Vec::new()));
    }
    for (number, placed) in architecture.layers.iter().enumerate() {
        let calls = wiring.calls.iter().filter(|call| call.layer == number);
        let calls = calls.map(|call| {
            let tensor = |value: &usize| tensor(&sources[*value], architecture.shape(*value));
            let takes: Vec<Value> = call.inputs.iter().map(tensor).collect();
            json!({"args": if takes.len() == 1 { json!(takes) } else { json!([takes]) }, "kwargs": {}})
        });
        layers.push(entry(entries::layer(placed)?, &placed.name, calls.collect()));
    }
    let place = |value: usize| json!([sources[value].0, sources[value].1, 0]);
    let one_or_all = |mut all: Vec<Value>| if all.len() == 1 { all.remove(0) } else { json!(all) };
    let mut config = Config::new();
    config.insert("name".into(), json!("functional"));
    config.insert("layers".into(), json!(layers));
    config.insert("input_layers".into(), one_or_all((0..names.len()).map(place).collect()));
    let outputs = wiring.outputs.iter().map(|output| (output.name.clone(), place(output.value)));
    let outputs = match named_outputs(architecture) {
        true => Value::Object(outputs.collect()),
        false => one_or_all(outputs.map(|(_, place)| place).collect()),
    };
    config.insert("output_layers".into(), outputs);
    let mut model = object("keras.src.models.functional", "Functional", config);
    model["registered_name"] = json!("Functional");
    Ok(model)
}

fn entry(mut layer: Value, name: &str, calls: Vec<Value>) -> Value {
    layer["name"] = json!(name);
    layer["inbound_nodes"] = json!(calls);
    layer
}

fn tensor((layer, call): &Source, shape: Shape) -> Value {
    let config = json!({"shape": entries::batch(shape), "dtype": "float32", "keras_history": [layer, call, 0]});
    json!({"class_name": "__keras_tensor__", "config": config})
}
