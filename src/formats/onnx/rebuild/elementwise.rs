//! Conversion of activations, dropout and rescaling.

use super::{Builder, Built};
use crate::formats::onnx::check::Fact;
use crate::formats::onnx::node::Node;
use crate::formats::onnx::operators::activation::SELU;
use crate::formats::onnx::order;
use crate::formats::onnx::proto::element;
use crate::layers::{Activation, Dropout, Elu, Flatten, LeakyRelu, Relu, Rescaling, Softmax};
use std::sync::Arc;

impl Builder<'_> {
    /// Converts a node without effect: its output is the value of its input.
    pub(super) fn alias(&mut self, node: &Node) -> Option<()> {
        let place = self.places.get(node.inputs.first()?)?.clone();
        // A cast to booleans changes all other numbers than 0 and 1.
        if node.operator == "Cast" && node.integer("to", 0).ok()? == i64::from(element::BOOL) {
            return None;
        }
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
            "HardSigmoid" if number("alpha", 0.2)? == 0.5 && number("beta", 0.5)? == 0.5 => Activation::SparseSigmoid,
            "HardSwish" => Activation::HardSilu,
            "Mish" => Activation::Mish,
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

    /// Converts limits from 0 to a maximum to a rectifier, and those from −1 to 1 to an activation.
    pub(super) fn clip(&mut self, node: &Node) -> Option<()> {
        let limit = |input: usize, name: &str, default: f32| match self.constant_input(node, input) {
            Some(limit) => limit.to_floats().first().copied(),
            None if Self::has(node, input) => None,
            None => node.number(name, default).ok(),
        };
        let (low, high) = (limit(1, "min", f32::NEG_INFINITY)?, limit(2, "max", f32::INFINITY)?);
        if [low, high] == [-1.0, 1.0] {
            return self.activation(node, Activation::HardTanh);
        }
        if low != 0.0 || !(high > 0.0 && high.is_finite()) {
            return None;
        }
        let from = self.read(node.inputs.first()?)?;
        self.apply(node, &from, Relu::new().max_value(high), Vec::new())
    }

    pub(super) fn negation(&mut self, node: &Node) -> Option<()> {
        let from = self.read(node.inputs.first()?)?;
        self.apply(node, &from, Rescaling::new(-1.0), Vec::new())
    }

    /// Converts a product or a sum with a number that is not learned.
    pub(super) fn rescaling(&mut self, node: &Node) -> Option<()> {
        let side = usize::from(self.fact(node.inputs.first()?).is_some());
        let number = self.constant_input(node, side)?;
        let (name, [number], []) = (&node.inputs[1 - side], number.as_floats().ok()?, &number.sizes[..]) else {
            return None;
        };
        let from = self.read(name)?;
        if node.operator == "Mul" {
            return self.apply(node, &from, Rescaling::new(*number), Vec::new());
        }
        // The offset of a rescaling before the sum.
        let alone = self.readers(name) == 1;
        let scaled = match self.nodes.source(name).filter(|source| source.operator == "Mul" && alone) {
            Some(source) => {
                let scale = source.inputs.iter().find_map(|name| match self.checked.facts.get(name) {
                    Some(Fact::Constant(_, constant)) if constant.tensor.sizes.is_empty() => Some(&constant.tensor),
                    _ => None,
                });
                scale.and_then(|scale| scale.as_floats().ok()?.first().copied())
            }
            None => None,
        };
        let last = self.inputs.len() + self.steps.len() - 1;
        match (scaled, self.steps.last()) {
            (Some(scale), Some(step)) if from.value == last && step.arrays.is_empty() => {
                let layer = Arc::new(Rescaling::new(scale).offset(*number));
                self.steps.last_mut()?.layer = Built::Finished(layer);
                self.set_output(node, from)
            }
            _ => self.apply(node, &from, Rescaling::new(1.0).offset(*number), Vec::new()),
        }
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
}
