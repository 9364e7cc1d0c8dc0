//! Conversion of a node without an equivalent layer to an `OnnxGraph` layer.

use super::{Builder, LayerValue};
use crate::formats::onnx::check::Fact;
use crate::formats::onnx::graph::{Input, Nodes, Output};
use crate::formats::onnx::layer::{GraphInput, OnnxGraph};
use crate::formats::onnx::node::Node;
use crate::formats::onnx::scope::{Weight, source_of};
use std::collections::BTreeSet;
use std::sync::Arc;

impl Builder<'_> {
    /// Adds a node as an `OnnxGraph` layer.
    pub(super) fn node_layer(&mut self, node: &Node) -> Option<()> {
        let [output] = &node.outputs[..] else { return None };
        let (shape, order) = self.fact(output)?;
        if order.first() != Some(&0) {
            return None;
        }
        let (mut given, mut values) = (Vec::<GraphInput>::new(), Vec::new());
        let mut nodes = Nodes { nodes: vec![node.clone()], memory: self.nodes.memory, ..Nodes::default() };
        for name in node.inputs.iter().filter(|name| !name.is_empty()) {
            let Some((input, storage_order)) = self.fact(name) else {
                // Computed shapes may depend on the number of rows, so only constants of the file are allowed.
                let constant = self.nodes.constants.get(name)?;
                nodes.constants.insert(name.clone(), constant.clone());
                continue;
            };
            if given.iter().any(|given| given.name == *name) {
                continue;
            }
            let place = self.read(name)?;
            if place.flat.is_some() || storage_order[0] != 0 || input.axis(0) != shape.axis(0) {
                return None;
            }
            let integer = matches!(self.checked.facts.get(name)?, Fact::Integers(..));
            nodes.inputs.push(Input { name: name.clone(), sizes: None, symbols: Vec::new(), integer });
            given.push(GraphInput { name: name.clone(), sample: place.shape, order: storage_order.to_vec(), integer });
            values.push(place.value);
        }
        nodes.outputs.push(Output { name: output.clone(), floats: true });
        let layer = OnnxGraph::new(nodes, given, self.checked.rows.map(|[rows, _]| rows)).ok()?;
        let constant = |weight: &Weight| source_of(&weight.key.constant, &self.nodes.constants);
        let trained: BTreeSet<String> = layer.weights.iter().filter(|weight| weight.trainable).map(constant).collect();
        if !trained.into_iter().all(|constant| self.claim(constant)) {
            return None;
        }
        let arrays = layer.weights.iter().map(|weight| weight.values.clone()).collect();
        let value = self.built(super::Built::Finished(Arc::new(layer)), values, arrays);
        self.set_output(node, LayerValue { value, shape: shape.sample(), flat: None })
    }
}
