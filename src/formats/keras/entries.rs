//! Layers in Keras' lists: a class, its configuration and the shape of its input.

use super::architecture::Placed;
use super::config::{Config, Result, class_of, find, object};
use super::layers::{LAYERS, PARTS};
use crate::shape::Shape;
use crate::spec::Spec;
use serde_json::{Value, json};

/// A layer's class and configuration as a file has them.
pub(super) struct Entry<'a> {
    pub(super) class: &'a str,
    pub(super) config: Config,
    /// Hand-made files may leave it out.
    pub(super) name: Option<String>,
}

impl<'a> Entry<'a> {
    pub(super) fn read(entry: &'a Value) -> Result<Entry<'a>> {
        let (class, config) = class_of(entry).ok_or("its description of a layer cannot be read")?;
        let name = entry["name"].as_str().or(config.get("name").and_then(Value::as_str));
        let name = name.map(str::to_owned);
        Ok(Entry { class, config, name })
    }

    /// The layer's spec, where one sample of its first input has this shape.
    pub(super) fn spec(self, input: Shape) -> Result<Spec> {
        let Entry { class, mut config, name } = self;
        let name = name.unwrap_or_else(|| "without a name".into());
        let kind = find(LAYERS, class).ok_or_else(|| format!("{class} ({name}) is not a layer that gradus has"))?;
        let frozen = config.remove("trainable").is_some_and(|trainable| trainable == false);
        let spec = kind.read(config, input, PARTS).map_err(|problem| format!("{name}: {problem}"))?;
        Ok(if frozen { spec.with("trainable", false) } else { spec })
    }
}

/// A layer as Keras writes it.
pub(super) fn layer(placed: &Placed) -> Result<Value> {
    let class = placed.spec.class();
    let kind = find(LAYERS, class).ok_or_else(|| format!("{class} is not a layer that Keras has"))?;
    let mut config = kind.config(&placed.spec, PARTS)?;
    config.insert("name".into(), json!(placed.name));
    config.insert("dtype".into(), json!("float32"));
    Ok(object("keras.layers", class, config))
}

/// An input as Keras writes it.
pub(super) fn input(name: &str, shape: Shape) -> Value {
    let mut config = Config::new();
    config.insert("batch_shape".into(), json!(batch(shape)));
    config.insert("dtype".into(), json!("float32"));
    config.insert("name".into(), json!(name));
    object("keras.layers", "InputLayer", config)
}

/// A shape with an axis of any length for the batch.
pub(super) fn batch(shape: Shape) -> Vec<Option<usize>> {
    std::iter::once(None).chain(shape.sizes().iter().copied().map(Some)).collect()
}

/// The shape of one sample of a batch of this shape.
pub(super) fn sample(batch: &Value) -> Result<Shape> {
    let sizes = batch.as_array().map(Vec::as_slice).unwrap_or_default();
    let size = |size: &Value| size.as_u64().and_then(|size| usize::try_from(size).ok());
    let sample: Option<Vec<usize>> = sizes.get(1..).unwrap_or_default().iter().map(size).collect();
    let sample = sample.ok_or("its input has an axis of any length, and gradus needs a fixed one")?;
    let shape = Shape::new(&sample).map_err(|error| error.to_string())?;
    if shape.batch(1).is_err() || shape.is_empty() {
        return Err(format!("its input is {shape} per sample, which gradus does not take"));
    }
    Ok(shape)
}
