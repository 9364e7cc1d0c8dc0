//! What a file of Keras holds, between the file and the model.

use super::architecture::Architecture;
use super::config::{Config, Result};
use super::reader::Reader;
use super::state;
use super::training::Training;
use crate::formats::hdf5::{Array, Values};
use crate::model::{Compile, Model};
use crate::optimizers::StateArray;
use crate::random::Key;
use crate::save::{Description, Registry, Stored};
use crate::spec::Spec;
use crate::tape::Params;
use serde_json::{Value, json};

/// A model to be written.
pub(super) struct Outgoing<'a> {
    pub(super) architecture: Architecture,
    pub(super) training: Training,
    pub(super) params: &'a Params,
    description: Description,
    state: Vec<StateArray<'a>>,
}

/// What a variable of Keras' optimizer is.
pub(super) enum Variable<'a> {
    Step(u64),
    Number(f32),
    Array(&'a StateArray<'a>),
}

impl<'a> Outgoing<'a> {
    pub(super) fn new(model: &'a Model) -> Result<Outgoing<'a>> {
        let description = model.describe();
        Ok(Outgoing {
            architecture: Architecture::of(&description)?,
            training: Training::of(&description)?,
            params: model.params(),
            state: model.state_arrays(),
            description,
        })
    }

    /// The optimizer's variables with their names, in Keras' order.
    pub(super) fn variables(&self) -> Vec<(String, Variable<'_>)> {
        let mut all = vec![("iteration".into(), Variable::Step(self.description.step))];
        if let Some(rate) = state::constant_rate(&self.training.optimizer) {
            all.push(("learning_rate".into(), Variable::Number(self.description.learning_rate.unwrap_or(rate))));
        }
        let arrays = state::in_order(&self.architecture, &self.training.optimizer, &self.state);
        all.extend(arrays.into_iter().map(|(name, array)| (name, Variable::Array(array))));
        let last = state::last(&self.training.optimizer, self.description.step);
        all.extend(last.map(|number| ("u_product".into(), Variable::Number(number))));
        all
    }

    /// What gradus needs to go on with the same bits, and Keras does not look at.
    pub(super) fn gradus(&self) -> Value {
        let wiring = &self.architecture.wiring;
        let mut gradus = json!({"key": format!("{:x}", self.description.key), "epoch": self.description.epoch});
        if !wiring.chain {
            gradus["inputs"] = wiring.inputs.iter().map(|input| input.name.as_str()).collect();
            gradus["outputs"] = wiring.outputs.iter().map(|output| output.name.as_str()).collect();
        }
        gradus
    }
}

/// A model that was read.
pub(super) struct Incoming {
    pub(super) architecture: Architecture,
    /// `None` unless it was requested.
    pub(super) training: Option<Training>,
    pub(super) params: Params,
    /// The optimizer's variables in Keras' order.
    pub(super) variables: Result<Vec<Array>>,
    /// What [`Outgoing::gradus`] wrote.
    pub(super) gradus: Value,
}

/// The layers of a model and how it is trained, from Keras' descriptions. The error names everything in either that gradus
/// does not have.
pub(super) fn describe(
    model: &Value,
    gradus: &Value,
    compiled: Option<Config>,
    registry: &Registry,
    with_training: bool,
) -> Result<(Architecture, Option<Training>)> {
    let mut reader = Reader::new(registry);
    let mut architecture = Architecture::read(model, &mut reader)?;
    architecture.name(gradus);
    let training = match compiled {
        _ if !with_training => None,
        Some(compiled) => {
            let sound = reader.is_content();
            let training = Training::read(compiled, &architecture.outputs(), &mut reader);
            if sound && !reader.is_content() {
                reader.advise("keras::load_with takes another optimizer, loss and metrics in their place");
            }
            training
        }
        None => {
            reader.problem(
                "",
                "the model was saved without being compiled; keras::load_with takes an optimizer and a loss",
            );
            None
        }
    };
    reader.finish()?;
    Ok((architecture, training))
}

impl Incoming {
    /// The model as it was saved.
    pub(super) fn model(self, registry: &Registry) -> Result<Model> {
        let training = self.training.ok_or("it was read without how it is trained")?;
        let optimizer = registry.make_optimizer(&training.optimizer).map_err(|error| error.to_string())?;
        let state = state::read(&self.architecture, &training.optimizer, optimizer.initial_state(), self.variables?)?;
        let key = self.gradus["key"].as_str().and_then(Key::from_hex);
        let description = Description {
            wiring: self.architecture.wiring.clone(),
            layers: self.architecture.layers.iter().map(|placed| (placed.name.clone(), placed.spec.clone())).collect(),
            optimizer: state::with_rate(&training.optimizer, state.rate),
            heads: training.heads,
            preprocessing: Vec::new(),
            learning_rate: None,
            key: key.unwrap_or(Key::from_seed(0)),
            epoch: self.gradus["epoch"].as_u64().unwrap_or(0),
            step: state.step,
        };
        let stored = Stored { params: self.params, optimizer: state.arrays, model: None, record: None };
        Model::from_description(&stored, &description, registry).map_err(|error| error.to_string())
    }

    /// The layers with their weights, to be trained in another way.
    pub(super) fn compiled(self, settings: Compile) -> Result<Model> {
        let layers = self.architecture.layers.iter().map(|placed| (placed.name.clone(), placed.layer.clone()));
        let model = Model::from_layers(self.architecture.wiring.clone(), layers, &self.params, settings);
        model.map_err(|error| error.to_string())
    }
}

/// Puts a weight that was read under its name, if it has the shape that the layer declares.
pub(super) fn insert(params: &mut Params, weight: &super::architecture::Weight, array: Array) -> Result<()> {
    let (name, shape) = (&weight.name, weight.shape);
    if array.shape != shape {
        return Err(format!("\"{name}\" is {} in the file and {shape} in the model", array.shape));
    }
    let Values::Floats(values) = array.values else { return Err(format!("\"{name}\" holds whole numbers")) };
    params.insert(name, shape, values, weight.trainable).map_err(|error| error.to_string())?;
    Ok(())
}

/// The values of a weight of a model.
pub(super) fn values<'a>(params: &'a Params, name: &str) -> Result<&'a [f32]> {
    params.id(name).map(|id| params.values(id)).map_err(|error| error.to_string())
}

/// JSON, unless reading it would take much more memory than it has letters: an object with one entry takes 700 bytes.
pub(super) fn parse(text: &str) -> Result<Value> {
    let weight = |letter| match letter {
        b'{' => 1000,
        b',' | b'[' => 100,
        _ => 1,
    };
    let memory: usize = text.bytes().map(weight).sum();
    if memory > MOST_JSON {
        return Err("its description of the model is larger than that of any model".into());
    }
    serde_json::from_str(text).map_err(|error| format!("its description of the model cannot be read: {error}"))
}

/// About how many bytes a description may take in memory.
const MOST_JSON: usize = 32 << 20;

/// The spec of an optimizer with a name for its variables' group, such as `adam`.
pub(super) fn group_name(optimizer: &Spec) -> String {
    super::names::snake_case(optimizer.class())
}
