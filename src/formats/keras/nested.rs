//! Models within models, whose layers are read as layers of the outer model. A model that is called several times becomes
//! layers that are called several times.

use super::object::Object;
use super::result::Result;
use serde_json::{Value, json};
use std::collections::{BTreeMap, BTreeSet};

/// A model that contained a layer in the file.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) struct Container {
    /// Its name after the names of the models that contain it.
    pub(super) id: String,
    /// Its class, from which the path of its weights is derived.
    pub(super) class: &'static str,
}

/// The models that contain each layer, from the outermost on, by the name of the layer.
pub(super) type Containers = BTreeMap<String, Vec<Container>>;

/// The largest depth of nested models.
const DEPTH: usize = 16;

/// The largest number of characters of connections that are copied and searched. Models within models that are called
/// repeatedly would have an exponential number.
const CHARACTERS: usize = 1 << 27;

/// A reference to an output of a call: the layer, the number of the call, and the number of the output.
pub(super) type Source = (String, usize, usize);

/// Replaces each model within a model by its layers. Returns the models that contained them.
pub(super) fn inline(model: &mut Value) -> Result<Containers> {
    let mut containers = Containers::new();
    if has_nested(model) {
        let mut left = CHARACTERS;
        let flat = flatten(model, "", DEPTH, &mut left, &mut containers)?;
        write(model, flat);
    }
    Ok(containers)
}

/// The class of a model of Keras that is described by an object with layers.
fn class(value: &Value) -> Option<&'static str> {
    let object_class = match &value["config"] {
        // The configuration of Keras before version 2.2.3.
        Value::Array(_) => value["class_name"].as_str()?,
        _ => Object::read(value).filter(|object| !object.custom)?.class,
    };
    match object_class {
        "Sequential" => Some("Sequential"),
        "Functional" | "Model" => Some("Functional"),
        _ => None,
    }
}

fn layers(model: &Value) -> &[Value] {
    let config = &model["config"];
    config.as_array().or_else(|| config["layers"].as_array()).map(Vec::as_slice).unwrap_or_default()
}

/// The layers of a model.
pub(super) fn layers_mut(model: &mut Value) -> Option<&mut Vec<Value>> {
    match model.get_mut("config")? {
        Value::Array(layers) => Some(layers),
        config => config.get_mut("layers")?.as_array_mut(),
    }
}

fn has_nested(model: &Value) -> bool {
    layers(model).iter().any(|layer| class(layer).is_some())
}

/// The name of a layer.
pub(super) fn name(layer: &Value) -> String {
    layer["name"].as_str().or_else(|| layer["config"]["name"].as_str()).unwrap_or_default().to_owned()
}

fn is_input(layer: &Value) -> bool {
    layer["class_name"] == "InputLayer"
}

/// A functional model without nested models.
struct Flat {
    layers: Vec<Value>,
    inputs: Value,
    outputs: Value,
    /// Whether each layer takes the output of the layer before, as in a `Sequential`.
    chain: bool,
}

/// Replaces the configuration of a model.
fn write(model: &mut Value, flat: Flat) {
    if flat.chain {
        let list = flat.layers.into_iter().map(|mut layer| {
            layer.as_object_mut().map(|layer| layer.remove("inbound_nodes"));
            layer
        });
        match &mut model["config"] {
            Value::Array(layers) => *layers = list.collect(),
            config => config["layers"] = list.collect(),
        }
        return;
    }
    let frozen = model["config"]["trainable"] == false && class(model) == Some("Functional");
    model["class_name"] = json!("Functional");
    if !model["registered_name"].is_null() {
        model["registered_name"] = json!("Functional");
    }
    let mut config = json!({"layers": flat.layers, "input_layers": flat.inputs, "output_layers": flat.outputs});
    if frozen {
        config["trainable"] = json!(false);
    }
    model["config"] = config;
}

/// Reads a model, whose name is `id` after those of the models that contain it.
fn flatten(model: &Value, id: &str, depth: usize, left: &mut usize, containers: &mut Containers) -> Result<Flat> {
    let depth = depth.checked_sub(1).ok_or_else(|| format!("models are nested more than {DEPTH} times"))?;
    let mut flat = match class(model) {
        Some("Sequential") => sequential(model)?,
        _ => Flat {
            layers: layers(model).to_vec(),
            inputs: model["config"]["input_layers"].clone(),
            outputs: model["config"]["output_layers"].clone(),
            chain: false,
        },
    };
    // The names that are taken by layers outside of the models.
    let mut taken: BTreeSet<String> = flat.layers.iter().map(name).collect();
    while let Some(place) = flat.layers.iter().position(|layer| class(layer).is_some()) {
        let nested = flat.layers.remove(place);
        let own = name(&nested);
        let inner_id = format!("{id}/{own}");
        let mut within = Containers::new();
        let inner = flatten(&nested, &inner_id, depth, left, &mut within)?;
        flat.chain &= inner.chain;
        splice(&mut flat, place, &nested, inner, &mut taken, left, |layer, renamed| {
            let container = Container { id: inner_id.clone(), class: class(&nested).unwrap_or("Functional") };
            let deeper = within.remove(layer).unwrap_or_default();
            containers.insert(renamed.to_owned(), std::iter::once(container).chain(deeper).collect());
        })?;
    }
    Ok(flat)
}

/// A `Sequential` as a functional model.
fn sequential(model: &Value) -> Result<Flat> {
    let mut list = layers(model).to_vec();
    if !list.first().is_some_and(is_input) {
        let shape =
            input_shape(model).ok_or("the input shape of a Sequential is missing; build the model in Keras first")?;
        let names: BTreeSet<String> = list.iter().map(name).collect();
        let input = unused("input".into(), &names);
        let config = json!({"batch_input_shape": shape, "name": input});
        list.insert(0, json!({"class_name": "InputLayer", "config": config, "name": input, "inbound_nodes": []}));
    }
    let mut previous = name(&list[0]);
    let inputs = json!([[previous, 0, 0]]);
    for layer in &mut list[1..] {
        layer["inbound_nodes"] = json!([[[previous, 0, 0, {}]]]);
        previous = name(layer);
        if layer["name"].is_null() {
            layer["name"] = json!(previous);
        }
    }
    Ok(Flat { layers: list, inputs, outputs: json!([[previous, 0, 0]]), chain: true })
}

/// The shape of the input of a model, with its rows.
fn input_shape(model: &Value) -> Option<Value> {
    let config = &model["config"];
    let first = layers(model).first()?;
    let own = ["batch_shape", "batch_input_shape"].map(|name| &first["config"][name]);
    let known = own.into_iter().chain([&config["build_input_shape"]]).find(|shape| shape.is_array());
    known.cloned().or_else(|| class(first).and_then(|_| input_shape(first)))
}

/// A name that is not taken: this name, or this name with a number.
pub(super) fn unused(name: String, taken: &BTreeSet<String>) -> String {
    let numbered = |number: usize| if number == 0 { name.clone() } else { format!("{name}_{number}") };
    (0..=taken.len()).map(numbered).find(|name| !taken.contains(name)).unwrap_or_default()
}

/// Inserts the layers of a nested model in its place. `inserted` is called with the name of each in the nested model, and its
/// name in the outer model.
fn splice(
    outer: &mut Flat,
    place: usize,
    nested: &Value,
    inner: Flat,
    taken: &mut BTreeSet<String>,
    left: &mut usize,
    mut inserted: impl FnMut(&str, &str),
) -> Result<()> {
    let own = name(nested);
    let wrong = |problem: &str| format!("layer \"{own}\": {problem}");
    let outer_calls = nested["inbound_nodes"].as_array().cloned().unwrap_or_default();
    let length = |layers: &[Value]| layers.iter().map(|layer| layer["inbound_nodes"].to_string().len()).sum::<usize>();
    let work = length(&outer.layers) + length(&inner.layers).saturating_mul(1 + outer_calls.len());
    *left = left.checked_sub(work).ok_or("its models within models have too many connections")?;
    let given: Vec<Vec<Source>> = outer_calls.iter().map(|call| sources(call, &own)).collect::<Result<_>>()?;
    let first = first_call(outer, nested, &own, &outer_calls);
    let (mut inputs, mut outputs) = (Vec::new(), Vec::new());
    visit(&inner.inputs, &mut |reference| inputs.push(reference.source.0.clone()));
    visit(&inner.outputs, &mut |reference| outputs.push(reference.source.clone()));
    if given.iter().any(|given| given.len() != inputs.len()) {
        return Err(wrong("the number of its inputs differs from that of the model within it"));
    }
    // The layers, their new names, and the number of their calls within the model.
    let mut names = BTreeMap::new();
    for layer in inner.layers.iter().filter(|layer| !is_input(layer)) {
        let layer_name = name(layer);
        let count = layer["inbound_nodes"].as_array().map_or(0, Vec::len);
        let renamed = match taken.contains(&layer_name) {
            true => unused(format!("{own}_{layer_name}"), taken),
            false => layer_name.clone(),
        };
        taken.insert(renamed.clone());
        inserted(&layer_name, &renamed);
        names.insert(layer_name, (renamed, count));
    }
    // The value in the outer model of a value in a call of the nested model.
    let value = |source: &Source, call: usize| -> Option<Source> {
        match inputs.iter().position(|input| *input == source.0) {
            Some(input) => given.get(call)?.get(input).cloned(),
            None => names.get(&source.0).map(|(renamed, count)| (renamed.clone(), call * count + source.1, source.2)),
        }
    };
    let frozen = nested["config"]["trainable"] == false && class(nested) == Some("Functional");
    let mut added = Vec::new();
    for mut layer in inner.layers.into_iter().filter(|layer| !is_input(layer)) {
        let layer_name = name(&layer);
        let own_calls = layer["inbound_nodes"].as_array().cloned().unwrap_or_default();
        let mut calls = Vec::new();
        for call in 0..outer_calls.len() {
            for own_call in &own_calls {
                let mut written = own_call.clone();
                replace(&mut written, &|reference| value(&reference.source, call));
                calls.push(written);
            }
        }
        layer["inbound_nodes"] = json!(calls);
        let renamed = names.get(&layer_name).map_or(&layer_name, |(renamed, _)| renamed);
        layer["name"] = json!(renamed);
        if layer["config"].is_object() {
            layer["config"]["name"] = json!(renamed);
            if frozen {
                layer["config"]["trainable"] = json!(false);
            }
        }
        added.push(layer);
    }
    outer.layers.splice(place..place, added);
    // An output of the model may be an input of it, which may be an output of another call of the model.
    let result = |reference: &Reference| -> Option<Source> {
        let mut found = reference.clone();
        for _ in 0..=outer_calls.len() {
            if found.source.0 != own {
                return Some(found.source);
            }
            let call = found.source.1.checked_sub(if found.is_tensor { 0 } else { first })?;
            let source = value(outputs.get(found.source.2)?, call)?;
            found = Reference { source, is_tensor: outer_calls.iter().any(Value::is_object) };
        }
        None
    };
    let of_model = |reference: &Reference| if reference.source.0 == own { result(reference) } else { None };
    for layer in &mut outer.layers {
        replace(&mut layer["inbound_nodes"], &of_model);
    }
    replace(&mut outer.outputs, &of_model);
    let mut unknown = false;
    let mut find = |reference: &Reference| unknown |= reference.source.0 == own;
    outer.layers.iter().for_each(|layer| visit(&layer["inbound_nodes"], &mut find));
    visit(&outer.outputs, &mut find);
    if unknown { Err(wrong("a reference to one of its outputs is invalid")) } else { Ok(()) }
}

/// The number of the first call of a nested model in references that are lists. In most files it is 1, as 0 is the call that
/// created the model. In Keras 3, a `Sequential` has no such call, and tensors count without it.
fn first_call(outer: &Flat, nested: &Value, own: &str, calls: &[Value]) -> usize {
    let mut found = BTreeSet::new();
    let mut find = |reference: &Reference| {
        if reference.source.0 == own && !reference.is_tensor {
            found.insert(reference.source.1);
        }
    };
    outer.layers.iter().for_each(|layer| visit(&layer["inbound_nodes"], &mut find));
    visit(&outer.outputs, &mut find);
    calls.iter().for_each(|call| visit(call, &mut find));
    let is_sequential_of_keras_3 = class(nested) == Some("Sequential") && calls.iter().any(Value::is_object);
    match (found.first(), found.last()) {
        (Some(0), _) | (None, _) => 0,
        (_, Some(last)) if *last >= calls.len() => 1,
        _ => usize::from(!is_sequential_of_keras_3),
    }
}

/// The inputs of a call of a nested model. Other arguments must have no effect.
fn sources(call: &Value, model: &str) -> Result<Vec<Source>> {
    let mut found = Vec::new();
    let arguments: Vec<&Value> = match call {
        Value::Array(list) => list.iter().filter_map(|source| source.get(3)).collect(),
        call => vec![&call["kwargs"]],
    };
    for (argument, value) in arguments.into_iter().filter_map(Value::as_object).flatten() {
        // Layers for which this matters are in inference while they are frozen; Keras 3 ignores it in training.
        // Without masks, a model with several inputs has a list of nulls.
        let is_null = value.is_null() || value.as_array().is_some_and(|list| list.iter().all(Value::is_null));
        let no_effect = is_null || argument == "training" && value.is_boolean();
        if !no_effect {
            return Err(format!("layer \"{model}\": the model is called with {argument}, which is not supported"));
        }
    }
    let inputs = if call.is_array() { call } else { &call["args"] };
    visit(inputs, &mut |reference| found.push(reference.source.clone()));
    Ok(found)
}

/// All references in a call.
pub(super) fn references(call: &Value) -> Vec<((String, usize), usize)> {
    let mut found = Vec::new();
    visit(call, &mut |Reference { source: (name, call, output), .. }| found.push(((name.clone(), *call), *output)));
    found
}

/// Reads a reference, such as `["dense", 0, 0]`.
fn source(value: &Value) -> Option<Source> {
    let [name, call, output, ..] = value.as_array()?.as_slice() else { return None };
    let number = |value: &Value| usize::try_from(value.as_u64()?).ok();
    Some((name.as_str()?.to_owned(), number(call)?, number(output)?))
}

/// A reference in a file.
#[derive(Clone)]
pub(super) struct Reference {
    pub(super) source: Source,
    /// Whether it belongs to a tensor of Keras 3.
    is_tensor: bool,
}

/// The name of a tensor's reference.
const TENSOR: &str = "keras_history";

/// Calls a function for each reference in a value.
fn visit(value: &Value, found: &mut impl FnMut(&Reference)) {
    visit_all(value, false, found);
}

fn visit_all(value: &Value, is_tensor: bool, found: &mut impl FnMut(&Reference)) {
    if let Some(source) = source(value) {
        found(&Reference { source, is_tensor });
    }
    match value {
        Value::Array(list) => list.iter().for_each(|value| visit_all(value, false, found)),
        Value::Object(object) => object.iter().for_each(|(name, value)| visit_all(value, name == TENSOR, found)),
        _ => {}
    }
}

/// Replaces references for which `new` returns one.
pub(super) fn replace(value: &mut Value, new: &impl Fn(&Reference) -> Option<Source>) {
    replace_all(value, false, new);
}

fn replace_all(value: &mut Value, is_tensor: bool, new: &impl Fn(&Reference) -> Option<Source>) {
    let reference = source(value).map(|source| Reference { source, is_tensor });
    if let Some((name, call, output)) = reference.as_ref().and_then(new) {
        (value[0], value[1], value[2]) = (json!(name), json!(call), json!(output));
    }
    match value {
        Value::Array(list) => list.iter_mut().for_each(|value| replace_all(value, false, new)),
        Value::Object(object) => {
            object.iter_mut().for_each(|(name, value)| replace_all(value, name == TENSOR, new));
        }
        _ => {}
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn calls_have_no_masks() {
        let call = |mask: Value| json!({"args": [], "kwargs": {"mask": mask, "training": false}});
        assert!(sources(&call(json!(null)), "inner").is_ok());
        assert!(sources(&call(json!([null, null])), "inner").is_ok());
        assert!(sources(&call(json!([null, [1]])), "inner").unwrap_err().contains("called with mask"));
    }
}
