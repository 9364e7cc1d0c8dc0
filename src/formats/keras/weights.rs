//! Weights by their place in the model: the layout of `.weights.h5`, and of the weights within a `.keras` file.

use super::contents::{Outgoing, Variable, insert, values};
use super::draft::DraftLayer;
use super::result::Result;
use crate::Shape;
use crate::formats::hdf5::{Array, Group, NewGroup};
use crate::tape::Params;

/// The groups that hold the layers: Keras 3, and its versions before.
const LAYERS: [&str; 2] = ["layers", "_layer_checkpoint_dependencies"];

/// Where an optimizer keeps its variables.
const OPTIMIZER: &str = "optimizer/vars";

/// Puts the weights of every layer into the root of a file.
pub(super) fn write_layers(root: &mut NewGroup, layers: &[DraftLayer], params: &Params) -> Result<()> {
    for placed in layers {
        let group = root.group(&format!("layers/{}/vars", placed.path));
        group.text("name", placed.name.as_str());
        for (number, weight) in placed.weights().iter().enumerate() {
            group.floats(&number.to_string(), weight.shape(), values(params, weight.name())?);
        }
    }
    root.group("vars").text("name", "sequential");
    Ok(())
}

/// Puts the optimizer's variables there as well.
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

/// The weights of every layer.
pub(super) fn read_layers(root: &Group<'_>, layers: &[DraftLayer]) -> Result<Params> {
    let folder = LAYERS.into_iter().find(|name| root.has(name)).ok_or("it holds no weights of layers")?;
    let folder = root.group(folder)?;
    let mut params = Params::new();
    for placed in layers.iter().filter(|placed| !placed.weights().is_empty()) {
        let group = folder.group(&format!("{}/vars", placed.path))?;
        if group.len() != placed.weights().len() {
            let (found, expected) = (group.len(), placed.weights().len());
            return Err(format!("its layer {} has {found} arrays, and {} has {expected}", placed.path, placed.name));
        }
        for (number, weight) in placed.weights().iter().enumerate() {
            insert(&mut params, weight, group.array(&number.to_string())?)?;
        }
    }
    Ok(params)
}

/// The optimizer's variables; none where there are none.
pub(super) fn read_optimizer(root: &Group<'_>) -> Result<Vec<Array>> {
    if !root.has("optimizer") {
        return Ok(Vec::new());
    }
    let group = root.group(OPTIMIZER)?;
    (0..group.len()).map(|number| group.array(&number.to_string())).collect()
}
