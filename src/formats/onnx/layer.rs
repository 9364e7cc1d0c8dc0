//! A layer that runs an ONNX graph, for graphs and nodes without an equivalent layer.

use super::check::{Fact, check};
use super::graph::Nodes;
use super::scope::Weight;
use super::size_limit::Limits;
use crate::Shape;
use crate::formats::budget::Budget;
use std::sync::Arc;

/// A layer that runs an ONNX graph. [`import`](super::import) creates it for nodes and graphs without an equivalent layer. It
/// can be trained and saved like other layers, and is exported to ONNX as the nodes of its graph.
#[derive(Clone, Debug)]
pub struct OnnxGraph {
    pub(super) nodes: Arc<Nodes>,
    /// The weights in the order of their declaration, with their initial values.
    pub(super) weights: Arc<Vec<Weight>>,
    /// The inputs of the graph. Samples can also have other sizes that the graph accepts.
    pub(super) inputs: Vec<GraphInput>,
    /// The outputs of the graph: the shape of one sample, and the order in which ONNX' axes are stored.
    pub(super) outputs: GraphOutputs,
    /// The number of rows, if it is fixed in the file.
    pub(super) rows: Option<usize>,
}

/// The number of elements of one row of all inputs.
pub(super) fn elements(inputs: &[GraphInput]) -> usize {
    inputs.iter().fold(0, |sum, input| sum.saturating_add(input.sample.len()))
}

/// An input of the graph.
#[derive(Clone, Debug, PartialEq)]
pub(super) struct GraphInput {
    pub(super) name: String,
    /// The shape of one sample.
    pub(super) sample: Shape,
    /// The order in which ONNX' axes are stored, including the batch axis.
    pub(super) order: Vec<usize>,
    /// Whether its elements are integers in ONNX.
    pub(super) integer: bool,
}

/// Number of rows for the check of a graph without a fixed number. Greater than 1 to distinguish it from axes of size 1.
pub(super) const CHECK_ROWS: usize = 2;

impl GraphInput {
    /// The static information about the input with `rows` rows.
    pub(super) fn fact(&self, rows: usize) -> Result<(String, Fact), String> {
        let batch = self.sample.batch(rows).map_err(|error| error.to_string())?;
        let order = self.order.clone();
        let fact = if self.integer { Fact::Integers(batch, order) } else { Fact::Floats(batch, order) };
        Ok((self.name.clone(), fact))
    }
}

/// The shape of one sample of each output, and the order in which ONNX' axes are stored.
pub(super) type GraphOutputs = Vec<(Shape, Vec<usize>)>;

impl OnnxGraph {
    /// Creates the layer of a graph after checking it.
    pub(super) fn new(nodes: Nodes, inputs: Vec<GraphInput>, rows: Option<usize>) -> Result<OnnxGraph, String> {
        let budget = nodes.memory.budget(elements(&inputs))?;
        let (outputs, weights, inlined) = checked(&nodes, &inputs, rows, &budget)?;
        let nodes = inlined.unwrap_or(nodes);
        Ok(OnnxGraph { nodes: Arc::new(nodes), weights: Arc::new(weights), inputs, outputs, rows })
    }

    /// The outputs for inputs whose samples have these shapes. The graph is checked again, and its constants that depend on
    /// shapes are computed again.
    pub(super) fn outputs_for(&self, samples: &[Shape]) -> Result<GraphOutputs, String> {
        if samples.iter().eq(self.inputs.iter().map(|input| &input.sample)) {
            return Ok(self.outputs.clone());
        }
        let inputs: Vec<GraphInput> = self
            .inputs
            .iter()
            .zip(samples)
            .filter(|(input, sample)| input.sample.rank() == sample.rank())
            .map(|(input, sample)| GraphInput { sample: *sample, ..input.clone() })
            .collect();
        if inputs.len() != samples.len() || inputs.len() != self.inputs.len() {
            return Err("the number of inputs or axes differs".into());
        }
        let (outputs, weights, _) =
            checked(&self.nodes, &inputs, self.rows, &self.nodes.memory.budget_of_caller(elements(&inputs)))?;
        let keys = |weights: &[Weight]| weights.iter().map(|weight| weight.key.clone()).collect::<Vec<_>>();
        let orders = |outputs: &GraphOutputs| outputs.iter().map(|(_, order)| order.clone()).collect::<Vec<_>>();
        match keys(&weights) == keys(&self.weights) && orders(&outputs) == orders(&self.outputs) {
            true => Ok(outputs),
            false => Err("its weights or the order of its axes would differ".into()),
        }
    }
}

/// Checks a graph, and returns its outputs, its weights, and the graph with branches in place of nodes `If`.
fn checked(
    nodes: &Nodes,
    inputs: &[GraphInput],
    rows: Option<usize>,
    budget: &Budget,
) -> Result<(GraphOutputs, Vec<Weight>, Option<Nodes>), String> {
    let batch = rows.unwrap_or(CHECK_ROWS);
    let facts = inputs.iter().map(|input| input.fact(batch)).collect::<Result<Vec<_>, _>>()?;
    let checked = check(nodes, &facts, rows.map(|rows| [rows, rows]), Limits::new(budget, batch));
    if !checked.unsupported.is_empty() {
        return Err(format!("not supported: {}", checked.unsupported.join(", ")));
    }
    let output = |name: &str| match checked.facts.get(name).and_then(Fact::rows_first) {
        Some((shape, order)) if shape.rank() > 0 && shape.axis(0) == batch => Ok((shape.sample(), order)),
        _ => Err(format!("output \"{name}\" does not have one row for each row of the inputs")),
    };
    let outputs = nodes.outputs.iter().map(|found| output(&found.name)).collect::<Result<_, _>>()?;
    Ok((outputs, checked.weights, checked.inlined))
}
