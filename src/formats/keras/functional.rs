//! Configurations of functional models in Keras, which correspond to `Graph` in gradus.
//!
//! Each layer lists its calls (`inbound_nodes`). A value is identified by a layer, the number of its call, and the number of
//! the output of that call, which is always 0.

use super::description::{Input, ModelDescription, Output};
use super::entries::{self, Entry};
use super::masks::Masks;
use super::object::{Config, object};
use super::options::{DTYPE, InactiveOption, NAME, short};
use super::reader::Reader;
use super::result::Result;
use crate::SampleShape;
use serde_json::{Value, json};
use std::collections::{BTreeMap, BTreeSet};

/// A value, identified by the name of its layer and the number of the call.
type Source = (String, usize);

/// A call of a layer that is not applied yet.
struct Pending {
    /// The index of the layer in the list.
    entry: usize,
    output: Source,
    inputs: Vec<Source>,
}

/// Options of the model, besides its layers and their connections.
const OPTIONS: &[InactiveOption] = &[NAME, DTYPE];

/// Reads the configuration of a functional model.
pub(super) fn read(mut config: Config, reader: &mut Reader<'_>) -> Result<ModelDescription> {
    let [list, inputs, outputs] = ["layers", "input_layers", "output_layers"].map(|name| config.remove(name));
    let Some(Value::Array(list)) = list else { return Err("its model has no list of layers".into()) };
    // A frozen model freezes all of its layers.
    let frozen = config.remove("trainable").is_some_and(|trainable| trainable == false);
    reader.check_remaining("the model", &config, &[OPTIONS]);
    let mut entries: Vec<Entry<'_>> = list.iter().map(Entry::read).collect::<Result<_>>()?;
    if frozen {
        entries.iter_mut().for_each(Entry::freeze);
    }
    let calls = pending(&list, &entries, reader)?;
    let mut entries: Vec<Option<Entry<'_>>> = entries.into_iter().map(Some).collect();
    let mut known = BTreeMap::new();
    let mut shapes = Vec::new();
    for (number, (name, source)) in named(inputs.as_ref(), "input")?.into_iter().enumerate() {
        let is = |entry: &&mut Option<Entry<'_>>| {
            entry.as_ref().is_some_and(|entry| entry.is_input() && entry.name.as_ref() == Some(&source.0))
        };
        let entry = entries.iter_mut().find(is).and_then(Option::take);
        let entry = entry.ok_or_else(|| format!("its input {} is not an InputLayer", source.0))?;
        shapes.push((name, entry.input(reader)));
        known.insert(source, number);
    }
    let mut description = ModelDescription::of_file(shapes, reader.open_size);
    let mut layers: Vec<Option<usize>> = vec![None; entries.len()];
    apply_in_order(&calls, &mut known, |call, inputs| {
        // A layer is set up when it is first applied, as its settings may depend on its input.
        if let Some(entry) = entries[call.entry].take() {
            let name = entry.name.clone().unwrap_or_default();
            let (place, class) = (entry.place(), entry.object.class.to_owned());
            let input = inputs.first().and_then(|value| description.shape(*value));
            let spec = entry.spec(reader, input);
            layers[call.entry] = spec.and_then(|spec| {
                let layer = description.layer(name, spec, class, reader.registry);
                reader.note(&place, layer)
            });
        }
        description.apply_if_known(layers[call.entry], inputs, reader)
    })?;
    description.reorder(&layers.into_iter().flatten().collect::<Vec<_>>());
    let value = |(name, source): (String, Source)| match known.get(&source) {
        Some(value) => Ok(Output { name, value: *value }),
        None => Err(format!(
            "its output {name} refers to call {} of layer \"{}\", which does not exist",
            source.1, source.0
        )),
    };
    description.outputs = named(outputs.as_ref(), "output")?.into_iter().map(value).collect::<Result<_>>()?;
    Ok(description)
}

/// Reads inputs or outputs: one value or a list, which are named after their layers, or an object with names.
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

/// Names values after their layers, numbered starting with the second value of a layer.
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

/// Parses a reference to a value, such as `["dense", 0, 0]`.
fn source(value: &Value) -> Option<Source> {
    match value.as_array()?.as_slice() {
        [name, call, output, ..] if *output == 0 => {
            Some((name.as_str()?.into(), usize::try_from(call.as_u64()?).ok()?))
        }
        _ => None,
    }
}

/// Collects the calls of all layers.
fn pending(list: &[Value], entries: &[Entry<'_>], reader: &mut Reader<'_>) -> Result<Vec<Pending>> {
    let (mut all, masks) = (Vec::new(), Masks::read(list));
    for (entry, value) in list.iter().enumerate().filter(|(entry, _)| !entries[*entry].is_input()) {
        if entries[entry].name.as_ref().is_some_and(|name| masks.computes_mask(name)) {
            continue;
        }
        let name = entries[entry].name.as_ref().ok_or("a layer of its graph has no name; give it one in Keras")?;
        let calls = value["inbound_nodes"].as_array().map(Vec::as_slice).unwrap_or_default();
        for (number, call) in calls.iter().enumerate() {
            let place = entries[entry].place();
            let inputs = call_inputs(call, &place, &masks, reader).map_err(|problem| format!("{place}: {problem}"))?;
            all.push(Pending { entry, output: (name.clone(), number), inputs });
        }
    }
    Ok(all)
}

/// Reads the inputs of a call, in the notation of Keras 3 or of earlier versions.
fn call_inputs(call: &Value, place: &str, masks: &Masks<'_>, reader: &mut Reader<'_>) -> Result<Vec<Source>> {
    let mut inputs = Vec::new();
    match call {
        Value::Array(sources) => {
            for value in sources {
                arguments(value.get(3), place, reader, |_| false);
                inputs.push(source(value).ok_or("the reference to an input is invalid")?);
            }
        }
        _ => {
            arguments(call.get("kwargs"), place, reader, |name| name == "mask" && masks.follows(call));
            tensors(&call["args"], &mut inputs)?;
        }
    }
    Ok(inputs)
}

/// Checks that further arguments of a call are null, or `implied` by the layers. An explicit `training` would override the mode
/// of the model.
fn arguments(arguments: Option<&Value>, place: &str, reader: &mut Reader<'_>, implied: impl Fn(&str) -> bool) {
    for (name, value) in arguments.and_then(Value::as_object).into_iter().flatten() {
        if !value.is_null() && !implied(name) {
            reader.problem(place, format!("it is called with {name}={}, which is not supported", short(value)));
        }
    }
}

/// Collects the values in nested argument lists. The JSON parser limits their depth.
fn tensors(arguments: &Value, inputs: &mut Vec<Source>) -> Result<()> {
    if let Value::Array(list) = arguments {
        return list.iter().try_for_each(|argument| tensors(argument, inputs));
    }
    let history = source(&arguments["config"]["keras_history"]);
    inputs.push(history.ok_or("an input is not the output of a layer")?);
    Ok(())
}

/// Applies every call once its inputs are available, otherwise in the order of the list. `apply` returns the number of the new
/// value.
fn apply_in_order(
    calls: &[Pending],
    known: &mut BTreeMap<Source, usize>,
    mut apply: impl FnMut(&Pending, Vec<usize>) -> usize,
) -> Result<()> {
    let mut waiting = BTreeMap::<&Source, Vec<usize>>::new();
    let mut missing = vec![0; calls.len()];
    for (number, call) in calls.iter().enumerate() {
        for source in call.inputs.iter().filter(|source| !known.contains_key(*source)) {
            waiting.entry(source).or_default().push(number);
            missing[number] += 1;
        }
    }
    let mut ready: BTreeSet<usize> = (0..calls.len()).filter(|call| missing[*call] == 0).collect();
    let mut applied = 0;
    while let Some(number) = ready.pop_first() {
        let call = &calls[number];
        let inputs = call.inputs.iter().filter_map(|source| known.get(source).copied()).collect();
        known.insert(call.output.clone(), apply(call, inputs));
        applied += 1;
        for number in waiting.remove(&call.output).unwrap_or_default() {
            missing[number] -= 1;
            if missing[number] == 0 {
                ready.insert(number);
            }
        }
    }
    if applied < calls.len() {
        return Err("its layers form a cycle, or are connected to missing layers".into());
    }
    Ok(())
}

/// Whether the configuration must name the outputs: there are several, and the name of one differs from that of its layer.
pub(super) fn named_outputs(description: &ModelDescription) -> bool {
    let outputs = &description.outputs;
    let values = sources(description, &[]);
    outputs.len() > 1 && outputs.iter().any(|output| output.name != values[output.value].0)
}

/// The source of every value. `inputs` are the names of the inputs.
fn sources(description: &ModelDescription, inputs: &[String]) -> Vec<Source> {
    let mut counts = vec![0; description.layers.len()];
    let count = description.inputs.len();
    let mut sources: Vec<Source> =
        (0..count).map(|input| (inputs.get(input).cloned().unwrap_or_default(), 0)).collect();
    for call in &description.calls {
        sources.push((description.layers[call.layer].name.clone(), counts[call.layer]));
        counts[call.layer] += 1;
    }
    sources
}

/// Names of the inputs, made different from those of the layers as Keras requires.
fn input_names(description: &ModelDescription) -> Vec<String> {
    let taken = |name: &str| description.layers.iter().any(|placed| placed.name == name);
    let inputs = description.inputs.iter();
    inputs.map(|Input { name, .. }| if taken(name) { format!("{name}_input") } else { name.clone() }).collect()
}

/// Writes the configuration of a functional model.
pub(super) fn to_json(description: &ModelDescription) -> Result<Value> {
    let names = input_names(description);
    let sources = sources(description, &names);
    let mut layers = Vec::new();
    for (name, input) in names.iter().zip(&description.inputs) {
        layers.push(entry(entries::input(name, input.shape), name, Vec::new()));
    }
    for (number, placed) in description.layers.iter().enumerate() {
        let calls = description.calls.iter().filter(|call| call.layer == number);
        let calls = calls.map(|call| {
            let tensor = |value: &usize| tensor(&sources[*value], description.samples[*value]);
            let inputs: Vec<Value> = call.inputs.iter().map(tensor).collect();
            json!({"args": if inputs.len() == 1 { json!(inputs) } else { json!([inputs]) }, "kwargs": {}})
        });
        layers.push(entry(entries::layer(placed)?, &placed.name, calls.collect()));
    }
    let place = |value: usize| json!([sources[value].0, sources[value].1, 0]);
    let one_or_all = |mut all: Vec<Value>| if all.len() == 1 { all.remove(0) } else { json!(all) };
    let mut config = Config::new();
    config.insert("name".into(), json!("functional"));
    config.insert("layers".into(), json!(layers));
    config.insert("input_layers".into(), one_or_all((0..names.len()).map(place).collect()));
    let outputs = description.outputs.iter().map(|output| (output.name.clone(), place(output.value)));
    let outputs = match named_outputs(description) {
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

fn tensor((layer, call): &Source, shape: SampleShape) -> Value {
    let config = json!({"shape": entries::batch(shape), "dtype": "float32", "keras_history": [layer, call, 0]});
    json!({"class_name": "__keras_tensor__", "config": config})
}
