//! Keras' configuration of a functional model, which is our `Graph`, and back.
//!
//! Each layer lists its calls (`inbound_nodes`), and a value is named by a layer, the number of its call, and the number
//! of the output of that call, which is always 0 here.

use super::draft::{Draft, Input, Output};
use super::entries::{self, Entry};
use super::object::{Config, object};
use super::options::{DTYPE, Inactive, NAME, short};
use super::reader::Reader;
use super::result::Result;
use crate::Shape;
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

/// Options of the model itself, beside its layers and their connections.
const OPTIONS: &[Inactive] = &[NAME, DTYPE];

/// The graph that a configuration describes.
pub(super) fn read(mut config: Config, reader: &mut Reader<'_>) -> Result<Draft> {
    let [list, inputs, outputs] = ["layers", "input_layers", "output_layers"].map(|name| config.remove(name));
    let Some(Value::Array(list)) = list else { return Err("its model has no list of layers".into()) };
    // A model that is frozen trains none of its layers, whatever they say.
    let frozen = config.remove("trainable").is_some_and(|trainable| trainable == false);
    reader.left("the model", &config, &[OPTIONS]);
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
    let mut draft = Draft::new(shapes);
    let mut layers: Vec<Option<usize>> = vec![None; entries.len()];
    in_turn(&calls, &mut known, |call, inputs| {
        // A layer is set up when it is first applied, as its settings may depend on its input.
        if let Some(entry) = entries[call.entry].take() {
            let name = entry.name.clone().unwrap_or_default();
            let (place, class) = (entry.place(), entry.object.class.to_owned());
            let input = inputs.first().and_then(|value| draft.shape(*value));
            let spec = entry.spec(reader, input);
            layers[call.entry] = spec.and_then(|spec| {
                let layer = draft.layer(name, spec, class, reader.registry);
                reader.note(&place, layer)
            });
        }
        draft.apply_if_known(layers[call.entry], inputs, reader)
    })?;
    draft.reorder(&layers.into_iter().flatten().collect::<Vec<_>>());
    let value = |(name, source): (String, Source)| match known.get(&source) {
        Some(value) => Ok(Output { name, value: *value }),
        None => Err(format!("its output {name} is of a layer \"{}\" that is never applied so often", source.0)),
    };
    draft.outputs = named(outputs.as_ref(), "output")?.into_iter().map(value).collect::<Result<_>>()?;
    Ok(draft)
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
fn pending(list: &[Value], entries: &[Entry<'_>], reader: &mut Reader<'_>) -> Result<Vec<Pending>> {
    let mut all = Vec::new();
    for (entry, value) in list.iter().enumerate().filter(|(entry, _)| !entries[*entry].is_input()) {
        let name = entries[entry].name.as_ref().ok_or("a layer of its graph has no name")?;
        let calls = value["inbound_nodes"].as_array().map(Vec::as_slice).unwrap_or_default();
        for (number, call) in calls.iter().enumerate() {
            let place = entries[entry].place();
            let takes = taken(call, &place, reader).map_err(|problem| format!("{place} is applied to {problem}"))?;
            all.push(Pending { entry, gives: (name.clone(), number), takes });
        }
    }
    Ok(all)
}

/// What a call takes, as Keras 3 says it or as its versions before did.
fn taken(call: &Value, place: &str, reader: &mut Reader<'_>) -> Result<Vec<Source>> {
    let mut takes = Vec::new();
    match call {
        Value::Array(sources) => {
            for value in sources {
                arguments(value.get(3), place, reader);
                takes.push(source(value).ok_or("what cannot be read")?);
            }
        }
        _ => {
            arguments(call.get("kwargs"), place, reader);
            tensors(&call["args"], &mut takes)?;
        }
    }
    Ok(takes)
}

/// Further arguments of a call must be null. Both `training=True` and `training=False` would fix what otherwise follows from
/// whether the model is trained.
fn arguments(arguments: Option<&Value>, place: &str, reader: &mut Reader<'_>) {
    for (name, value) in arguments.and_then(Value::as_object).into_iter().flatten() {
        if !value.is_null() {
            reader.problem(place, format!("it is called with {name}={}, which is not supported", short(value)));
        }
    }
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
    mut make: impl FnMut(&Pending, Vec<usize>) -> usize,
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
        known.insert(call.gives.clone(), make(call, inputs));
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
pub(super) fn named_outputs(draft: &Draft) -> bool {
    let outputs = &draft.outputs;
    let values = sources(draft, &[]);
    outputs.len() > 1 && outputs.iter().any(|output| output.name != values[output.value].0)
}

/// Where every value comes from, the inputs being called so.
fn sources(draft: &Draft, inputs: &[String]) -> Vec<Source> {
    let mut counts = vec![0; draft.layers.len()];
    let count = draft.inputs.len();
    let mut sources: Vec<Source> =
        (0..count).map(|input| (inputs.get(input).cloned().unwrap_or_default(), 0)).collect();
    for call in &draft.calls {
        sources.push((draft.layers[call.layer].name.clone(), counts[call.layer]));
        counts[call.layer] += 1;
    }
    sources
}

/// The inputs' names. Keras wants them to differ from the layers'.
fn input_names(draft: &Draft) -> Vec<String> {
    let taken = |name: &str| draft.layers.iter().any(|placed| placed.name == name);
    let inputs = draft.inputs.iter();
    inputs.map(|Input { name, .. }| if taken(name) { format!("{name}_input") } else { name.clone() }).collect()
}

/// Keras' configuration of a graph.
pub(super) fn to_json(draft: &Draft) -> Result<Value> {
    let names = input_names(draft);
    let sources = sources(draft, &names);
    let mut layers = Vec::new();
    for (name, input) in names.iter().zip(&draft.inputs) {
        layers.push(entry(entries::input(name, input.shape), name, Vec::new()));
    }
    for (number, placed) in draft.layers.iter().enumerate() {
        let calls = draft.calls.iter().filter(|call| call.layer == number);
        let calls = calls.map(|call| {
            let shape = |value| draft.shape(value).unwrap_or(Shape::SCALAR);
            let tensor = |value: &usize| tensor(&sources[*value], shape(*value));
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
    let outputs = draft.outputs.iter().map(|output| (output.name.clone(), place(output.value)));
    let outputs = match named_outputs(draft) {
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
