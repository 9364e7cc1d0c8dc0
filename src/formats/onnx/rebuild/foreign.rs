//! A node that none of our layers stands for, as a layer.

use super::{Builder, Place};
use crate::formats::onnx::check::{Fact, check};
use crate::formats::onnx::graph::{Input, Nodes, Output};
use crate::formats::onnx::layer::{Given, OnnxGraph};
use crate::formats::onnx::node::Node;
use std::sync::Arc;

impl Builder<'_> {
    pub(super) fn foreign(&mut self, node: &Node) -> Option<()> {
        let [output] = &node.outputs[..] else { return None };
        let (shape, order) = self.fact(output)?;
        let (mut given, mut facts, mut values) = (Vec::<Given>::new(), Vec::new(), Vec::new());
        let mut nodes =
            Nodes { inputs: Vec::new(), outputs: Vec::new(), nodes: vec![node.clone()], constants: Default::default() };
        for name in node.inputs.iter().filter(|name| !name.is_empty()) {
            let Some((input, lies)) = self.fact(name) else {
                // What was computed of shapes may depend on the number of rows.
                let constant = self.nodes.constants.get(name)?;
                nodes.constants.insert(name.clone(), constant.clone());
                continue;
            };
            if given.iter().any(|given| given.name == *name) {
                continue;
            }
            let place = self.read(name)?;
            if place.flat.is_some() || lies[0] != 0 || input.axis(0) != shape.axis(0) {
                return None;
            }
            let fact = self.checked.facts.get(name)?.clone();
            let whole = matches!(fact, Fact::Whole(..));
            nodes.inputs.push(Input { name: name.clone(), sizes: None, whole });
            given.push(Given { name: name.clone(), sample: place.shape, order: lies.to_vec(), whole });
            facts.push((name.clone(), fact));
            values.push(place.value);
        }
        nodes.outputs.push(Output { name: output.clone(), floats: true });
        let weights = check(&nodes, &facts, None).weights;
        if order[0] != 0 || !weights.iter().filter(|weight| weight.trainable).all(|weight| self.take(weight.constant()))
        {
            return None;
        }
        let arrays = weights.iter().map(|weight| weight.values.clone()).collect();
        let (nodes, weights) = (Arc::new(nodes), Arc::new(weights));
        let layer = OnnxGraph { nodes, weights, inputs: given, output: shape.sample(), rows: None };
        let value = self.built(super::Built::Done(Arc::new(layer)), values, arrays);
        self.give(node, Place { value, shape: shape.sample(), flat: None })
    }
}
