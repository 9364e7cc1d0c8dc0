//! A whole graph as one layer, for graphs that no chain of this library's layers stands for.

use super::graph::Nodes;
use super::record::record;
use super::scope::{Recorded, Scope, Value, Weight, Weights};
use crate::initializers::Zeros;
use crate::layers::{Cursor, Layer, Weights as Declared};
use crate::tape::Var;
use crate::{Error, Result, Shape, Spec};
use std::collections::BTreeMap;
use std::sync::Arc;

/// An ONNX graph as a layer: what [`import`](super::import) makes of a graph with branches, or with operators that no
/// layer here has. It is run and trained like any other.
#[derive(Clone, Debug)]
pub struct OnnxGraph {
    pub(super) nodes: Arc<Nodes>,
    /// In the order in which they are declared; their values are only the first ones.
    pub(super) weights: Arc<Vec<Weight>>,
    /// What one sample of each input is.
    pub(super) inputs: Vec<Given>,
    pub(super) output: Shape,
    /// The number of rows that the file has fixed, if it has.
    pub(super) rows: Option<usize>,
}

/// An input of a graph, as it comes in.
#[derive(Clone, Debug)]
pub(super) struct Given {
    pub(super) name: String,
    /// The shape of one sample.
    pub(super) sample: Shape,
    /// In which order its axes and that of the batch lie.
    pub(super) order: Vec<usize>,
    /// Whether it is whole numbers.
    pub(super) whole: bool,
}

impl Layer for OnnxGraph {
    fn build(&self, inputs: &[Shape], weights: &mut Declared<'_>) -> Result<Vec<Shape>> {
        if !inputs.iter().eq(self.inputs.iter().map(|given| &given.sample)) {
            let wanted: Vec<String> = self.inputs.iter().map(|given| given.sample.to_string()).collect();
            return Err(Error::expected(format!("samples of {}, as the file says", wanted.join(", "))));
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
        let mut scope = Scope { recorder: x.recorder(), weights: Weights::Given(&given), rows };
        let value = |(given, var): (&Given, &Var<'r>)| {
            let recorded = Recorded { var: *var, order: given.order.clone(), whole: given.whole };
            (given.name.clone(), Value::Recorded(recorded))
        };
        let outputs = record(&self.nodes, &mut scope, self.inputs.iter().zip(inputs).map(value).collect());
        let output = match outputs.first() {
            Some(Value::Recorded(recorded)) => recorded.var,
            // What failed, the recorder has kept.
            _ => x,
        };
        vec![output]
    }

    fn spec(&self) -> Spec {
        Spec::new("OnnxGraph").with("nodes", self.nodes.nodes.len())
    }
}
