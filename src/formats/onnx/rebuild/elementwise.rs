//! Conversion of activations, dropout and reshapes.

use super::{Builder, Built, LayerValue, is_onnx_order};
use crate::formats::onnx::check::Fact;
use crate::formats::onnx::node::Node;
use crate::formats::onnx::operators::activation::SELU;
use crate::formats::onnx::order;
use crate::layers::{Activation, Dropout, Elu, Flatten, LeakyRelu, Reshape, Softmax};
use std::sync::Arc;

impl Builder<'_> {
    /// Converts a node without effect: its output is the value of its input.
    pub(super) fn alias(&mut self, node: &Node) -> Option<()> {
        let place = self.places.get(node.inputs.first()?)?.clone();
        // Embeddings truncate indices like a cast, so the cast can be dropped before them, and only there.
        let rounded = node.operator == "Cast"
            && matches!(self.checked.facts.get(node.outputs.first()?)?, Fact::Integers(..))
            && !matches!(self.checked.facts.get(&node.inputs[0])?, Fact::Integers(..));
        if rounded && self.nodes.readers(&node.outputs[0]).any(|reader| reader.operator != "Gather") {
            return None;
        }
        // The elements are unchanged; only the axis order of ONNX may differ.
        let same = self.fact(&node.inputs[0])?.0 == self.fact(node.outputs.first()?)?.0;
        if same { self.set_output(node, place) } else { None }
    }

    pub(super) fn dropout(&mut self, node: &Node) -> Option<()> {
        let rate = match self.constant_input(node, 1) {
            Some(rate) => *rate.as_floats().ok()?.first()?,
            None => node.number("ratio", 0.5).ok()?,
        };
        if 0.0 < rate && rate < 1.0 {
            let from = self.read(node.inputs.first()?)?;
            return self.apply(node, &from, Dropout::new(rate), Vec::new());
        }
        self.alias(node)
    }

    /// Converts an elementwise activation.
    pub(super) fn elementwise(&mut self, node: &Node) -> Option<()> {
        let number = |name: &str, default: f32| node.number(name, default).ok();
        let activation = match node.operator.as_str() {
            "Relu" => Activation::Relu,
            "Sigmoid" => Activation::Sigmoid,
            "Tanh" => Activation::Tanh,
            "Softplus" => Activation::Softplus,
            "Softsign" => Activation::Softsign,
            "Exp" => Activation::Exponential,
            "Gelu" if node.text("approximate", "none").ok()? == "tanh" => Activation::GeluTanh,
            "Gelu" => Activation::Gelu,
            "Swish" if number("alpha", 1.0)? == 1.0 => Activation::Silu,
            "Selu" if [number("alpha", SELU[0])?, number("gamma", SELU[1])?] == SELU => Activation::Selu,
            "HardSigmoid" if (number("alpha", 0.2)? - 1.0 / 6.0).abs() < 1e-7 && number("beta", 0.5)? == 0.5 => {
                Activation::HardSigmoid
            }
            "HardSigmoid" if number("alpha", 0.2)? == 0.2 && number("beta", 0.5)? == 0.5 => {
                Activation::LegacyHardSigmoid
            }
            "LeakyRelu" => {
                let from = self.read(node.inputs.first()?)?;
                let layer = LeakyRelu::new().negative_slope(number("alpha", 0.01)?);
                return self.apply(node, &from, layer, Vec::new());
            }
            "Elu" => {
                let from = self.read(node.inputs.first()?)?;
                return self.apply(node, &from, Elu::new().alpha(number("alpha", 1.0)?), Vec::new());
            }
            _ => return None,
        };
        self.activation(node, activation)
    }

    /// Adds an activation: as a setting of the previous layer if no other node reads its output, otherwise as a layer.
    fn activation(&mut self, node: &Node, activation: Activation) -> Option<()> {
        let name = node.inputs.first()?.clone();
        let from = self.read(&name)?;
        let alone = self.readers(&name) == 1;
        let before = from.value.checked_sub(self.inputs.len()).and_then(|at| self.steps.get_mut(at));
        match before {
            Some(step) if alone && !matches!(step.layer, Built::Finished(_)) => {
                let layer = std::mem::replace(&mut step.layer, Built::Finished(Arc::new(Flatten)));
                step.layer = layer.with(activation);
                step.biased = true;
                self.set_output(node, from)
            }
            _ => self.apply(node, &from, activation, Vec::new()),
        }
    }

    pub(super) fn softmax(&mut self, node: &Node) -> Option<()> {
        let (shape, storage_order) = self.fact(node.inputs.first()?)?;
        let (_, given) = self.fact(node.outputs.first()?)?;
        let axis = node.integer("axis", if node.version >= 13 { -1 } else { 1 }).ok()?;
        let axis = order::axis(axis, shape.rank()).ok()?;
        let flat = self.places.get(&node.inputs[0])?.flat.is_some();
        if (node.version < 13 && shape.rank() != 2) || given != storage_order || flat {
            return None;
        }
        let place = storage_order.iter().position(|stored| *stored == axis)?;
        match (node.operator.as_str(), place + 1 == storage_order.len()) {
            ("Softmax", true) => self.activation(node, Activation::Softmax),
            ("LogSoftmax", true) => self.activation(node, Activation::LogSoftmax),
            ("Softmax", false) if place > 0 => {
                let from = self.read(&node.inputs[0])?;
                self.apply(node, &from, Softmax::new().axis(place as isize), Vec::new())
            }
            _ => None,
        }
    }

    pub(super) fn reshape(&mut self, node: &Node) -> Option<()> {
        let ((from, storage_order), (to, given)) =
            (self.fact(node.inputs.first()?)?, self.fact(node.outputs.first()?)?);
        let place = self.places.get(&node.inputs[0])?.clone();
        if from.axis(0) != to.axis(0) || !is_onnx_order(given) || storage_order[0] != 0 {
            return None;
        }
        let to = to.sample();
        let long =
            |axis: &usize| storage_order.iter().position(|other| other == axis).is_some_and(|at| from.axis(at) != 1);
        let moved: Vec<usize> = storage_order.iter().copied().filter(long).collect();
        let in_order = moved.is_sorted();
        if place.shape == to && (in_order || place.flat.is_some()) {
            return self.set_output(node, place);
        }
        if place.flat.is_some() {
            return None;
        }
        // Images with channels last are flattened in the order of channels first.
        let flat = match in_order {
            true => None,
            false if to.rank() == 1 && storage_order == order::channels_last(storage_order.len()) => {
                let (channels, image) =
                    from.sample().sizes().split_last().map(|(last, image)| (*last, image.to_vec()))?;
                Some([&[channels], &image[..]].concat())
            }
            false => return None,
        };
        let value = match to.rank() {
            1 => self.step(Arc::new(Flatten), vec![place.value]),
            _ => self.step(Arc::new(Reshape::new(to)), vec![place.value]),
        };
        self.set_output(node, LayerValue { value, shape: to, flat })
    }
}
