//! The contents of a Keras file, as an intermediate form between the file formats and the model.

use super::description::ModelDescription;
use super::object::Config;
use super::reader::Reader;
use super::result::Result;
use super::state::{self, StateArray, Variables};
use super::training::Training;
use crate::architecture::Architecture;
use crate::formats::budget::Budget;
use crate::formats::hdf5::{Array, Values};
use crate::layers::DeclaredWeight;
use crate::save::Registry;
use crate::tape::Params;
use crate::{Compile, Counters, Error, Key, Model, Shape, Spec};
use serde_json::{Value, json};

/// A model that is written to a file.
pub(super) struct Outgoing<'a> {
    pub(super) description: ModelDescription,
    /// `None` for a model that was never compiled.
    pub(super) training: Option<Training>,
    pub(super) params: &'a Params,
    model: &'a Model,
}

/// A variable of an optimizer in Keras.
pub(super) enum Variable<'a> {
    Step(u64),
    Number(f32),
    Array(Shape, &'a [f32]),
}

impl<'a> Outgoing<'a> {
    pub(super) fn new(model: &'a Model) -> Result<Outgoing<'a>> {
        let (description, training) = (ModelDescription::of(model.architecture())?, Training::of(model)?);
        Ok(Outgoing { description, training, params: model.params(), model })
    }

    /// The variables of the optimizer with their names, in Keras' order. Empty without an optimizer.
    pub(super) fn variables(&self) -> Vec<(String, Variable<'_>)> {
        let (Some(training), Some(counters)) = (&self.training, self.model.counters()) else { return Vec::new() };
        let mut all = vec![("iteration".into(), Variable::Step(counters.step))];
        if let Some(rate) = state::constant_rate(&training.optimizer) {
            all.push(("learning_rate".into(), Variable::Number(counters.learning_rate.unwrap_or(rate))));
        }
        let count = self.model.optimizer().map_or(0, |optimizer| optimizer.initial_state().len());
        for (number, weight, shape) in state::in_order(&self.description, &training.optimizer, count) {
            let id = self.params.id(weight).ok();
            let array = id.and_then(|id| match (self.model.optimizer_state()?, number) {
                (state, Some(number)) => state.array(number, id),
                (state, None) => state.average(id),
            });
            let kind = number.map_or("average".into(), |number| number.to_string());
            let name = format!("{}_{kind}", weight.replace('/', "_"));
            all.extend(array.map(|values| (name, Variable::Array(shape, values))));
        }
        let last = state::last(&training.optimizer, counters.step);
        all.extend(last.map(|number| ("u_product".into(), Variable::Number(number))));
        all
    }

    /// Data that Keras ignores, and that gradus needs to resume training with identical bits.
    pub(super) fn gradus(&self) -> Value {
        let mut gradus = json!({});
        if let Some(counters) = self.model.counters() {
            gradus["key"] = json!(format!("{:x}", counters.key));
            gradus["epoch"] = json!(counters.epoch);
            if self.model.shards() != 1 {
                gradus["shards"] = json!(self.model.shards());
            }
        }
        if !self.description.chain {
            gradus["inputs"] = self.description.inputs.iter().map(|input| input.name.as_str()).collect();
            gradus["outputs"] = self.description.outputs.iter().map(|output| output.name.as_str()).collect();
        }
        gradus
    }
}

/// A model that was read from a file.
pub(super) struct Incoming {
    pub(super) description: ModelDescription,
    /// `None` unless the training configuration was requested.
    pub(super) training: Option<Training>,
    pub(super) params: Params,
    /// The variables of the optimizer.
    pub(super) variables: Result<Variables>,
    /// The data that [`Outgoing::gradus`] wrote.
    pub(super) gradus: Value,
}

/// The problem of a file whose model was never compiled.
pub(crate) const NEVER_COMPILED: &str =
    "the model was saved without being compiled; pass a Compile to keras::load_with";

/// Reads the layers and the training configuration of a model from configurations of this version of Keras. The error names
/// everything in them that gradus does not support.
pub(super) fn describe(
    model: &Value,
    gradus: &Value,
    version: Option<&str>,
    compiled: Option<Config>,
    registry: &Registry,
    with_training: bool,
) -> Result<(ModelDescription, Option<Training>)> {
    let (mut description, mut reader) = read_layers(model, registry, version)?;
    description.restore_names(gradus);
    let training = match compiled {
        _ if !with_training => None,
        Some(compiled) => {
            let valid = reader.has_no_problems();
            let training = Training::read(compiled, &description.outputs(), &mut reader);
            if valid && !reader.has_no_problems() {
                reader.add_remedy("To replace the optimizer, loss and metrics, pass a Compile to keras::load_with");
            }
            training
        }
        None => {
            reader.problem("", NEVER_COMPILED);
            None
        }
    };
    reader.finish()?;
    Ok((description, training))
}

/// Reads the layers. If an input has open axes, the smallest size that the layers accept is found.
fn read_layers<'a>(
    model: &Value,
    registry: &'a Registry,
    version: Option<&str>,
) -> Result<(ModelDescription, Reader<'a>)> {
    let mut first = None;
    // Powers of 2 are last, for networks that crop thousands of steps.
    for size in (2..64).chain((64..=1024).step_by(32)).chain((11..=LARGEST_SIZE.ilog2()).map(|power| 1 << power)) {
        let mut reader = Reader::new(registry).of_version(version);
        reader.open_size = size;
        let description = ModelDescription::read(model, &mut reader)?;
        if reader.has_no_problems() || !description.is_open() {
            return Ok((description, reader));
        }
        first.get_or_insert((description, reader));
    }
    first.ok_or_else(|| "its layers cannot be read".into())
}

/// The largest size that is tried for open axes, a power of 2.
const LARGEST_SIZE: usize = 1 << 15;

impl Incoming {
    /// The layers with their weights.
    pub(super) fn architecture(&self) -> Result<Architecture> {
        self.description.network(&self.params)
    }

    /// The model as it was saved, with its training configuration and state.
    pub(super) fn model(self, registry: &Registry) -> Result<Model> {
        let architecture = self.architecture()?;
        let training = self.training.ok_or("its training configuration was not read")?;
        let wrong = |error: Error| error.to_string();
        let optimizer = registry.make_optimizer(&training.optimizer).map_err(wrong)?;
        let state = state::read(&self.description, &training.optimizer, optimizer.initial_state(), self.variables?)?;
        let optimizer = registry.make_optimizer(&state::with_rate(&training.optimizer, state.rate)).map_err(wrong)?;
        let settings = training.settings(optimizer, &self.description.outputs(), registry)?;
        let settings = settings.shards(self.gradus["shards"].as_u64().map_or(1, |shards| shards as usize));
        let mut model = architecture.compile(settings).map_err(wrong)?;
        for StateArray { number, weight, values } in &state.arrays {
            let id = model.params().id(weight).map_err(wrong)?;
            let array = model.optimizer_state_mut().and_then(|state| match number {
                Some(number) => state.array_mut(*number, id),
                None => state.average_mut(id),
            });
            let array = array.filter(|array| array.len() == values.len());
            array
                .ok_or_else(|| format!("an array of {weight} in the state of its optimizer is unexpected"))?
                .copy_from_slice(values);
        }
        let key = self.gradus["key"].as_str().and_then(Key::from_hex).unwrap_or(Key::from_seed(0));
        let epoch = self.gradus["epoch"].as_u64().unwrap_or(0);
        model.set_counters(Counters { key, epoch, step: state.step, learning_rate: None }).map_err(wrong)?;
        Ok(model)
    }

    /// The layers with their weights, compiled with other settings.
    pub(super) fn compiled(self, settings: Compile) -> Result<Model> {
        self.architecture()?.compile(settings).map_err(|error| error.to_string())
    }
}

/// Adds a weight that was read to `params` under its name.
///
/// # Errors
/// Returns an error if the shape differs from the declared one, or if the elements of a trained weight are integers.
pub(super) fn insert(params: &mut Params, weight: &DeclaredWeight, array: Array) -> Result<()> {
    let (name, shape) = (weight.name(), weight.shape());
    if array.shape != shape {
        return Err(format!("\"{name}\" has shape {} in the file and {shape} in the model", array.shape));
    }
    let values = match array.values {
        Values::Floats(values) => values,
        // The number of batches that a normalization layer was adapted to.
        Values::Integers(values) if !weight.is_trainable() => values.iter().map(|value| *value as f32).collect(),
        _ => return Err(format!("\"{name}\" has integer elements, expected floats")),
    };
    params.insert(name, shape, values, weight.is_trainable()).map_err(|error| error.to_string())?;
    Ok(())
}

/// The values of a weight.
pub(super) fn values<'a>(params: &'a Params, name: &str) -> Result<&'a [f32]> {
    params.id(name).map(|id| params.values(id)).map_err(|error| error.to_string())
}

/// Parses JSON. The memory of the result is estimated first and subtracted from the budget, as an object with a single entry
/// takes about 700 bytes.
pub(super) fn parse(text: &str, budget: &Budget) -> Result<Value> {
    let size = |byte| match byte {
        b'{' => 1000,
        b',' | b'[' => 100,
        _ => 1,
    };
    budget.spend(text.bytes().map(size).sum())?;
    serde_json::from_str(text).map_err(|error| format!("its configuration is invalid: {error}"))
}

/// The name of the group of an optimizer's variables, such as `adam`.
pub(super) fn group_name(optimizer: &Spec) -> String {
    super::names::snake_case(optimizer.class())
}
