//! Layers in Keras' lists: a class, its options and the shape of its input.

use super::draft::DraftLayer;
use super::families::LAYER;
use super::layers::INPUT;
use super::object::{Config, Object, object};
use super::reader::Reader;
use super::result::Result;
use crate::{Shape, Spec};
use serde_json::{Value, json};

/// A layer as a file describes it.
pub(super) struct Entry<'a> {
    pub(super) object: Object<'a>,
    /// Hand-made files may leave it out.
    pub(super) name: Option<String>,
    value: &'a Value,
}

impl<'a> Entry<'a> {
    pub(super) fn read(value: &'a Value) -> Result<Entry<'a>> {
        let object = Object::read(value).ok_or("its description of a layer cannot be read")?;
        let name = value["name"].as_str().or(object.config.get("name").and_then(Value::as_str));
        let name = name.map(str::to_owned);
        Ok(Entry { object, name, value })
    }

    /// Whether it stands for an input.
    pub(super) fn is_input(&self) -> bool {
        self.object.class == "InputLayer" && !self.object.custom
    }

    /// Where problems of the layer are.
    pub(super) fn place(&self) -> String {
        match &self.name {
            Some(name) => format!("layer \"{name}\""),
            None => format!("a {} without a name", self.object.class),
        }
    }

    /// Makes the layer one that is not trained.
    pub(super) fn freeze(&mut self) {
        self.object.config.insert("trainable".into(), json!(false));
    }

    /// The layer's spec, where one sample of its first input has this shape, if that is known.
    pub(super) fn spec(mut self, reader: &mut Reader<'_>, input: Option<Shape>) -> Option<Spec> {
        let place = self.place();
        self.object.config.remove("name");
        let frozen = match self.object.config.remove("trainable") {
            None => false,
            Some(Value::Bool(trainable)) => !trainable,
            Some(other) => {
                reader.problem(&place, format!("trainable is {other}, expected true or false"));
                false
            }
        };
        let spec = reader.object(&LAYER, &place, self.value, self.object, input)?;
        Some(if frozen { spec.with("trainable", false) } else { spec })
    }

    /// The shape of one sample of an input. Its other options are checked.
    pub(super) fn input(mut self, reader: &mut Reader<'_>) -> Option<Shape> {
        let place = self.place();
        self.object.config.remove("trainable");
        let shapes = ["batch_shape", "batch_input_shape"].map(|name| self.object.config.remove(name));
        reader.left(&place, &self.object.config, &[INPUT]);
        let shape = shapes.into_iter().flatten().find(Value::is_array);
        reader
            .note(&place, shape.ok_or("it does not say its shape"))
            .and_then(|shape| reader.note(&place, sample(&shape)))
    }
}

/// A layer as Keras writes it.
pub(super) fn layer(placed: &DraftLayer) -> Result<Value> {
    let class = placed.spec.class();
    let kind = LAYER.find(class).ok_or_else(|| format!("{class} is not a layer that Keras has"))?;
    let mut config = kind.config(&placed.spec)?;
    config.insert("name".into(), json!(placed.name));
    config.insert("dtype".into(), json!("float32"));
    Ok(object(LAYER.module, class, config))
}

/// An input as Keras writes it.
pub(super) fn input(name: &str, shape: Shape) -> Value {
    let mut config = Config::new();
    config.insert("batch_shape".into(), json!(batch(shape)));
    config.insert("dtype".into(), json!("float32"));
    config.insert("name".into(), json!(name));
    object(LAYER.module, "InputLayer", config)
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
    let sample = sample.ok_or("the input has an axis of any length, and gradus needs a fixed one")?;
    let shape = Shape::new(&sample).map_err(|error| error.to_string())?;
    if shape.batch(1).is_err() || shape.is_empty() {
        return Err(format!("the input is {shape} per sample, which gradus does not take"));
    }
    Ok(shape)
}
