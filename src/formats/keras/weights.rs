//! The layout of `.weights.h5` files, which `.keras` files contain too: weights by the path of their layer.

use super::contents::{Outgoing, Variable, insert, values};
use super::description::{FOLDER, LayerDescription};
use super::result::Result;
use super::state::Variables;
use crate::Shape;
use crate::formats::hdf5::{Group, NewGroup};
use crate::tape::Params;
use std::collections::BTreeSet;

/// Names of the group with the layers, in Keras 3 and in earlier versions.
const LAYERS: [&str; 2] = [FOLDER, "_layer_checkpoint_dependencies"];

/// The path of the optimizer's variables.
const OPTIMIZER: &str = "optimizer/vars";

/// The path of the variables of an optimizer in a wrapper, which scales the loss of a model of mixed precision.
const WRAPPED_OPTIMIZER: &str = "optimizer/inner_optimizer/vars";

/// Writes the weights of every layer.
pub(super) fn write_layers(root: &mut NewGroup, layers: &[LayerDescription], params: &Params) -> Result<()> {
    for placed in layers {
        root.group(&format!("layers/{}/vars", placed.path)).text("name", placed.name.as_str());
        for (number, weight) in placed.weights().iter().enumerate() {
            let path = format!("layers/{}", placed.weight_path(number));
            let copy = placed.copy_path(number).map(|path| format!("layers/{path}"));
            for path in copy.into_iter().chain([path]) {
                root.floats(&path, weight.shape(), values(params, weight.name())?);
            }
        }
    }
    root.group("vars").text("name", "sequential");
    Ok(())
}

/// Writes the variables of the optimizer.
pub(super) fn write_optimizer(root: &mut NewGroup, model: &Outgoing<'_>) {
    if model.training.is_none() {
        return;
    }
    let group = root.group(OPTIMIZER);
    for (number, (_, variable)) in model.variables().into_iter().enumerate() {
        let number = number.to_string();
        match variable {
            Variable::Step(step) => group.integer(&number, i64::try_from(step).unwrap_or(i64::MAX)),
            Variable::Number(value) => group.floats(&number, Shape::SCALAR, &[value]),
            Variable::Array(shape, values) => group.floats(&number, shape, values),
        }
    }
}

/// Reads the weights of every layer.
pub(super) fn read_layers(root: &Group<'_>, layers: &[LayerDescription]) -> Result<Params> {
    let name = LAYERS.into_iter().find(|name| root.has(name)).ok_or("it has no group of layers with weights")?;
    let folder = root.group(name)?;
    let mut params = Params::new();
    for placed in layers.iter().filter(|placed| !placed.weights().is_empty()) {
        let path = |number: usize| placed.weight_path(number).replace(&format!("/{FOLDER}/"), &format!("/{name}/"));
        let paths: Vec<String> = (0..placed.weights().len()).map(path).collect();
        let groups: BTreeSet<&str> = paths.iter().filter_map(|path| Some(path.rsplit_once('/')?.0)).collect();
        let counts: Vec<usize> = groups.iter().map(|path| Ok(folder.group(path)?.len())).collect::<Result<_>>()?;
        let copies = (0..paths.len()).filter(|number| placed.copy_path(*number).is_some()).count();
        let (found, expected) = (counts.iter().sum::<usize>(), paths.len() + copies);
        if found != expected {
            return Err(format!(
                "the number of arrays is {found} in its layer {}, expected {expected} as in {}",
                placed.path, placed.name
            ));
        }
        for (weight, path) in placed.weights().iter().zip(&paths) {
            let (group, number) = path.rsplit_once('/').unwrap_or_default();
            insert(&mut params, weight, folder.group(group)?.array(number)?)?;
        }
    }
    Ok(params)
}

/// Reads the variables of the optimizer. Empty if the file has none.
pub(super) fn read_optimizer(root: &Group<'_>) -> Result<Variables> {
    if !root.has("optimizer") {
        return Ok(Variables::default());
    }
    let wrapped = root.group("optimizer")?.has("inner_optimizer");
    let group = root.group(if wrapped { WRAPPED_OPTIMIZER } else { OPTIMIZER })?;
    let arrays = (0..group.len()).map(|number| group.array(&number.to_string())).collect::<Result<_>>()?;
    Ok(Variables { arrays, one_group_per_array: false })
}
