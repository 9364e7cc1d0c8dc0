//! Layers with `data_format` `channels_first`. gradus has only layers whose channels are last, so such a layer is applied to
//! values with another order of axes than in the file. [`Permute`] layers reorder the axes before the first and after the last
//! of these layers.

use super::description::ModelDescription;
use super::entries::Entry;
use super::families::LAYER;
use super::result::Result;
use crate::Shape;
use crate::layers::{Layer, Permute};
use crate::save::Registry;
use serde_json::{Value, json};
use std::ops::Range;

/// The order of the axes to which a layer is applied.
#[derive(Clone, Copy, Debug, PartialEq)]
pub(super) enum Layout {
    /// That of the file.
    File,
    /// Channels are last.
    ChannelsLast { recurrent: bool },
    /// That of the inputs, as the layer computes each element by itself.
    OfInputs,
}

/// Layers that compute each element by itself, if their inputs have the same order of axes.
const ELEMENTWISE: [&str; 16] = [
    "Activation",
    "ActivityRegularization",
    "Add",
    "AlphaDropout",
    "Average",
    "Dropout",
    "ELU",
    "GaussianDropout",
    "GaussianNoise",
    "Identity",
    "LeakyReLU",
    "Maximum",
    "Minimum",
    "Multiply",
    "ReLU",
    "Subtract",
];

/// Layers with an option `axis` that can be the axis of the channels.
const WITH_AXIS: [&str; 3] = ["BatchNormalization", "Concatenate", "GroupNormalization"];

/// Activations that combine the elements along an axis.
const ALONG_AXIS: [&str; 5] = ["glu", "log_softmax", "softmax", "sparsemax", "threshold"];

impl Entry<'_> {
    /// Determines the layout for a layer that is applied to these values, and sets its options to those for this layout.
    pub(super) fn lay_out(&mut self, description: &ModelDescription, inputs: &[usize]) -> Layout {
        let (class, config) = (self.object.class, &mut self.object.config);
        let Some(kind) = LAYER.find(class).filter(|_| !self.object.custom) else { return Layout::File };
        let along_axis = ["activation", "recurrent_activation"].into_iter().any(|name| is_along_axis(config.get(name)));
        if config.get("data_format").is_some_and(|format| format == "channels_first")
            && !along_axis
            && kind.inactive.iter().any(|option| option.name == "data_format")
        {
            config.insert("data_format".into(), json!("channels_last"));
            return Layout::ChannelsLast { recurrent: class == "ConvLSTM2D" };
        }
        let axis = |value: &usize| description.orders.axes.get(value).copied();
        let Some(channels) = inputs.first().and_then(axis) else { return Layout::File };
        if WITH_AXIS.contains(&class) && channels == 0 && config.get("axis").is_some_and(is_first_axis) {
            config.insert("axis".into(), json!(-1));
            return Layout::ChannelsLast { recurrent: false };
        }
        let is_elementwise =
            ELEMENTWISE.contains(&class) && !along_axis && config.get("noise_shape").is_none_or(Value::is_null);
        let rank = |value: &usize| description.shape(*value).map(|shape| shape.rank());
        let same = |value: &usize| axis(value) == Some(channels) && rank(value) == rank(&inputs[0]);
        if is_elementwise && inputs.iter().all(same) { Layout::OfInputs } else { Layout::File }
    }
}

/// Whether an activation may combine the elements along the last axis in the file.
fn is_along_axis(activation: Option<&Value>) -> bool {
    let elementwise = |name: &Value| name.as_str().is_some_and(|name| !ALONG_AXIS.contains(&name));
    activation.is_some_and(|name| !name.is_null() && !elementwise(name))
}

/// Whether an axis, one number or a list of one, is the first axis of a sample. Axis 0 is that of the batch.
fn is_first_axis(axis: &Value) -> bool {
    *axis == 1 || *axis == json!([1])
}

impl ModelDescription {
    /// Returns values with the elements of `inputs` in the order that a layer with this layout reads. Appends the layers that
    /// reorder them.
    pub(super) fn arrange(&mut self, layout: Layout, inputs: &[usize], registry: &Registry) -> Result<Vec<usize>> {
        let order = |value: &usize| self.orders.axes.get(value);
        let is_equal = inputs.iter().all(|value| order(value) == order(&inputs[0]));
        if layout == Layout::OfInputs && is_equal {
            return Ok(inputs.to_vec());
        }
        let arranged = inputs.iter().map(|value| match layout {
            Layout::File | Layout::OfInputs => self.in_order_of_file(*value, registry),
            Layout::ChannelsLast { recurrent } => self.with_channels_last(*value, recurrent, registry),
        });
        arranged.collect()
    }

    /// Stores the order of the axes of the outputs of a layer with this layout.
    pub(super) fn set_orders(&mut self, layout: Layout, inputs: &[usize], outputs: Range<usize>) {
        for output in outputs {
            let channels = match (layout, self.stored_shape(output)) {
                (Layout::OfInputs, _) => inputs.first().and_then(|input| self.orders.axes.get(input)).copied(),
                (Layout::ChannelsLast { recurrent }, Some(shape)) => channel_axis(shape, recurrent),
                _ => None,
            };
            self.orders.axes.extend(channels.map(|axis| (output, axis)));
        }
    }

    /// A value in the order of the file.
    pub(super) fn in_order_of_file(&mut self, value: usize, registry: &Registry) -> Result<usize> {
        match (self.orders.axes.get(&value).copied(), self.stored_shape(value)) {
            (Some(axis), Some(shape)) => {
                let last = shape.rank() - 1;
                let order = (0..axis).chain([last]).chain(axis..last);
                self.reorder_axes(value, None, order.collect(), registry)
            }
            _ => Ok(value),
        }
    }

    fn with_channels_last(&mut self, value: usize, recurrent: bool, registry: &Registry) -> Result<usize> {
        let Some(axis) = self.shape(value).and_then(|shape| channel_axis(shape, recurrent)) else { return Ok(value) };
        if self.orders.axes.get(&value) == Some(&axis) {
            return Ok(value);
        }
        let value = self.in_order_of_file(value, registry)?;
        let rank = self.shape(value).map_or(0, |shape| shape.rank());
        let order = (0..rank).filter(|other| *other != axis).chain([axis]).collect();
        let reordered = self.reorder_axes(value, Some(axis), order, registry)?;
        self.orders.axes.insert(reordered, axis);
        self.orders.reordered.insert((reordered, None), value);
        Ok(reordered)
    }

    /// Applies a layer that reorders the axes of a value, unless the result is known.
    fn reorder_axes(
        &mut self,
        value: usize,
        to: Option<usize>,
        order: Vec<usize>,
        registry: &Registry,
    ) -> Result<usize> {
        if let Some(known) = self.orders.reordered.get(&(value, to)) {
            return Ok(*known);
        }
        let layer = Permute::new(order.iter().map(|axis| axis + 1).collect::<Vec<usize>>());
        let order = if to.is_some() { "channels_last" } else { "channels_first" };
        let is_new = |name: &String| self.layers.iter().all(|layer| layer.name != *name);
        let name = (self.orders.layers..).map(|number| format!("{order}_{number}")).find(is_new).unwrap_or_default();
        self.orders.layers += 1;
        let layer = self.layer(name, layer.spec(), "Permute".into(), registry)?;
        let reordered = self.apply(layer, vec![value])?.start;
        self.orders.reordered.insert((value, to), reordered);
        Ok(reordered)
    }

    /// The shape of one sample of a value in the order of the file, if known.
    pub(super) fn shape(&self, value: usize) -> Option<Shape> {
        let shape = self.stored_shape(value)?;
        match self.orders.axes.get(&value) {
            Some(axis) => {
                let [sizes @ .., channels] = shape.sizes() else { return Some(shape) };
                Shape::new(&[&sizes[..*axis], &[*channels], &sizes[*axis..]].concat()).ok()
            }
            None => Some(shape),
        }
    }
}

/// The axis of the channels in the file, of a sample with channels; `None` if its channels are the only axis.
fn channel_axis(sample: Shape, recurrent: bool) -> Option<usize> {
    // A sequence of images has the axis of its steps first.
    (sample.rank() > 1).then_some(usize::from(recurrent && sample.rank() == 4))
}
