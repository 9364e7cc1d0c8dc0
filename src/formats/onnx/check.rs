//! Static check of a graph without computation: finds the weights with their axis orders, and the unsupported nodes.

use super::constant::Constant;
use super::graph::Nodes;
use super::node::Node;
use super::operators;
use super::scope::{Recorded, Scope, Value, Weight, Weights};
use super::size_limit::Limits;
use crate::Shape;
use crate::tape::{Mode, Recorder};
use std::collections::BTreeMap;

/// Static information about a value of a graph.
#[derive(Clone, Debug)]
pub(super) enum Fact {
    /// A constant with its name.
    Constant(String, Constant),
    /// Computed floats: the shape in memory, and the order in which ONNX' axes are stored.
    Floats(Shape, Vec<usize>),
    /// Computed integers: the shape in memory, and the order in which ONNX' axes are stored.
    Integers(Shape, Vec<usize>),
    /// A constant of the file that cannot be read, and the reason.
    Unreadable(String),
    /// The output of an unsupported node.
    Unsupported,
}

/// The result of a check.
#[derive(Debug, Default)]
pub(super) struct Checked {
    pub(super) weights: Vec<Weight>,
    pub(super) facts: BTreeMap<String, Fact>,
    /// The fixed number of rows in the file and the actual one, if it is fixed.
    pub(super) rows: Option<[usize; 2]>,
    /// The unsupported nodes with the reasons.
    pub(super) unsupported: Vec<String>,
}

/// Checks a graph. `inputs` describe its inputs; `rows` is the fixed number of rows in the file and the actual one.
pub(super) fn check(nodes: &Nodes, inputs: &[(String, Fact)], rows: Option<[usize; 2]>, limits: Limits) -> Checked {
    let mut checked = Checked { rows, ..Checked::default() };
    checked.facts.extend(inputs.iter().cloned());
    for (name, constant) in &nodes.constants {
        checked.facts.insert(name.clone(), Fact::Constant(name.clone(), constant.clone()));
    }
    for (name, problem) in &nodes.unreadable {
        checked.facts.insert(name.clone(), Fact::Unreadable(problem.clone()));
    }
    for node in &nodes.nodes {
        let facts = match checked.record(node, rows, limits) {
            Ok(facts) => facts,
            Err(problem) => {
                // A node that reads an unsupported value is not reported itself.
                checked.unsupported.extend(problem.map(|problem| format!("{node} ({problem})")));
                vec![Fact::Unsupported; node.outputs.len()]
            }
        };
        checked.facts.extend(node.outputs.iter().cloned().zip(facts));
    }
    checked
}

impl Checked {
    /// Determines the outputs of a node. The error is the reason why it is not supported, or `None` if an input is not
    /// supported.
    fn record(&mut self, node: &Node, rows: Option<[usize; 2]>, limits: Limits) -> Result<Vec<Fact>, Option<String>> {
        let problems = operators::problems(node);
        if !problems.is_empty() {
            return Err(Some(problems.join("; ")));
        }
        let record = operators::find(node).ok_or_else(|| Some("unknown operator".to_owned()))?;
        let recorder = Recorder::limited(Mode::Inference, limits.elements);
        let mut inputs = Vec::new();
        for name in &node.inputs {
            inputs.push(match self.facts.get(name).filter(|_| !name.is_empty()) {
                Some(Fact::Constant(name, constant)) => Some(Value::Constant(name.clone(), constant.clone())),
                Some(Fact::Floats(shape, order)) => Some(Value::with_order(recorder.input(*shape), order.clone())),
                Some(Fact::Integers(shape, order)) => {
                    Some(Value::Recorded(Recorded { var: recorder.input(*shape), order: order.clone(), integer: true }))
                }
                Some(Fact::Unreadable(problem)) => return Err(Some(format!("its input \"{name}\": {problem}"))),
                Some(Fact::Unsupported) => return Err(None),
                None => None,
            });
        }
        let weights = Weights::Collected(&mut self.weights);
        let values = record(node, &mut Scope { recorder: &recorder, weights, rows, limits }, &inputs).map_err(Some)?;
        if let Some(error) = recorder.error() {
            return Err(Some(error));
        }
        Ok(values.into_iter().map(Fact::of).collect())
    }
}

impl Fact {
    fn of(value: Value<'_>) -> Fact {
        match value {
            Value::Constant(name, constant) => Fact::Constant(name, constant),
            Value::Recorded(Recorded { var, order, integer: false }) => Fact::Floats(var.shape(), order),
            Value::Recorded(Recorded { var, order, integer: true }) => Fact::Integers(var.shape(), order),
        }
    }
}
