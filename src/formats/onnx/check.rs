//! What a graph needs, found without a number being computed: which weights, in which order, and what is not supported.

use super::constant::Constant;
use super::graph::Nodes;
use super::limit::MOST;
use super::node::Node;
use super::operators;
use super::scope::{Recorded, Scope, Value, Weight, Weights};
use crate::Shape;
use crate::tape::{Mode, Recorder};
use std::collections::BTreeMap;

/// What is known of a value before anything runs.
#[derive(Clone, Debug)]
pub(super) enum Fact {
    Known(String, Constant),
    /// How it lies in memory: the shape, and the order of ONNX' axes.
    Computed(Shape, Vec<usize>),
    /// The same of whole numbers.
    Whole(Shape, Vec<usize>),
    /// What a node that is not supported would have given.
    Missing,
}

/// What was found.
#[derive(Debug, Default)]
pub(super) struct Checked {
    pub(super) weights: Vec<Weight>,
    pub(super) facts: BTreeMap<String, Fact>,
    /// The nodes that are not supported, and why.
    pub(super) unsupported: Vec<String>,
}

/// Checks a graph whose inputs are known to lie so.
pub(super) fn check(nodes: &Nodes, inputs: &[(String, Fact)], rows: Option<[usize; 2]>) -> Checked {
    let mut checked = Checked::default();
    checked.facts.extend(inputs.iter().cloned());
    for (name, constant) in &nodes.constants {
        checked.facts.insert(name.clone(), Fact::Known(name.clone(), constant.clone()));
    }
    for node in &nodes.nodes {
        let facts = match checked.record(node, rows) {
            Ok(facts) => facts,
            Err(problem) => {
                // What reads a value that is missing is not to blame.
                checked.unsupported.extend(problem.map(|problem| format!("{node} ({problem})")));
                vec![Fact::Missing; node.outputs.len()]
            }
        };
        checked.facts.extend(node.outputs.iter().cloned().zip(facts));
    }
    checked
}

impl Checked {
    /// What a node gives; the error is why it is not supported, or nothing where an input is missing already.
    fn record(&mut self, node: &Node, rows: Option<[usize; 2]>) -> Result<Vec<Fact>, Option<String>> {
        let problems = operators::problems(node);
        if !problems.is_empty() {
            return Err(Some(problems.join("; ")));
        }
        let record = operators::find(node).ok_or_else(|| Some("unknown".to_owned()))?;
        let recorder = Recorder::limited(Mode::Inference, MOST);
        let mut inputs = Vec::new();
        for name in &node.inputs {
            inputs.push(match self.facts.get(name).filter(|_| !name.is_empty()) {
                Some(Fact::Known(name, constant)) => Some(Value::Known(name.clone(), constant.clone())),
                Some(Fact::Computed(shape, order)) => Some(Value::lying(recorder.input(*shape), order.clone())),
                Some(Fact::Whole(shape, order)) => {
                    Some(Value::Recorded(Recorded { var: recorder.input(*shape), order: order.clone(), whole: true }))
                }
                Some(Fact::Missing) => return Err(None),
                None => None,
            });
        }
        let weights = Weights::Wanted(&mut self.weights);
        let values = record(node, &mut Scope { recorder: &recorder, weights, rows }, &inputs).map_err(Some)?;
        if let Some(error) = recorder.error() {
            return Err(Some(error));
        }
        Ok(values.into_iter().map(Fact::of).collect())
    }
}

impl Fact {
    fn of(value: Value<'_>) -> Fact {
        match value {
            Value::Known(name, constant) => Fact::Known(name, constant),
            Value::Recorded(Recorded { var, order, whole: false }) => Fact::Computed(var.shape(), order),
            Value::Recorded(Recorded { var, order, whole: true }) => Fact::Whole(var.shape(), order),
        }
    }
}
