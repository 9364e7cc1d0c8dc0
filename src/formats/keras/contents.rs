//! What a file of Keras holds, between the file and the model.

use super::draft::Draft;
use super::object::Config;
use super::reader::Reader;
use super::result::Result;
use super::state::{self, StateArray};
use super::training::Training;
use crate::architecture::Architecture;
use crate::formats::hdf5::{Array, Values};
use crate::layers::DeclaredWeight;
use crate::save::Registry;
use crate::tape::Params;
use crate::{Compile, Counters, Error, Key, Model, Shape, Spec};
use serde_json::{Value, json};

/// A model to be written.
pub(super) struct Outgoing<'a> {
    pub(super) draft: Draft,
    /// `None` for a model without an optimizer, which is one that was never compiled.
    pub(super) training: Option<Training>,
    pub(super) params: &'a Params,
    model: &'a Model,
}

/// What a variable of Keras' optimizer is.
pub(super) enum Variable<'a> {
    Step(u64),
    Number(f32),
    Array(Shape, &'a [f32]),
}

impl<'a> Outgoing<'a> {
    pub(super) fn new(model: &'a Model) -> Result<Outgoing<'a>> {
        let (draft, training) = (Draft::of(model.architecture())?, Training::of(model)?);
        Ok(Outgoing { draft, training, params: model.params(), model })
    }

    /// The optimizer's variables with their names, in Keras' order; none without an optimizer.
    pub(super) fn variables(&self) -> Vec<(String, Variable<'_>)> {
        let (Some(training), Some(counters)) = (&self.training, self.model.counters()) else { return Vec::new() };
        let mut all = vec![("iteration".into(), Variable::Step(counters.step))];
        if let Some(rate) = state::constant_rate(&training.optimizer) {
            all.push(("learning_rate".into(), Variable::Number(counters.learning_rate.unwrap_or(rate))));
        }
        let count = self.model.optimizer().map_or(0, |optimizer| optimizer.initial_state().len());
        for (number, weight, shape) in state::in_order(&self.draft, &training.optimizer, count) {
            let id = self.params.id(weight).ok();
            let array = id.and_then(|id| self.model.optimizer_state()?.array(number, id));
            let name = format!("{}_{number}", weight.replace('/', "_"));
            all.extend(array.map(|values| (name, Variable::Array(shape, values))));
        }
        let last = state::last(&training.optimizer, counters.step);
        all.extend(last.map(|number| ("u_product".into(), Variable::Number(number))));
        all
    }

    /// What gradus needs to go on with the same bits, and Keras does not look at.
    pub(super) fn gradus(&self) -> Value {
        let mut gradus = json!({});
        if let Some(counters) = self.model.counters() {
            gradus["key"] = json!(format!("{:x}", counters.key));
            gradus["epoch"] = json!(counters.epoch);
        }
        if !self.draft.chain {
            gradus["inputs"] = self.draft.inputs.iter().map(|input| input.name.as_str()).collect();
            gradus["outputs"] = self.draft.outputs.iter().map(|output| output.name.as_str()).collect();
        }
        gradus
    }
}

/// A model that was read.
pub(super) struct Incoming {
    pub(super) draft: Draft,
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
) -> Result<(Draft, Option<Training>)> {
    let mut reader = Reader::new(registry);
    let mut draft = Draft::read(model, &mut reader)?;
    draft.name(gradus);
    let training = match compiled {
        _ if !with_training => None,
        Some(compiled) => {
            let sound = reader.is_content();
            let training = Training::read(compiled, &draft.outputs(), &mut reader);
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
    Ok((draft, training))
}

impl Incoming {
    /// The layers with their weights.
    pub(super) fn architecture(&self) -> Result<Architecture> {
        self.draft.network(&self.params)
    }

    /// The model as it was saved.
    pub(super) fn model(self, registry: &Registry) -> Result<Model> {
        let architecture = self.architecture()?;
        let training = self.training.ok_or("it was read without how it is trained")?;
        let wrong = |error: Error| error.to_string();
        let optimizer = registry.make_optimizer(&training.optimizer).map_err(wrong)?;
        let state = state::read(&self.draft, &training.optimizer, optimizer.initial_state(), self.variables?)?;
        let optimizer = registry.make_optimizer(&state::with_rate(&training.optimizer, state.rate)).map_err(wrong)?;
        let settings = training.settings(optimizer, &self.draft.outputs(), registry)?;
        let mut model = architecture.compile(settings).map_err(wrong)?;
        for StateArray { number, weight, values } in &state.arrays {
            let id = model.params().id(weight).map_err(wrong)?;
            let array = model.optimizer_state_mut().and_then(|state| state.array_mut(*number, id));
            let array = array.filter(|array| array.len() == values.len());
            array
                .ok_or_else(|| format!("its optimizer's array {number} of {weight} is not expected"))?
                .copy_from_slice(values);
        }
        let key = self.gradus["key"].as_str().and_then(Key::from_hex).unwrap_or(Key::from_seed(0));
        let epoch = self.gradus["epoch"].as_u64().unwrap_or(0);
        model.set_counters(Counters { key, epoch, step: state.step, learning_rate: None }).map_err(wrong)?;
        Ok(model)
    }

    /// The layers with their weights, to be trained in another way.
    pub(super) fn compiled(self, settings: Compile) -> Result<Model> {
        self.architecture()?.compile(settings).map_err(|error| error.to_string())
    }
}

/// Puts a weight that was read under its name, if it has the shape that the layer declares.
pub(super) fn insert(params: &mut Params, weight: &DeclaredWeight, array: Array) -> Result<()> {
    let (name, shape) = (weight.name(), weight.shape());
    if array.shape != shape {
        return Err(format!("\"{name}\" is {} in the file and {shape} in the model", array.shape));
    }
    let Values::Floats(values) = array.values else { return Err(format!("\"{name}\" holds whole numbers")) };
    params.insert(name, shape, values, weight.is_trainable()).map_err(|error| error.to_string())?;
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
