//! From a network to a draft, and between a draft and Keras' configuration of a `Sequential` or a functional model.

use super::draft::{Draft, Output};
use super::families::LAYER;
use super::object::Object;
use super::options::unknown_key;
use super::reader::Reader;
use super::result::Result;
use super::{functional, order, sequential};
use crate::ValueInfo;
use crate::architecture::Architecture;
use serde_json::{Map, Value, json};

impl Draft {
    /// Of a network with its weights.
    pub(super) fn of(architecture: &Architecture) -> Result<Draft> {
        let inputs = architecture.inputs().iter();
        let mut draft = Draft::new(inputs.map(|input| (input.name().into(), Some(input.shape()))).collect());
        for layer in architecture.layers() {
            let (name, spec) = (layer.name(), layer.spec());
            if LAYER.find(spec.class()).is_none() {
                return Err(format!("{} ({name}) is not a layer that Keras has", spec.class()));
            }
            if name.contains('/') {
                return Err(format!("the layer \"{name}\" has a slash in its name, which Keras does not take"));
            }
            let class = spec.class().into();
            draft.push(name.into(), spec, layer.layer().clone(), class);
        }
        let mut calls = architecture.calls().iter();
        calls.try_for_each(|call| draft.apply(call.layer(), call.inputs().to_vec()).map(|_| ()))?;
        let outputs = architecture.outputs().iter().enumerate();
        let output = |(number, output): (usize, &ValueInfo)| Output {
            name: output.name().into(),
            value: architecture.output_value(number),
        };
        (draft.chain, draft.outputs) = (architecture.is_chain(), outputs.map(output).collect());
        draft.reorder(&order::of(&draft));
        Ok(draft)
    }

    /// Of the configuration of a Keras model. What is wrong with its parts, the reader takes down.
    pub(super) fn read(model: &Value, reader: &mut Reader<'_>) -> Result<Draft> {
        let object = match (&model["config"], model["class_name"].as_str()) {
            // Before version 2.2.3 of Keras.
            (Value::Array(layers), Some("Sequential")) => {
                let config = Map::from_iter([("layers".into(), json!(layers))]);
                Object { name: "Sequential", class: "Sequential", custom: false, config }
            }
            _ => Object::read(model).ok_or("its description of the model cannot be read")?,
        };
        if let Some(key) = model.as_object().and_then(unknown_key) {
            reader.problem("the model", format!("its description has a \"{key}\", which is not known"));
        }
        let mut draft = match object.name {
            "Sequential" if !object.custom => sequential::read(object.config, reader),
            "Functional" | "Model" if !object.custom => functional::read(object.config, reader),
            _ => {
                let found = object.title();
                Err(format!("it holds {found}, and only a Sequential or a Functional model can be read"))
            }
        }?;
        draft.find_paths();
        Ok(draft)
    }

    /// Keras' configuration of the model.
    pub(super) fn to_json(&self) -> Result<Value> {
        if self.chain { sequential::to_json(self) } else { functional::to_json(self) }
    }
}
