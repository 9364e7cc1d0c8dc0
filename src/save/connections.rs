//! The connections of a model as JSON.

use crate::architecture::{Call, Connections, Output, ValueInfo};
use crate::axis_order::AxisOrder;
use crate::sample_shape::SampleShape;
use serde_json::{Value, json};

impl Connections {
    /// Writes the connections to a description. A chain of layers has the shape of its input, and axis orders that
    /// differ from those of the model.
    pub(super) fn describe(&self, model: &mut Value) {
        if self.chain {
            model["input"] = json!(self.inputs[0].shape.sizes());
            put_order(model, "input_axes", self.inputs[0].axis_order);
            put_order(model, "output_axes", self.outputs[0].axis_order);
            let default = Connections::chain(self.inputs[0].shape, 0);
            put_name(model, "input_name", &self.inputs[0].name, &default.inputs[0].name);
            put_name(model, "output_name", &self.outputs[0].name, &default.outputs[0].name);
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

    /// Reads the connections of a model with `layers` layers, or returns `None` if the description has no valid ones.
    pub(super) fn read(model: &Value, layers: usize) -> Option<Connections> {
        if let Some(input) = model.get("input") {
            let mut chain = Connections::chain(shape(input)?, layers);
            chain.inputs[0].axis_order = order(model, "input_axes")?;
            chain.outputs[0].axis_order = order(model, "output_axes")?;
            let name = |key: &str, default: &str| match model.get(key) {
                Some(name) => Some(name.as_str()?.to_owned()),
                None => Some(default.to_owned()),
            };
            chain.inputs[0].name = name("input_name", &chain.inputs[0].name)?;
            chain.outputs[0].name = name("output_name", &chain.outputs[0].name)?;
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
        Some(Connections {
            chain: false,
            inputs: model["inputs"].as_array()?.iter().map(input).collect::<Option<_>>()?,
            calls: model["calls"].as_array()?.iter().map(call).collect::<Option<_>>()?,
            outputs: model["outputs"].as_array()?.iter().map(output).collect::<Option<_>>()?,
        })
    }
}

/// Writes an axis order unless it is channels last, so that files of older versions do not change.
fn put_order(value: &mut Value, key: &str, order: AxisOrder) {
    if !order.is_channels_last() {
        value[key] = json!(order.axes());
    }
}

/// Writes the name of an input or output unless it is the default one.
fn put_name(model: &mut Value, key: &str, name: &str, default: &str) {
    if name != default {
        model[key] = json!(name);
    }
}

/// Reads an axis order. The default, as in older files, is channels last.
fn order(value: &Value, key: &str) -> Option<AxisOrder> {
    value.get(key).map_or(Some(AxisOrder::CHANNELS_LAST), |axes| AxisOrder::new(&sizes(axes)?).ok())
}

/// Reads the shape of a sample, in which the size of an open axis is null.
fn shape(value: &Value) -> Option<SampleShape> {
    let axis = |value: &Value| if value.is_null() { Some(None) } else { size(value).map(Some) };
    SampleShape::new(&value.as_array()?.iter().map(axis).collect::<Option<Vec<_>>>()?).ok()
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

    fn round_trip(connections: &Connections) -> (Value, Option<Connections>) {
        let mut model = json!({});
        connections.describe(&mut model);
        (model.clone(), Connections::read(&model, connections.calls.len()))
    }

    #[test]
    fn axis_orders_are_written_only_where_they_are_not_channels_last() {
        let mut chain = Connections::chain([8, 6, 3], 2);
        assert_eq!(round_trip(&chain).0, json!({"input": [8, 6, 3]}));
        assert_eq!(round_trip(&chain).1.as_ref(), Some(&chain));
        chain.inputs[0].axis_order = AxisOrder::channels_first(3);
        chain.outputs[0].axis_order = AxisOrder::channels_first(2);
        let expected = json!({"input": [8, 6, 3], "input_axes": [2, 0, 1], "output_axes": [1, 0]});
        assert_eq!(round_trip(&chain), (expected, Some(chain.clone())));
        let graph = Connections { chain: false, ..chain };
        assert_eq!(round_trip(&graph).1, Some(graph));
    }

    #[test]
    fn open_axes_are_null() {
        let chain = Connections::chain((None, 4), 2);
        assert_eq!(round_trip(&chain), (json!({"input": [null, 4]}), Some(chain.clone())));
        let graph = Connections { chain: false, ..chain };
        assert_eq!(round_trip(&graph).1, Some(graph));
    }

    #[test]
    fn an_invalid_axis_order_is_rejected() {
        for axes in [json!([0, 2]), json!([1, 1]), json!("first"), json!([0, 1, 2, 3, 4, 5, 6])] {
            assert_eq!(Connections::read(&json!({"input": [2], "input_axes": axes}), 1), None);
        }
    }
}
