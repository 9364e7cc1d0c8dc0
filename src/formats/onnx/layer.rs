//! A layer that runs an ONNX graph, for graphs and nodes without an equivalent layer.

use super::graph::Nodes;
use super::record::record;
use super::scope::{Recorded, Scope, Value, Weight, Weights};
use crate::initializers::Zeros;
use crate::layers::{Cursor, Layer, Weights as Declared};
use crate::tape::Var;
use crate::{Error, Result, Shape, Spec};
use std::collections::BTreeMap;
use std::sync::Arc;

/// A layer that runs an ONNX graph. [`import`](super::import) creates it for nodes and graphs without an equivalent layer. It
/// can be trained like other layers.
#[derive(Clone, Debug)]
pub struct OnnxGraph {
    pub(super) nodes: Arc<Nodes>,
    /// The weights in the order of their declaration, with their initial values.
    pub(super) weights: Arc<Vec<Weight>>,
    /// The inputs of the graph.
    pub(super) inputs: Vec<GraphInput>,
    pub(super) output: Shape,
    /// The number of rows, if it is fixed in the file.
    pub(super) rows: Option<usize>,
}

/// An input of the graph.
#[derive(Clone, Debug)]
pub(super) struct GraphInput {
    pub(super) name: String,
    /// The shape of one sample.
    pub(super) sample: Shape,
    /// The order in which ONNX' axes are stored, including the batch axis.
    pub(super) order: Vec<usize>,
    /// Whether its elements are integers in ONNX.
    pub(super) integer: bool,
}

impl Layer for OnnxGraph {
    fn build(&self, inputs: &[Shape], weights: &mut Declared<'_>) -> Result<Vec<Shape>> {
        if !inputs.iter().eq(self.inputs.iter().map(|given| &given.sample)) {
            let expected: Vec<String> = self.inputs.iter().map(|given| given.sample.to_string()).collect();
            return Err(Error::expected(format!("samples of shape {}, as in the ONNX file", expected.join(", "))));
        }
        for weight in self.weights.iter() {
            match weight.trainable {
                true => weights.add(&weight.name, weight.shape, &Zeros)?,
                false => weights.add_state(&weight.name, weight.shape, &Zeros)?,
            }
        }
        Ok(vec![self.output])
    }

    fn record<'r>(&self, weights: &mut Cursor<'_, 'r>, inputs: &[Var<'r>]) -> Vec<Var<'r>> {
        let x = inputs[0];
        let given: BTreeMap<_, _> =
            self.weights.iter().map(|weight| (weight.key.clone(), weights.take_one())).collect();
        let rows = self.rows.map(|rows| [rows, x.shape().axis(0)]);
        let mut scope = Scope { recorder: x.recorder(), weights: Weights::Declared(&given), rows };
        let value = |(given, var): (&GraphInput, &Var<'r>)| {
            let recorded = Recorded { var: *var, order: given.order.clone(), integer: given.integer };
            (given.name.clone(), Value::Recorded(recorded))
        };
        let outputs = record(&self.nodes, &mut scope, self.inputs.iter().zip(inputs).map(value).collect());
        let output = match outputs.first() {
            Some(Value::Recorded(recorded)) => recorded.var,
            // The recorder stores the error.
            _ => x,
        };
        vec![output]
    }

    fn spec(&self) -> Spec {
        Spec::new("OnnxGraph").with("nodes", self.nodes.nodes.len())
    }
}
