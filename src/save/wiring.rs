//! How values go through a model, as files have it.

use crate::shape::Shape;
use serde_json::{Value, json};

/// Which layer takes what. Values are numbered: the inputs first, then what each call gives, in order; so a call can take
/// only what stands before it, and there are no cycles.
#[derive(Clone, Debug, PartialEq)]
pub(crate) struct Wiring {
    /// Whether it is a `Sequential`'s: one input, each layer called once on the value before, one output.
    pub(crate) chain: bool,
    /// The inputs' names, and the shape of one sample of each.
    pub(crate) inputs: Vec<(String, Shape)>,
    pub(crate) calls: Vec<Call>,
    /// The outputs' names and values.
    pub(crate) outputs: Vec<(String, usize)>,
}

/// A layer applied to values.
#[derive(Clone, Debug, PartialEq)]
pub(crate) struct Call {
    /// The layer's place in the list of layers.
    pub(crate) layer: usize,
    pub(crate) inputs: Vec<usize>,
}

impl Wiring {
    /// A chain of so many layers.
    pub(crate) fn chain(input: Shape, layers: usize) -> Wiring {
        Wiring {
            chain: true,
            inputs: vec![("input".into(), input)],
            calls: (0..layers).map(|layer| Call { layer, inputs: vec![layer] }).collect(),
            outputs: vec![("output".into(), layers)],
        }
    }

    /// Writes itself into a description: a chain is said by the shape of its input.
    pub(super) fn describe(&self, model: &mut Value) {
        if self.chain {
            model["input"] = json!(self.inputs[0].1.sizes());
            return;
        }
        let inputs = self.inputs.iter().map(|(name, shape)| json!({"name": name, "shape": shape.sizes()}));
        let calls = self.calls.iter().map(|call| json!({"layer": call.layer, "inputs": call.inputs}));
        let outputs = self.outputs.iter().map(|(name, value)| json!({"name": name, "value": value}));
        let lists: [Vec<Value>; 3] = [inputs.collect(), calls.collect(), outputs.collect()];
        for (key, list) in ["inputs", "calls", "outputs"].into_iter().zip(lists) {
            model[key] = json!(list);
        }
    }

    /// The wiring of a model with so many layers, or `None` where the description holds none.
    pub(super) fn read(model: &Value, layers: usize) -> Option<Wiring> {
        if let Some(input) = model.get("input") {
            return Some(Wiring::chain(shape(input)?, layers));
        }
        let named = |value: &Value| Some(value["name"].as_str()?.to_owned());
        let input = |value: &Value| Some((named(value)?, shape(&value["shape"])?));
        let call = |value: &Value| Some(Call { layer: size(&value["layer"])?, inputs: sizes(&value["inputs"])? });
        let output = |value: &Value| Some((named(value)?, size(&value["value"])?));
        Some(Wiring {
            chain: false,
            inputs: model["inputs"].as_array()?.iter().map(input).collect::<Option<_>>()?,
            calls: model["calls"].as_array()?.iter().map(call).collect::<Option<_>>()?,
            outputs: model["outputs"].as_array()?.iter().map(output).collect::<Option<_>>()?,
        })
    }
}

fn shape(value: &Value) -> Option<Shape> {
    Shape::new(&sizes(value)?).ok()
}

fn size(value: &Value) -> Option<usize> {
    usize::try_from(value.as_u64()?).ok()
}

pub(super) fn sizes(value: &Value) -> Option<Vec<usize>> {
    value.as_array()?.iter().map(size).collect()
}
