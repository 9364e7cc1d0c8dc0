//! Layer entries in the configuration of a model.

use super::description::LayerDescription;
use super::families::LAYER;
use super::layer_kinds::INPUT;
use super::object::{Config, Object, object};
use super::reader::Reader;
use super::result::Result;
use crate::{SampleShape, Shape, Spec};
use serde_json::{Value, json};

/// The configuration of a layer in a file.
pub(super) struct Entry<'a> {
    pub(super) object: Object<'a>,
    /// `None` in files that were not written by Keras and have no name.
    pub(super) name: Option<String>,
    value: &'a Value,
}

impl<'a> Entry<'a> {
    pub(super) fn read(value: &'a Value) -> Result<Entry<'a>> {
        let object = Object::read(value).ok_or("the configuration of a layer is invalid")?;
        let name = value["name"].as_str().or(object.config.get("name").and_then(Value::as_str));
        let name = name.map(str::to_owned);
        Ok(Entry { object, name, value })
    }

    /// Whether the entry is an `InputLayer`.
    pub(super) fn is_input(&self) -> bool {
        self.object.class == "InputLayer" && !self.object.custom
    }

    /// The place of the layer in error messages.
    pub(super) fn place(&self) -> String {
        match &self.name {
            Some(name) => format!("layer \"{name}\""),
            None => format!("unnamed layer ({})", self.object.class),
        }
    }

    /// Makes the layer not trainable.
    pub(super) fn freeze(&mut self) {
        self.object.config.insert("trainable".into(), json!(false));
    }

    /// Reads the spec of the layer. `input` is the shape of one sample of its first input, if known.
    pub(super) fn spec(self, reader: &mut Reader<'_>, input: Option<Shape>) -> Option<Spec> {
        reader.layer(&self.place(), self.value, self.object, input)
    }

    /// Reads the shape of one sample of an `InputLayer`, and checks its other options.
    pub(super) fn input(mut self, reader: &mut Reader<'_>) -> Option<SampleShape> {
        let place = self.place();
        self.object.config.remove("trainable");
        let shapes = ["batch_shape", "batch_input_shape"].map(|name| self.object.config.remove(name));
        reader.check_remaining(&place, &self.object.config, &[INPUT]);
        let shape = shapes.into_iter().flatten().find(Value::is_array);
        reader.note(&place, shape.ok_or("its shape is missing")).and_then(|shape| reader.note(&place, sample(&shape)))
    }
}

/// The configuration of a layer.
pub(super) fn layer(placed: &LayerDescription) -> Result<Value> {
    let class = placed.spec.class();
    let kind = LAYER.find(class).ok_or_else(|| format!("{class} has no equivalent in Keras"))?;
    let mut config = kind.config(&placed.spec)?;
    config.insert("name".into(), json!(placed.name));
    config.insert("dtype".into(), json!("float32"));
    Ok(object(LAYER.module, class, config))
}

/// The configuration of an `InputLayer`.
pub(super) fn input(name: &str, shape: SampleShape) -> Value {
    let mut config = Config::new();
    config.insert("batch_shape".into(), json!(batch(shape)));
    config.insert("dtype".into(), json!("float32"));
    config.insert("name".into(), json!(name));
    object(LAYER.module, "InputLayer", config)
}

/// The sizes of a batch of samples. The first axis and open axes have no fixed size.
pub(super) fn batch(shape: SampleShape) -> Vec<Option<usize>> {
    std::iter::once(None).chain(shape.sizes().iter().copied()).collect()
}

/// Parses the sizes of a batch and returns the shape of one sample. An axis without a fixed size is open.
pub(super) fn sample(batch: &Value) -> Result<SampleShape> {
    let sizes = batch.as_array().map(Vec::as_slice).unwrap_or_default();
    let size = |size: &Value| match size {
        Value::Null => Some(None),
        size => size.as_u64().and_then(|size| usize::try_from(size).ok()).map(Some),
    };
    let sample: Option<Vec<Option<usize>>> = sizes.get(1..).unwrap_or_default().iter().map(size).collect();
    let sample = sample.ok_or_else(|| format!("the input has shape {batch}, expected sizes or null"))?;
    let shape = SampleShape::new(&sample).map_err(|error| error.to_string())?;
    let smallest = shape.with_open_axes(1);
    if smallest.batch(1).is_err() || smallest.is_empty() {
        return Err(format!("the input has sample shape {shape}, which is not supported"));
    }
    Ok(shape)
}
