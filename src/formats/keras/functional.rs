//! Configurations of functional models in Keras, which correspond to `Graph` in gradus.
//!
//! Each layer lists its calls (`inbound_nodes`). A value is identified by a layer, the number of its call, and the number of
//! the output of that call.

use super::channels::Layout;
use super::description::{Input, ModelDescription, Output};
use super::entries::{self, Entry};
use super::families::LAYER;
use super::masks::{IGNORED, INITIAL_STATE, Masks};
use super::nested;
use super::object::{Config, object};
use super::operations;
use super::options::{DTYPE, InactiveOption, NAME, short};
use super::reader::Reader;
use super::result::Result;
use crate::SampleShape;
use serde_json::{Value, json};
use std::collections::{BTreeMap, BTreeSet};
use std::ops::Range;

/// A call, identified by the name of its layer and its number.
type CallName = (String, usize);

/// A value: a call and the number of an output.
type Source = (CallName, usize);

/// The values of the outputs of calls.
type Known = BTreeMap<CallName, Range<usize>>;

/// A call of a layer that is not applied yet.
struct Pending {
    /// The index of the layer in the list.
    entry: usize,
    output: CallName,
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
    let named_outputs = named(outputs.as_ref(), "output")?;
    let of_outputs: Vec<String> = named_outputs.iter().map(|(_, source)| source.0.0.clone()).collect();
    let calls = pending(&list, &of_outputs, &entries, reader)?;
    let mut entries: Vec<Option<Entry<'_>>> = entries.into_iter().map(Some).collect();
    let mut known = Known::new();
    let mut shapes = Vec::new();
    for (number, (name, source)) in named(inputs.as_ref(), "input")?.into_iter().enumerate() {
        let is = |entry: &&mut Option<Entry<'_>>| {
            entry.as_ref().is_some_and(|entry| entry.is_input() && entry.name.as_ref() == Some(&source.0.0))
        };
        let entry = entries.iter_mut().find(is).and_then(Option::take);
        let entry = entry.ok_or_else(|| format!("its input {} is not an InputLayer", source.0.0))?;
        shapes.push((name, entry.input(reader)));
        known.insert(source.0, number..number + 1);
    }
    let mut description = ModelDescription::of_file(shapes, reader.open_size);
    let mut layers: Vec<Option<usize>> = vec![None; entries.len()];
    let mut layouts = vec![Layout::File; entries.len()];
    apply_in_order(&calls, &mut known, |call, known| {
        let value = |source| {
            let missing = || format!("an input of layer \"{}\" refers to an output that does not exist", call.output.0);
            value_of(known, &description, source).ok_or_else(missing)
        };
        let mut inputs: Vec<usize> = call.inputs.iter().map(value).collect::<Result<_>>()?;
        // A layer is set up when it is first applied, as its settings may depend on its input.
        let first = entries[call.entry].take().map(|mut entry| {
            layouts[call.entry] = entry.lay_out(&description, &inputs);
            entry
        });
        let layout = layouts[call.entry];
        let arranged = description.arrange(layout, &inputs, reader.registry);
        inputs = reader.note("", arranged).unwrap_or(inputs);
        if let Some(entry) = first {
            let name = entry.name.clone().unwrap_or_default();
            let (place, class) = (entry.place(), entry.object.class.to_owned());
            let input = inputs.first().and_then(|value| description.stored_shape(*value));
            let spec = match operations::is_operation(&list[call.entry]) && class != "Concatenate" {
                true => {
                    reader.problem(&place, format!("the operation {class} with these arguments is not supported"));
                    None
                }
                false => entry.spec(reader, input),
            };
            layers[call.entry] = spec.and_then(|spec| {
                let layer = description.layer(name, spec, class, reader.registry);
                reader.note(&place, layer)
            });
        }
        let outputs = description.apply_if_known(layers[call.entry], inputs.clone(), reader);
        description.set_orders(layout, &inputs, outputs.clone());
        Ok(outputs)
    })?;
    let value = |(name, source): (String, Source)| match value_of(&known, &description, &source) {
        Some(value) => Ok(Output { name, value }),
        None => {
            let ((layer, call), output) = source;
            let output = if output == 0 { String::new() } else { format!("output {output} of ") };
            Err(format!("its output {name} refers to {output}call {call} of layer \"{layer}\", which does not exist"))
        }
    };
    let outputs: Vec<Output> = named_outputs.into_iter().map(value).collect::<Result<_>>()?;
    for Output { name, value } in outputs {
        let value = description.in_order_of_file(value, reader.registry)?;
        description.outputs.push(Output { name, value });
    }
    description.reorder(&layers.into_iter().flatten().collect::<Vec<_>>());
    Ok(description)
}

/// The number of a value; `None` if it does not exist. A value of unknown shape represents all outputs of its call.
fn value_of(known: &Known, description: &ModelDescription, (call, output): &Source) -> Option<usize> {
    let values = known.get(call)?;
    let unknown = values.len() == 1 && description.shape(values.start).is_none();
    values.clone().nth(if unknown { 0 } else { *output })
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
        let layer = source.0.0.clone();
        let count = counts.entry(layer.clone()).or_default();
        *count += 1;
        (if *count == 1 { layer } else { format!("{layer}_{}", *count - 1) }, source)
    };
    sources.into_iter().map(name).collect()
}

/// Parses a reference to a value, such as `["dense", 0, 0]`.
fn source(value: &Value) -> Option<Source> {
    match value.as_array()?.as_slice() {
        [name, call, output, ..] => {
            let number = |value: &Value| usize::try_from(value.as_u64()?).ok();
            Some(((name.as_str()?.into(), number(call)?), number(output)?))
        }
        _ => None,
    }
}

/// Collects the calls of all layers.
fn pending(list: &[Value], outputs: &[String], entries: &[Entry<'_>], reader: &mut Reader<'_>) -> Result<Vec<Pending>> {
    let (mut all, masks) = (Vec::new(), Masks::read(list, outputs));
    for (entry, value) in list.iter().enumerate().filter(|(entry, _)| !entries[*entry].is_input()) {
        if entries[entry].name.as_ref().is_some_and(|name| masks.computes_mask(name)) {
            continue;
        }
        let name = entries[entry].name.as_ref().ok_or("a layer of its graph has no name; give it one in Keras")?;
        let calls = value["inbound_nodes"].as_array().map(Vec::as_slice).unwrap_or_default();
        for (number, call) in calls.iter().enumerate() {
            let place = entries[entry].place();
            let inputs = match call_inputs(call, &place, &masks, reader) {
                // The unknown layer is a problem, which is reported.
                Err(_) if operations::is_operation(value) || LAYER.find(entries[entry].object.name).is_none() => {
                    nested::references(call)
                }
                inputs => inputs.map_err(|problem| format!("{place}: {problem}"))?,
            };
            if masks.is_ignored(entries[entry].object.class, call) {
                reader.problem(&place, IGNORED);
            }
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
                inputs.push(source(value).ok_or("the reference to an input is invalid")?);
                arguments(value.get(3), place, reader, &mut inputs, |_, _| false)?;
            }
        }
        _ => {
            tensors(&call["args"], &mut inputs)?;
            let implied = |name: &str, value: &Value| match name {
                "mask" => masks.follows(call),
                "training" => value.is_boolean(),
                _ => false,
            };
            arguments(call.get("kwargs"), place, reader, &mut inputs, implied)?;
        }
    }
    Ok(inputs)
}

/// Reads the further arguments of a call. `initial_state` has further inputs. Others must be null, or `implied` by the layers.
/// Keras 3 writes the default of `training`, such as true for a `Resizing`, but `fit`, `predict` and `evaluate` replace it by
/// the mode of the model. In Keras 2, it overrides that mode.
fn arguments(
    arguments: Option<&Value>,
    place: &str,
    reader: &mut Reader<'_>,
    inputs: &mut Vec<Source>,
    implied: impl Fn(&str, &Value) -> bool,
) -> Result<()> {
    for (name, value) in
        arguments.and_then(Value::as_object).into_iter().flatten().filter(|(_, value)| !value.is_null())
    {
        if name == INITIAL_STATE {
            tensors(value, inputs)?;
        } else if !implied(name, value) {
            reader.problem(place, format!("it is called with {name}={}, which is not supported", short(value)));
        }
    }
    Ok(())
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

/// Applies every call once its inputs are available, otherwise in the order of the list. `apply` returns the new values.
fn apply_in_order(
    calls: &[Pending],
    known: &mut Known,
    mut apply: impl FnMut(&Pending, &Known) -> Result<Range<usize>>,
) -> Result<()> {
    let mut waiting = BTreeMap::<&CallName, Vec<usize>>::new();
    let mut missing = vec![0; calls.len()];
    for (number, call) in calls.iter().enumerate() {
        for (source, _) in call.inputs.iter().filter(|(source, _)| !known.contains_key(source)) {
            waiting.entry(source).or_default().push(number);
            missing[number] += 1;
        }
    }
    let mut ready: BTreeSet<usize> = (0..calls.len()).filter(|call| missing[*call] == 0).collect();
    let mut applied = 0;
    while let Some(number) = ready.pop_first() {
        let call = &calls[number];
        let outputs = apply(call, known)?;
        known.insert(call.output.clone(), outputs);
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
    outputs.len() > 1 && outputs.iter().any(|output| output.name != values[output.value].0.0)
}

/// The source of every value. `inputs` are the names of the inputs.
fn sources(description: &ModelDescription, inputs: &[String]) -> Vec<Source> {
    let mut counts = vec![0; description.layers.len()];
    let count = description.inputs.len();
    let mut sources: Vec<Source> =
        (0..count).map(|input| ((inputs.get(input).cloned().unwrap_or_default(), 0), 0)).collect();
    for call in &description.calls {
        let name = (description.layers[call.layer].name.clone(), counts[call.layer]);
        sources.extend((0..call.outputs.len()).map(|output| (name.clone(), output)));
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
            let mut inputs: Vec<Value> = call.inputs.iter().map(tensor).collect();
            let mut kwargs = Config::new();
            if inputs.len() > 1 && placed.is_recurrent() {
                kwargs.insert(INITIAL_STATE.into(), inputs.drain(1..).collect());
            }
            json!({"args": if inputs.len() == 1 { json!(inputs) } else { json!([inputs]) }, "kwargs": kwargs})
        });
        layers.push(entry(entries::layer(placed)?, &placed.name, calls.collect()));
    }
    check_masks(&layers)?;
    let place = |value: usize| {
        let ((layer, call), output) = &sources[value];
        json!([layer, call, output])
    };
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

/// Checks that Keras uses every mask that gradus uses.
fn check_masks(layers: &[Value]) -> Result<()> {
    let masks = Masks::read(layers, &[]);
    for layer in layers {
        let (name, class) =
            (layer["name"].as_str().unwrap_or_default(), layer["class_name"].as_str().unwrap_or_default());
        if layer["inbound_nodes"].as_array().into_iter().flatten().any(|call| masks.is_ignored(class, call)) {
            return Err(format!("layer \"{name}\" ({class}): {IGNORED}"));
        }
    }
    Ok(())
}

fn entry(mut layer: Value, name: &str, calls: Vec<Value>) -> Value {
    layer["name"] = json!(name);
    layer["inbound_nodes"] = json!(calls);
    layer
}

fn tensor(((layer, call), output): &Source, shape: SampleShape) -> Value {
    let config = json!({"shape": entries::batch(shape), "dtype": "float32", "keras_history": [layer, call, output]});
    json!({"class_name": "__keras_tensor__", "config": config})
}
