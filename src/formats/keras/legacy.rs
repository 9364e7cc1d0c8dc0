//! The `.h5` format of Keras 1 and 2: an HDF5 file with JSON configurations as attributes of the root group, and arrays by
//! their TensorFlow names.

use super::contents::{self, Incoming, Outgoing, Variable, group_name, insert, parse, values};
use super::cudnn;
use super::description::LayerDescription;
use super::loss_scale;
use super::result::Result;
use super::state::Variables;
use super::training::Training;
use crate::Shape;
use crate::formats::hdf5::{Group, NewGroup};
use crate::layers::DeclaredWeight;
use crate::save::Registry;
use crate::tape::Params;
use serde_json::Value;

/// The group of the weights.
const WEIGHTS: &str = "model_weights";

/// The group of the optimizer's arrays.
const OPTIMIZER: &str = "optimizer_weights";

/// The group of weights that belong to no layer, among the groups of the layers.
const TOP_LEVEL: &str = "top_level_model_weights";

/// The version of Keras whose format is written.
pub(super) const KERAS_VERSION: &str = "3.15.1";

/// Encodes a whole model.
pub(super) fn write(model: &Outgoing<'_>) -> Result<Vec<u8>> {
    let mut root = NewGroup::default();
    root.text("keras_version", KERAS_VERSION);
    root.text("backend", "tensorflow");
    root.text("model_config", model.description.to_json()?.to_string());
    if let Some(training) = &model.training {
        let mut compiled = training.to_json(&model.description.outputs())?;
        compiled["optimizer_config"] = training.optimizer_to_json()?;
        root.text("training_config", compiled.to_string());
    }
    root.text("gradus", model.gradus().to_string());
    write_weights(root.group(WEIGHTS), model)?;
    if let Some(training) = &model.training {
        write_optimizer(&mut root, training, model);
    }
    root.file()
}

fn write_optimizer(root: &mut NewGroup, training: &Training, model: &Outgoing<'_>) {
    let prefix = group_name(&training.optimizer);
    let group = root.group(OPTIMIZER);
    let mut names = Vec::new();
    for (name, variable) in model.variables() {
        let name = format!("{prefix}/{name}");
        match variable {
            Variable::Step(step) => group.integer(&name, i64::try_from(step).unwrap_or(i64::MAX)),
            Variable::Number(number) => group.floats(&name, Shape::SCALAR, &[number]),
            Variable::Array(shape, values) => group.floats(&name, shape, values),
        }
        names.push(name);
    }
    group.texts("weight_names", names);
}

fn write_weights(group: &mut NewGroup, model: &Outgoing<'_>) -> Result<()> {
    let layers = &model.description.layers;
    if layers.iter().any(|placed| placed.name == TOP_LEVEL) {
        return Err(format!("layer \"{TOP_LEVEL}\" has the name of a group of .h5 files; rename it, or write .keras"));
    }
    group.text("keras_version", KERAS_VERSION);
    group.text("backend", "tensorflow");
    group.texts("layer_names", layers.iter().map(|placed| placed.name.clone()).collect());
    group.group(TOP_LEVEL);
    for placed in layers {
        let group = group.group(&placed.name);
        for weight in placed.weights() {
            group.floats(weight.name(), weight.shape(), values(model.params, weight.name())?);
        }
        group.texts("weight_names", placed.weights().iter().map(|weight| weight.name().to_owned()).collect());
    }
    Ok(())
}

/// Reads a whole model, with its training configuration if `with_training`.
pub(super) fn read(root: &Group<'_>, registry: &Registry, with_training: bool) -> Result<Incoming> {
    let config = root.text("model_config")?.ok_or(
        "it holds weights but no model; load the model from its own file, or build it in code, and call load_weights",
    )?;
    let compiled = match root.text("training_config")? {
        Some(text) => match parse(&text, root.budget())? {
            Value::Object(mut compile) => {
                let optimizer = compile.remove("optimizer_config").unwrap_or(Value::Null);
                compile.insert("optimizer".into(), optimizer);
                Some(compile)
            }
            _ => return Err("its training_config is invalid".into()),
        },
        None => None,
    };
    let gradus = root.text("gradus")?.and_then(|text| parse(&text, root.budget()).ok()).unwrap_or(Value::Null);
    let version = root.text("keras_version")?;
    let parsed = parse(&config, root.budget())?;
    drop(config); // text and parsed configuration take more memory than most of the rest
    let (description, training) =
        contents::describe(&parsed, &gradus, version.as_deref(), compiled, registry, with_training)?;
    drop(parsed);
    let params = read_weights(&root.group(WEIGHTS)?, &description.layers)?;
    let variables = match root.has(OPTIMIZER) && training.is_some() {
        true => variables(&root.group(OPTIMIZER)?),
        false => Ok(Variables::default()),
    };
    Ok(Incoming { description, training, params, variables, gradus })
}

/// Reads the variables of the optimizer. Before version 2.11, the name of the first ends in `/iter:0` or `/iterations:0`.
fn variables(group: &Group<'_>) -> Result<Variables> {
    let mut names = group.texts("weight_names")?;
    names.retain(|name| !loss_scale::is_of_wrapper(name));
    let last = names.first().and_then(|name| name.rsplit_once('/')).map(|(_, last)| last.trim_end_matches(":0"));
    let one_group_per_array = matches!(last, Some("iter" | "iterations"));
    Ok(Variables { arrays: names.iter().map(|name| group.array(name)).collect::<Result<_>>()?, one_group_per_array })
}

/// Reads the weights. Layers with weights in the file and in the model correspond by their order, as in Keras.
pub(super) fn read_weights(group: &Group<'_>, layers: &[LayerDescription]) -> Result<Params> {
    let mut stored = Vec::new();
    for name in group.texts("layer_names")? {
        let layer = group.group(&name)?;
        let names = layer.texts("weight_names")?;
        if !names.is_empty() {
            stored.push((name, layer, names));
        }
    }
    // The layers of each layer of Keras: several if they are its cells, or the layers of a model within the model.
    let mut layers_of_keras: Vec<Vec<&LayerDescription>> = Vec::new();
    for placed in layers.iter().filter(|placed| !placed.weights().is_empty()) {
        match layers_of_keras.last_mut() {
            Some(before) if placed.container().is_some() && placed.container() == before[0].container() => {
                before.push(placed);
            }
            _ => layers_of_keras.push(vec![placed]),
        }
    }
    let layers = layers_of_keras;
    if stored.len() != layers.len() {
        return Err(format!(
            "the number of layers with weights is {} in the file and {} in the model",
            stored.len(),
            layers.len()
        ));
    }
    let mut params = Params::new();
    for (placed, (name, group, names)) in layers.iter().zip(&stored) {
        let (found, expected) = (names.len(), placed.iter().map(|placed| placed.weights().len()).sum::<usize>());
        let last = placed[placed.len() - 1];
        if found != expected {
            return Err(format!(
                "the number of arrays is {found} in its layer {name}, expected {expected} as in {}",
                last.name
            ));
        }
        let arrays = names.iter().map(|name| group.array(name)).collect::<Result<Vec<_>>>()?;
        let mut weights: Vec<&DeclaredWeight> = placed.iter().flat_map(|placed| placed.weights()).collect();
        // The trainable weights of all layers of a model precede the others.
        if last.is_in_model() {
            weights.sort_by_key(|weight| !weight.is_trainable());
        }
        for (weight, array) in weights.into_iter().zip(cudnn::converted(last.spec.class(), arrays)) {
            insert(&mut params, weight, array)?;
        }
    }
    Ok(params)
}
