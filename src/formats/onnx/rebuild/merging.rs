//! Conversion of nodes with several computed inputs.

use super::{Builder, Built, LayerValue};
use crate::formats::onnx::node::Node;
use crate::formats::onnx::order;
use crate::layers::{Activation, Concatenate, Layer};
use std::sync::Arc;

impl Builder<'_> {
    /// Converts an elementwise operator of several values to a layer.
    pub(super) fn merge(&mut self, node: &Node, layer: Arc<dyn Layer>) -> Option<()> {
        let places = self.aligned_inputs(node)?;
        let flat = places[0].flat.clone();
        if places.iter().any(|place| place.flat != flat) {
            return None;
        }
        self.join(node, layer, &places, flat)
    }

    pub(super) fn concat(&mut self, node: &Node) -> Option<()> {
        let (shape, storage_order) = self.fact(node.inputs.first()?)?;
        let axis = order::axis(node.integer("axis", 1).ok()?, shape.rank()).ok()?;
        let place = storage_order.iter().position(|stored| *stored == axis).filter(|place| *place > 0)?;
        let places = self.aligned_inputs(node)?;
        if places.iter().any(|place| place.flat.is_some()) {
            return None;
        }
        self.join(node, Arc::new(Concatenate::new().axis(place as isize)), &places, None)
    }

    /// Returns all inputs if they are computed and have equal ranks and storage orders.
    fn aligned_inputs(&mut self, node: &Node) -> Option<Vec<LayerValue>> {
        let (shape, storage_order) = self.fact(node.inputs.first()?)?;
        let mut places = Vec::new();
        for name in &node.inputs {
            let (other, order) = self.fact(name)?;
            if other.rank() != shape.rank() || order != storage_order || other.axis(0) != shape.axis(0) {
                return None;
            }
            places.push(self.read(name)?);
        }
        Some(places)
    }

    fn join(
        &mut self,
        node: &Node,
        layer: Arc<dyn Layer>,
        places: &[LayerValue],
        flat: Option<Vec<usize>>,
    ) -> Option<()> {
        let value = self.step(layer, places.iter().map(|place| place.value).collect());
        let (shape, _) = self.fact(node.outputs.first()?)?;
        self.set_output(node, LayerValue { value, shape: shape.sample(), flat })
    }

    /// Converts the product of x and its sigmoid to a SiLU activation.
    pub(super) fn silu(&mut self, node: &Node) -> Option<()> {
        let [a, b] = &node.inputs[..] else { return None };
        let of = |gate: &str| self.nodes.source(gate).filter(|source| source.operator == "Sigmoid")?.inputs.first();
        let (x, gate) = match (of(b) == Some(a), of(a) == Some(b)) {
            (true, _) => (a, b),
            (_, true) => (b, a),
            _ => return None,
        };
        let last = self.inputs.len() + self.steps.len() - 1;
        let place = self.places.get(gate).filter(|place| place.value == last)?;
        let alone = matches!(self.steps.last()?.layer, Built::Finished(_)) && self.readers(gate) == 1;
        let from = self.places.get(x)?.clone();
        if !alone || self.steps.last()?.inputs != [from.value] || place.value == from.value {
            return None;
        }
        self.steps.pop();
        self.apply(node, &from, Activation::Silu, Vec::new())
    }
}
