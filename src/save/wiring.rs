//! How values pass through a model, as files have it.

use crate::architecture::ValueInfo;
use crate::axis_order::AxisOrder;
use crate::shape::Shape;
use serde_json::{Value, json};

/// The calls that connect layers. Values are numbered: the inputs first, then the values of each call in order. A call takes
/// only values of smaller numbers, so there are no cycles.
#[derive(Clone, Debug, PartialEq)]
pub(crate) struct Wiring {
    /// Whether it is a `Sequential`'s: one input, each layer called once on the value before, one output.
    pub(crate) chain: bool,
    pub(crate) inputs: Vec<ValueInfo>,
    pub(crate) calls: Vec<Call>,
    pub(crate) outputs: Vec<Output>,
}

/// A layer applied to values.
#[derive(Clone, Debug, PartialEq)]
pub(crate) struct Call {
    /// The layer's place in the list of layers.
    pub(crate) layer: usize,
    /// The values that it takes.
    pub(crate) inputs: Vec<usize>,
    /// The number of values that it gives: the layer's outputs.
    pub(crate) values: usize,
}

impl Call {
    /// A call of a layer with one output.
    pub(crate) fn new(layer: usize, inputs: Vec<usize>) -> Call {
        Call { layer, inputs, values: 1 }
    }
}

/// An output of a model.
#[derive(Clone, Debug, PartialEq)]
pub(crate) struct Output {
    pub(crate) name: String,
    pub(crate) value: usize,
    /// The order of a sample's axes in the file that the model was loaded from.
    pub(crate) axis_order: AxisOrder,
}

/// Which call gives which value.
#[derive(Debug)]
pub(crate) struct Sources {
    /// The number of each call's first value, and the number of all values.
    firsts: Vec<usize>,
}

impl Sources {
    /// The number of a call's first value.
    pub(crate) fn first(&self, call: usize) -> usize {
        self.firsts[call]
    }

    /// The call that gives a value, and the value's position among those of the call; `None` for inputs, and for numbers
    /// that no value has.
    pub(crate) fn call_of(&self, value: usize) -> Option<(usize, usize)> {
        let call = self.firsts.partition_point(|first| *first <= value).checked_sub(1)?;
        (call + 1 < self.firsts.len()).then(|| (call, value - self.firsts[call]))
    }
}

/// The names of the only input and output of a chain, which its files do not hold.
const CHAIN_INPUT: &str = "input";
const CHAIN_OUTPUT: &str = "output";

impl Output {
    /// An output whose samples have their channels last.
    pub(crate) fn new(name: impl Into<String>, value: usize) -> Output {
        Output { name: name.into(), value, axis_order: AxisOrder::CHANNELS_LAST }
    }
}

impl Wiring {
    /// A chain of so many layers.
    pub(crate) fn chain(input: Shape, layers: usize) -> Wiring {
        Wiring {
            chain: true,
            inputs: vec![ValueInfo::new(CHAIN_INPUT, input)],
            calls: (0..layers).map(|layer| Call::new(layer, vec![layer])).collect(),
            outputs: vec![Output::new(CHAIN_OUTPUT, layers)],
        }
    }

    /// Which call gives which value.
    pub(crate) fn sources(&self) -> Sources {
        let mut firsts = vec![self.inputs.len()];
        for call in &self.calls {
            firsts.push(firsts[firsts.len() - 1].saturating_add(call.values));
        }
        Sources { firsts }
    }

    /// Gives the only input and output the names that those of a chain have.
    #[cfg(feature = "onnx")]
    pub(crate) fn name_as_chain(&mut self) {
        self.inputs.iter_mut().for_each(|input| input.name = CHAIN_INPUT.into());
        self.outputs.iter_mut().for_each(|output| output.name = CHAIN_OUTPUT.into());
    }

    /// Writes itself into a description. A chain has the shape of its input, and axis orders where they are not those of
    /// the model.
    pub(super) fn describe(&self, model: &mut Value) {
        if self.chain {
            model["input"] = json!(self.inputs[0].shape.sizes());
            put_order(model, "input_axes", self.inputs[0].axis_order);
            put_order(model, "output_axes", self.outputs[0].axis_order);
            return;
        }
        let inputs = self.inputs.iter().map(|input| {
            let mut value = json!({"name": input.name, "shape": input.shape.sizes()});
            put_order(&mut value, "axes", input.axis_order);
            value
        });
        let calls = self.calls.iter().map(|call| {
            let mut value = json!({"layer": call.layer, "inputs": call.inputs});
            if call.values != 1 {
                value["values"] = json!(call.values);
            }
            value
        });
        let outputs = self.outputs.iter().map(|output| {
            let mut value = json!({"name": output.name, "value": output.value});
            put_order(&mut value, "axes", output.axis_order);
            value
        });
        let lists: [Vec<Value>; 3] = [inputs.collect(), calls.collect(), outputs.collect()];
        for (key, list) in ["inputs", "calls", "outputs"].into_iter().zip(lists) {
            model[key] = json!(list);
        }
    }

    /// The wiring of a model with so many layers, or `None` where the description holds none.
    pub(super) fn read(model: &Value, layers: usize) -> Option<Wiring> {
        if let Some(input) = model.get("input") {
            let mut chain = Wiring::chain(shape(input)?, layers);
            chain.inputs[0].axis_order = order(model, "input_axes")?;
            chain.outputs[0].axis_order = order(model, "output_axes")?;
            return Some(chain);
        }
        let named = |value: &Value| Some(value["name"].as_str()?.to_owned());
        let input = |value: &Value| {
            let axis_order = order(value, "axes")?;
            Some(ValueInfo { name: named(value)?, shape: shape(&value["shape"])?, axis_order })
        };
        let call = |value: &Value| {
            let values = value.get("values").map_or(Some(1), size).filter(|values| *values > 0)?;
            Some(Call { layer: size(&value["layer"])?, inputs: sizes(&value["inputs"])?, values })
        };
        let output = |value: &Value| {
            let axis_order = order(value, "axes")?;
            Some(Output { name: named(value)?, value: size(&value["value"])?, axis_order })
        };
        Some(Wiring {
            chain: false,
            inputs: model["inputs"].as_array()?.iter().map(input).collect::<Option<_>>()?,
            calls: model["calls"].as_array()?.iter().map(call).collect::<Option<_>>()?,
            outputs: model["outputs"].as_array()?.iter().map(output).collect::<Option<_>>()?,
        })
    }
}

/// Files have an axis order only where it is not channels last, so that files of other models stay as they were.
fn put_order(value: &mut Value, key: &str, order: AxisOrder) {
    if !order.is_channels_last() {
        value[key] = json!(order.axes());
    }
}

/// The axis order of that key; channels last where there is none, as in older files.
fn order(value: &Value, key: &str) -> Option<AxisOrder> {
    value.get(key).map_or(Some(AxisOrder::CHANNELS_LAST), |axes| AxisOrder::new(&sizes(axes)?).ok())
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

#[cfg(test)]
mod tests {
    use super::*;

    fn travel(wiring: &Wiring) -> (Value, Option<Wiring>) {
        let mut model = json!({});
        wiring.describe(&mut model);
        (model.clone(), Wiring::read(&model, wiring.calls.len()))
    }

    #[test]
    fn axis_orders_are_written_only_where_they_are_not_channels_last() {
        let mut chain = Wiring::chain(Shape::from([8, 6, 3]), 2);
        assert_eq!(travel(&chain).0, json!({"input": [8, 6, 3]}));
        assert_eq!(travel(&chain).1.as_ref(), Some(&chain));
        chain.inputs[0].axis_order = AxisOrder::channels_first(3);
        chain.outputs[0].axis_order = AxisOrder::channels_first(2);
        let expected = json!({"input": [8, 6, 3], "input_axes": [2, 0, 1], "output_axes": [1, 0]});
        assert_eq!(travel(&chain), (expected, Some(chain.clone())));
        let graph = Wiring { chain: false, ..chain };
        assert_eq!(travel(&graph).1, Some(graph));
    }

    #[test]
    fn what_is_no_axis_order_is_refused() {
        for axes in [json!([0, 2]), json!([1, 1]), json!("first"), json!([0, 1, 2, 3, 4, 5, 6])] {
            assert_eq!(Wiring::read(&json!({"input": [2], "input_axes": axes}), 1), None);
        }
    }
}
