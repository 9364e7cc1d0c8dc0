//! Which layers a model has, in Keras' configuration of a `Sequential` and back.

use super::config::{self, Result, class_of, find, object};
use super::layers::{INITIALIZERS, LAYERS};
use super::names::snake_case;
use crate::layers::{Layer, Source, Weights};
use crate::model::layer_name;
use crate::save::{Description, Registry};
use crate::shape::Shape;
use crate::spec::Spec;
use crate::tape::Params;
use serde_json::{Map, Value, json};
use std::collections::BTreeMap;
use std::sync::Arc;

/// A chain of layers with the names and shapes of their weights, which are not there yet.
#[derive(Debug)]
pub(super) struct Architecture {
    /// The shape of one sample.
    pub(super) input: Shape,
    pub(super) layers: Vec<Placed>,
}

/// A layer in its place.
#[derive(Debug)]
pub(super) struct Placed {
    pub(super) name: String,
    pub(super) spec: Spec,
    pub(super) layer: Arc<dyn Layer>,
    /// Where Keras keeps its weights in a `.weights.h5` file: the class in snake case, and a number from the second on.
    pub(super) path: String,
    /// What it learns, then what it keeps up to date.
    pub(super) weights: Vec<Weight>,
    output: Shape,
}

/// A weight array of a layer.
#[derive(Clone, Debug)]
pub(super) struct Weight {
    /// With the layer's name before it, as in `dense_1/kernel`.
    pub(super) name: String,
    pub(super) shape: Shape,
    pub(super) trainable: bool,
}

impl Architecture {
    fn new(input: Shape) -> Architecture {
        Architecture { input, layers: Vec::new() }
    }

    fn output(&self) -> Shape {
        self.layers.last().map_or(self.input, |last| last.output)
    }

    /// Puts a layer behind the others; the error says where it does not fit.
    fn add(&mut self, name: String, spec: Spec) -> Result<()> {
        let input = self.output();
        let layer: Arc<dyn Layer> = Registry::new().make_layer(&spec).map_err(|error| error.to_string())?.into();
        let mut params = Params::new();
        let mut declared = Weights::new(&mut params, &name, Source::Nowhere);
        let built = layer.build(&[input], &mut declared);
        let place = || format!("layer {} ({name})", self.layers.len() + 1);
        let output = built.map_err(|error| error.at(place, &[input]).to_string())?;
        let weight =
            |id| Weight { name: params.name(id).into(), shape: params.shape(id), trainable: params.trainable(id) };
        let mut weights: Vec<Weight> = params.ids().map(weight).collect();
        weights.sort_by_key(|weight| !weight.trainable);
        let class = snake_case(spec.class());
        let path = match self.layers.iter().filter(|placed| placed.spec.class() == spec.class()).count() {
            0 => class,
            number => format!("{class}_{number}"),
        };
        self.layers.push(Placed { name, spec, layer, path, weights, output });
        Ok(())
    }

    /// Of a model.
    pub(super) fn of(description: &Description) -> Result<Architecture> {
        if !description.wiring.chain {
            return Err("it is a Graph, and only a Sequential travels to Keras".into());
        }
        let mut architecture = Architecture::new(description.wiring.inputs[0].1);
        for (name, spec) in &description.layers {
            if find(LAYERS, spec.class()).is_none() {
                return Err(format!("{} ({name}) is not a layer that Keras has", spec.class()));
            }
            architecture.add(name.clone(), spec.clone())?;
        }
        Ok(architecture)
    }

    /// Of the configuration of a Keras model.
    pub(super) fn read(model: &Value) -> Result<Architecture> {
        let (class, config) = match &model["config"] {
            // Before version 2.2.3 of Keras.
            Value::Array(layers) => ("Sequential", Map::from_iter([("layers".into(), json!(layers))])),
            _ => class_of(model).ok_or("its description of the model cannot be read")?,
        };
        if class != "Sequential" {
            return Err(format!("it holds a {class}, and only a Sequential can be read"));
        }
        let entries = config.get("layers").and_then(Value::as_array).ok_or("its model has no list of layers")?;
        let mut architecture = Architecture::new(input(&config, entries)?);
        let mut counts = BTreeMap::new();
        for entry in entries {
            let (class, config) = class_of(entry).ok_or("its description of a layer cannot be read")?;
            if class == "InputLayer" {
                continue;
            }
            let name = config.get("name").and_then(Value::as_str).unwrap_or("without a name");
            let kind = find(LAYERS, class).ok_or_else(|| format!("{class} ({name}) is not a layer that gradus has"))?;
            let spec = kind.read(config, architecture.output(), INITIALIZERS)?;
            architecture.add(layer_name(&spec, &mut counts), spec)?;
        }
        Ok(architecture)
    }

    /// Keras' configuration of the model.
    pub(super) fn to_json(&self) -> Value {
        let batch = |shape: &Shape| -> Vec<Option<usize>> {
            std::iter::once(None).chain(shape.sizes().iter().copied().map(Some)).collect()
        };
        let mut input = Map::new();
        input.insert("batch_shape".into(), json!(batch(&self.input)));
        input.insert("dtype".into(), json!("float32"));
        input.insert("name".into(), json!("input_layer"));
        let mut layers = vec![object("keras.layers", "InputLayer", input)];
        for placed in &self.layers {
            let mut config = config::config(&placed.spec);
            config.insert("name".into(), json!(placed.name));
            config.insert("dtype".into(), json!("float32"));
            layers.push(object("keras.layers", placed.spec.class(), config));
        }
        let mut config = Map::new();
        config.insert("name".into(), json!("sequential"));
        config.insert("layers".into(), json!(layers));
        config.insert("build_input_shape".into(), json!(batch(&self.input)));
        object("keras", "Sequential", config)
    }

    /// Every weight array, layer by layer.
    pub(super) fn weights(&self) -> impl Iterator<Item = &Weight> {
        self.layers.iter().flat_map(|placed| &placed.weights)
    }
}

/// The shape of one sample: of the input layer, of the first layer as Keras before version 2.4 has it, or of what the model
/// was built for.
fn input(config: &Map<String, Value>, layers: &[Value]) -> Result<Shape> {
    let first = layers.first().map_or(&Value::Null, |first| &first["config"]);
    let places = [&first["batch_shape"], &first["batch_input_shape"]];
    let found = places.into_iter().find(|found| found.is_array()).or(config.get("build_input_shape"));
    let sizes = found
        .and_then(Value::as_array)
        .ok_or("its model does not say the shape of its input; build it in Keras first")?;
    let sample = sizes.get(1..).unwrap_or_default();
    let size = |size: &Value| size.as_u64().and_then(|size| usize::try_from(size).ok());
    let sample: Option<Vec<usize>> = sample.iter().map(size).collect();
    let sample = sample.ok_or("its input has an axis of any length, and gradus needs a fixed one")?;
    let shape = Shape::new(&sample).map_err(|error| error.to_string())?;
    if shape.batch(1).is_err() || shape.is_empty() {
        return Err(format!("its input is {shape} per sample, which gradus does not take"));
    }
    Ok(shape)
}
