//! Which layers a model has and who feeds whom, as Keras' files need it: weights in Keras' order, under Keras' paths.

use super::config::Result;
use super::families::LAYER;
use super::names::snake_case;
use super::object::Object;
use super::options::unknown_key;
use super::reader::Reader;
use super::{functional, order, sequential};
use crate::architecture::ValueInfo;
use crate::layers::{Layer, Source, Weights};
use crate::save::{Call, Description, Output, Registry, Wiring};
use crate::shape::Shape;
use crate::spec::Spec;
use crate::tape::Params;
use serde_json::{Map, Value, json};
use std::collections::BTreeMap;
use std::sync::Arc;

/// Layers with the names and shapes of their weights, which are not there yet.
#[derive(Debug)]
pub(super) struct Architecture {
    pub(super) wiring: Wiring,
    /// In the order in which Keras has them.
    pub(super) layers: Vec<Placed>,
    /// The shape of one sample of each value; `None` where it cannot be known because something is wrong with the file.
    shapes: Vec<Option<Shape>>,
}

/// A layer in its place.
#[derive(Debug)]
pub(super) struct Placed {
    pub(super) name: String,
    pub(super) spec: Spec,
    pub(super) layer: Arc<dyn Layer>,
    /// The name of its class in Python, which may be another than the one that it is registered under.
    class: String,
    /// Where Keras keeps its weights in a `.weights.h5` file: the class in snake case, and a number from the second on.
    pub(super) path: String,
    /// What it learns, then what it keeps up to date. `None` before it is applied.
    declared: Option<Vec<Weight>>,
}

/// A weight array of a layer.
#[derive(Clone, Debug, PartialEq)]
pub(super) struct Weight {
    /// With the layer's name before it, as in `dense_1/kernel`.
    pub(super) name: String,
    pub(super) shape: Shape,
    pub(super) trainable: bool,
}

impl Placed {
    pub(super) fn weights(&self) -> &[Weight] {
        self.declared.as_deref().unwrap_or_default()
    }
}

impl Architecture {
    /// Inputs alone.
    pub(super) fn new(inputs: Vec<(String, Option<Shape>)>) -> Architecture {
        let shapes = inputs.iter().map(|(_, shape)| *shape).collect();
        let inputs = inputs.into_iter().map(|(name, shape)| ValueInfo::new(name, shape.unwrap_or(Shape::SCALAR)));
        let inputs = inputs.collect();
        let wiring = Wiring { chain: false, inputs, calls: Vec::new(), outputs: Vec::new() };
        Architecture { wiring, layers: Vec::new(), shapes }
    }

    /// Of a model.
    pub(super) fn of(description: &Description) -> Result<Architecture> {
        let Wiring { chain, inputs, calls, outputs } = &description.wiring;
        let known = inputs.iter().map(|input| (input.name.clone(), Some(input.shape))).collect();
        let (mut architecture, registry) = (Architecture::new(known), Registry::new());
        for (name, spec) in &description.layers {
            if LAYER.find(spec.class()).is_none() {
                return Err(format!("{} ({name}) is not a layer that Keras has", spec.class()));
            }
            if name.contains('/') {
                return Err(format!("the layer \"{name}\" has a slash in its name, which Keras does not take"));
            }
            architecture.layer(name.clone(), spec.clone(), spec.class().into(), &registry)?;
        }
        calls.iter().try_for_each(|call| architecture.apply(call.layer, call.inputs.clone()).map(|_| ()))?;
        (architecture.wiring.chain, architecture.wiring.outputs) = (*chain, outputs.clone());
        architecture.reorder(&order::of(&architecture));
        Ok(architecture)
    }

    /// Of the configuration of a Keras model. What is wrong with its parts, the reader takes down.
    pub(super) fn read(model: &Value, reader: &mut Reader<'_>) -> Result<Architecture> {
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
        let mut architecture = match object.name {
            "Sequential" if !object.custom => sequential::read(object.config, reader),
            "Functional" | "Model" if !object.custom => functional::read(object.config, reader),
            _ => {
                let found = object.title();
                Err(format!("it holds {found}, and only a Sequential or a Functional model can be read"))
            }
        }?;
        architecture.find_paths();
        Ok(architecture)
    }

    /// Keras' configuration of the model.
    pub(super) fn to_json(&self) -> Result<Value> {
        if self.wiring.chain { sequential::to_json(self) } else { functional::to_json(self) }
    }

    /// Appends a layer, to be applied later.
    pub(super) fn layer(&mut self, name: String, spec: Spec, class: String, registry: &Registry) -> Result<usize> {
        let layer: Arc<dyn Layer> = registry.make_layer(&spec).map_err(|error| error.to_string())?.into();
        self.layers.push(Placed { name, spec, layer, class, path: String::new(), declared: None });
        Ok(self.layers.len() - 1)
    }

    /// Applies a layer to values, and gives the number of the new one. Where either is not known, nor is the new one.
    pub(super) fn apply_if_known(
        &mut self,
        layer: Option<usize>,
        inputs: Vec<usize>,
        reader: &mut Reader<'_>,
    ) -> usize {
        let known = layer.filter(|_| inputs.iter().all(|value| self.shapes[*value].is_some()));
        let applied = known.and_then(|layer| {
            let applied = self.apply(layer, inputs);
            reader.note("", applied)
        });
        applied.unwrap_or_else(|| {
            self.shapes.push(None);
            self.shapes.len() - 1
        })
    }

    /// Applies a layer to values, and gives the number of the new one; the error says where it does not fit.
    pub(super) fn apply(&mut self, layer: usize, inputs: Vec<usize>) -> Result<usize> {
        let shapes: Vec<Shape> = inputs.iter().filter_map(|value| self.shapes[*value]).collect();
        let placed = &mut self.layers[layer];
        let (mut params, name) = (Params::new(), placed.name.clone());
        let mut declared = Weights::new(&mut params, &name, Source::Nowhere);
        let built = placed.layer.build(&shapes, &mut declared);
        let place = || format!("layer {} ({name})", layer + 1);
        let outputs = built.map_err(|error| error.at(place, &shapes).to_string())?;
        let [output] = outputs[..] else {
            return Err(format!("{}: it has {} outputs; layers in Keras files have one", place(), outputs.len()));
        };
        let weight =
            |id| Weight { name: params.name(id).into(), shape: params.shape(id), trainable: params.trainable(id) };
        let mut weights: Vec<Weight> = params.ids().map(weight).collect();
        weights.sort_by_key(|weight| !weight.trainable);
        if placed.declared.as_ref().is_some_and(|before| *before != weights) {
            return Err(format!("{}: it is applied to inputs that need weights of different shapes", place()));
        }
        placed.declared = Some(weights);
        self.wiring.calls.push(Call::new(layer, inputs));
        self.shapes.push(Some(output));
        Ok(self.shapes.len() - 1)
    }

    /// The shape of one sample of a value, if it is known.
    pub(super) fn shape(&self, value: usize) -> Option<Shape> {
        self.shapes[value]
    }

    /// Puts the layers into this order of their numbers.
    pub(super) fn reorder(&mut self, order: &[usize]) {
        let mut layers: Vec<Option<Placed>> = self.layers.drain(..).map(Some).collect();
        let mut places = vec![0; layers.len()];
        order.iter().enumerate().for_each(|(place, layer)| places[*layer] = place);
        self.layers = order.iter().filter_map(|layer| layers[*layer].take()).collect();
        self.wiring.calls.iter_mut().for_each(|call| call.layer = places[call.layer]);
        self.find_paths();
    }

    fn find_paths(&mut self) {
        let mut counts = BTreeMap::<String, usize>::new();
        for placed in &mut self.layers {
            let class = snake_case(&placed.class);
            let count = counts.entry(class.clone()).or_default();
            placed.path = if *count == 0 { class } else { format!("{class}_{count}") };
            *count += 1;
        }
    }

    /// Gives inputs and outputs the names and the order that gradus knows them by, where it has written the file.
    pub(super) fn name(&mut self, gradus: &Value) {
        name(&mut self.wiring.outputs, &gradus["outputs"]);
        // The order of inputs is in the numbers of values, and Keras keeps it.
        let names = gradus["inputs"].as_array().map(Vec::as_slice).unwrap_or_default();
        if names.len() == self.wiring.inputs.len() {
            let pairs = self.wiring.inputs.iter_mut().zip(names.iter().filter_map(Value::as_str));
            pairs.for_each(|(input, known)| input.name = known.into());
        }
    }

    /// Every weight array, layer by layer.
    pub(super) fn weights(&self) -> impl Iterator<Item = &Weight> {
        self.layers.iter().flat_map(Placed::weights)
    }

    /// The outputs' names.
    pub(super) fn outputs(&self) -> Vec<String> {
        self.wiring.outputs.iter().map(|output| output.name.clone()).collect()
    }
}

/// Sorts what Keras knows by these names, and names the only one, which Keras knows without a name.
fn name(outputs: &mut [Output], names: &Value) {
    let names: Vec<&str> = names.as_array().into_iter().flatten().filter_map(Value::as_str).collect();
    match (outputs, &names[..]) {
        ([only], [name]) => only.name = (*name).into(),
        (outputs, names) => outputs.sort_by_key(|output| names.iter().position(|name| *name == output.name)),
    }
}
