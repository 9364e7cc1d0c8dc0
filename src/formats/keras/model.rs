//! Conversion between architectures, descriptions of models, and the configurations of `Sequential` and functional models.

use super::description::{Input, ModelDescription, Output};
use super::families::LAYER;
use super::object::Object;
use super::options::unknown_key;
use super::reader::Reader;
use super::result::Result;
use super::{activation_layers, cells, functional, masks, nested, operations, order, sequential, stateful, unrolled};
use crate::ValueInfo;
use crate::architecture::Architecture;
use serde_json::{Map, Value, json};

impl ModelDescription {
    /// Describes an architecture. The error names the layers that Keras does not have.
    pub(super) fn of(architecture: &Architecture) -> Result<ModelDescription> {
        let inputs = architecture.inputs().iter();
        let inputs = inputs.map(|input| Input { name: input.name().into(), shape: input.shape() });
        let shapes = architecture.accepted_inputs().iter().map(|shape| Some(*shape)).collect();
        let mut description = ModelDescription::new(inputs.collect(), shapes);
        let layers = architecture.layers().map(|layer| (layer.name(), layer.spec()));
        let unknown = layers.filter(|(_, spec)| LAYER.find(spec.class()).is_none());
        let unknown = unknown.map(|(name, spec)| format!("layer \"{name}\" ({})", spec.class())).collect::<Vec<_>>();
        if !unknown.is_empty() {
            let verb = if unknown.len() == 1 { "has" } else { "have" };
            return Err(format!("{} {verb} no equivalent in Keras", unknown.join(", ")));
        }
        for layer in architecture.layers() {
            let (name, spec) = (layer.name(), layer.spec());
            if name.contains('/') {
                return Err(format!("layer \"{name}\" has a slash in its name, which Keras does not allow"));
            }
            let class = spec.class().into();
            description.push(masks::layer_name(architecture, name, &spec), spec, layer.layer().clone(), class);
        }
        let mut calls = architecture.calls().iter();
        calls.try_for_each(|call| description.apply(call.layer(), call.inputs().to_vec()).map(|_| ()))?;
        let values = description.calls.last().map_or(description.inputs.len(), |call| call.outputs.end);
        description.samples = (0..values).map(|value| architecture.value_shape(value)).collect();
        let outputs = architecture.outputs().iter().enumerate();
        let output = |(number, output): (usize, &ValueInfo)| Output {
            name: output.name().into(),
            value: architecture.output_value(number),
        };
        (description.chain, description.outputs) = (architecture.is_chain(), outputs.map(output).collect());
        description.reorder(&order::keras_order(&description));
        Ok(description)
    }

    /// Reads the configuration of a model. Problems with its layers are recorded in `reader`.
    pub(super) fn read(model: &Value, reader: &mut Reader<'_>) -> Result<ModelDescription> {
        let mut model = model.clone();
        let containers = nested::inline(&mut model)?;
        operations::replace(&mut model);
        activation_layers::separate(&mut model);
        stateful::bind(&mut model);
        let cells = cells::replace(&mut model)?;
        unrolled::check(&model, reader);
        let model = &model;
        let object = match (&model["config"], model["class_name"].as_str()) {
            // The configuration of Keras before version 2.2.3 is a list of layers.
            (Value::Array(layers), Some("Sequential")) => {
                let config = Map::from_iter([("layers".into(), json!(layers))]);
                Object { name: "Sequential", class: "Sequential", custom: false, config }
            }
            _ => Object::read(model).ok_or("the configuration of its model is invalid")?,
        };
        if let Some(key) = model.as_object().and_then(unknown_key) {
            reader.problem("the model", format!("unknown key \"{key}\" in its configuration"));
        }
        let mut description = match object.name {
            "Sequential" if !object.custom => sequential::read(object.config, reader),
            "Functional" | "Model" if !object.custom => functional::read(object.config, reader),
            _ => {
                let found = object.title();
                Err(format!("it holds {found}, and only a Sequential or a Functional model can be read"))
            }
        }?;
        description.set_places(cells, &containers);
        Ok(description)
    }

    /// Writes the configuration of the model.
    pub(super) fn to_json(&self) -> Result<Value> {
        let mut model = if self.chain { sequential::to_json(self) } else { functional::to_json(self) }?;
        stateful::unbind(&mut model);
        Ok(model)
    }
}
