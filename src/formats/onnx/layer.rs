//! A layer that runs an ONNX graph, for graphs and nodes without an equivalent layer.

use super::check::{Fact, check};
use super::graph::Nodes;
use super::record::record;
use super::scope::{Recorded, Scope, Value, Weight, Weights, arrange};
use super::size_limit::Limits;
use super::stored_graph;
use crate::initializers::Zeros;
use crate::layers::{Cursor, Layer, Weights as Declared};
use crate::tape::Var;
use crate::{Error, FromSpec, Result, Settings, Shape, Spec};
use std::collections::BTreeMap;
use std::sync::Arc;

/// A layer that runs an ONNX graph. [`import`](super::import) creates it for nodes and graphs without an equivalent layer. It
/// can be trained and saved like other layers, and is exported to ONNX as the nodes of its graph.
#[derive(Clone, Debug)]
pub struct OnnxGraph {
    pub(super) nodes: Arc<Nodes>,
    /// The weights in the order of their declaration, with their initial values.
    pub(super) weights: Arc<Vec<Weight>>,
    /// The inputs of the graph.
    pub(super) inputs: Vec<GraphInput>,
    /// The outputs of the graph: the shape of one sample, and the order in which ONNX' axes are stored.
    pub(super) outputs: Vec<(Shape, Vec<usize>)>,
    /// The number of rows, if it is fixed in the file.
    pub(super) rows: Option<usize>,
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
    pub(super) fn fact(&self, rows: usize) -> std::result::Result<(String, Fact), String> {
        let batch = self.sample.batch(rows).map_err(|error| error.to_string())?;
        Limits::OF_FILE.check(batch.len())?;
        let order = self.order.clone();
        let fact = if self.integer { Fact::Integers(batch, order) } else { Fact::Floats(batch, order) };
        Ok((self.name.clone(), fact))
    }
}

impl OnnxGraph {
    /// Creates the layer of a graph after checking it.
    pub(super) fn new(
        nodes: Nodes,
        inputs: Vec<GraphInput>,
        rows: Option<usize>,
    ) -> std::result::Result<OnnxGraph, String> {
        let batch = rows.unwrap_or(CHECK_ROWS);
        let facts = inputs.iter().map(|input| input.fact(batch)).collect::<std::result::Result<Vec<_>, _>>()?;
        let checked = check(&nodes, &facts, rows.map(|rows| [rows, rows]), Limits::OF_FILE);
        if !checked.unsupported.is_empty() {
            return Err(format!("not supported: {}", checked.unsupported.join(", ")));
        }
        let output = |name: &str| match checked.facts.get(name) {
            Some(Fact::Floats(shape, order) | Fact::Integers(shape, order))
                if order.first() == Some(&0) && shape.axis(0) == batch =>
            {
                Ok((shape.sample(), order.clone()))
            }
            _ => Err(format!("output \"{name}\" does not have one row for each row of the inputs")),
        };
        let outputs = nodes.outputs.iter().map(|found| output(&found.name)).collect::<std::result::Result<_, _>>()?;
        Ok(OnnxGraph { nodes: Arc::new(nodes), weights: Arc::new(checked.weights), inputs, outputs, rows })
    }
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
        Ok(self.outputs.iter().map(|(shape, _)| *shape).collect())
    }

    fn record<'r>(&self, weights: &mut Cursor<'_, 'r>, inputs: &[Var<'r>]) -> Vec<Var<'r>> {
        let x = inputs[0];
        let given: BTreeMap<_, _> =
            self.weights.iter().map(|weight| (weight.key.clone(), weights.take_one())).collect();
        let rows = self.rows.map(|rows| [rows, x.shape().axis(0)]);
        let (recorder, weights, limits) = (x.recorder(), Weights::Declared(&given), Limits::NONE);
        let mut scope = Scope { recorder, weights, rows, limits };
        let value = |(given, var): (&GraphInput, &Var<'r>)| {
            let recorded = Recorded { var: *var, order: given.order.clone(), integer: given.integer };
            (given.name.clone(), Value::Recorded(recorded))
        };
        let values = record(&self.nodes, &mut scope, self.inputs.iter().zip(inputs).map(value).collect());
        let output = |(number, (_, order)): (usize, &(Shape, Vec<usize>))| match values.get(number) {
            Some(Value::Recorded(recorded)) => arrange(recorded, order).unwrap_or_else(|problem| {
                recorder.fail(Error::other(problem));
                x
            }),
            // The recorder stores the error.
            _ => x,
        };
        self.outputs.iter().enumerate().map(output).collect()
    }

    fn spec(&self) -> Spec {
        stored_graph::write(self)
    }
}

impl FromSpec for OnnxGraph {
    const CLASS: &'static str = "OnnxGraph";

    fn from_spec(settings: &mut Settings<'_>) -> Result<OnnxGraph> {
        stored_graph::read(settings)
    }
}
