//! Static check of a graph without computation: finds the weights with their axis orders, and the unsupported nodes.

use super::branch::branch;
use super::constant::Constant;
use super::graph::Nodes;
use super::node::Node;
use super::operators;
use super::order;
use super::scope::{Recorded, Scope, Value, Weight, WeightKey, Weights};
use super::size_limit::Limits;
use crate::Shape;
use crate::tape::Mode;
use std::collections::BTreeMap;
use std::sync::Arc;

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
    /// The graph with the selected branch in place of each node `If`; `None` if it has no such nodes.
    pub(super) inlined: Option<Nodes>,
    /// The unsupported nodes with the reasons.
    pub(super) unsupported: Vec<String>,
}

/// Checks a graph. `inputs` describe its inputs; `rows` is the fixed number of rows in the file and the actual one.
pub(super) fn check(nodes: &Nodes, inputs: &[(String, Fact)], rows: Option<[usize; 2]>, limits: Limits<'_>) -> Checked {
    let mut checked = Checked { rows, ..Checked::default() };
    checked.facts.extend(inputs.iter().cloned());
    checked.add_constants(nodes);
    let mut flat = Vec::new();
    let mut rest: Vec<Node> = nodes.nodes.iter().rev().cloned().collect();
    while let Some(node) = rest.pop() {
        if operators::is_conditional(&node) {
            match checked.branch(&node) {
                Ok(branch) => {
                    rest.extend(branch.nodes.iter().rev().cloned());
                    checked.add_constants(&branch);
                    let inlined = checked.inlined.get_or_insert_with(|| Nodes { nodes: Vec::new(), ..nodes.clone() });
                    inlined.constants.extend(branch.constants);
                    inlined.unreadable.extend(branch.unreadable);
                }
                Err(problem) => checked.fail(&node, problem),
            }
            continue;
        }
        match checked.record(&node, rows, limits) {
            Ok(facts) => checked.facts.extend(node.outputs.iter().cloned().zip(facts)),
            Err(problem) => checked.fail(&node, problem),
        }
        flat.push(node);
    }
    if let Some(inlined) = &mut checked.inlined {
        inlined.nodes = flat;
    }
    checked
}

impl Checked {
    fn add_constants(&mut self, nodes: &Nodes) {
        for (name, constant) in &nodes.constants {
            self.facts.insert(name.clone(), Fact::Constant(name.clone(), constant.clone()));
        }
        for (name, problem) in &nodes.unreadable {
            self.facts.insert(name.clone(), Fact::Unreadable(problem.clone()));
        }
    }

    /// Marks the outputs of a node as unsupported. A node that reads an unsupported value has no problem, and is not reported.
    fn fail(&mut self, node: &Node, problem: Option<String>) {
        self.unsupported.extend(problem.map(|problem| format!("{node} ({problem})")));
        self.facts.extend(node.outputs.iter().map(|output| (output.clone(), Fact::Unsupported)));
    }

    /// The branch that a node `If` selects. The error is the reason why it is not supported, or `None` if its condition is not
    /// supported.
    fn branch(&self, node: &Node) -> Result<Nodes, Option<String>> {
        match node.inputs.first().and_then(|name| self.facts.get(name)) {
            Some(Fact::Constant(_, constant)) => match constant.tensor.as_integers() {
                Ok([condition]) => branch(node, *condition != 0).map_err(Some),
                _ => Err(Some("its condition must be a single boolean".into())),
            },
            Some(Fact::Unsupported) => Err(None),
            Some(Fact::Unreadable(problem)) => Err(Some(format!("its condition: {problem}"))),
            Some(Fact::Floats(..) | Fact::Integers(..)) => Err(Some(
                "its condition depends on the inputs; only conditions that follow from shapes are supported".into(),
            )),
            None => Err(Some("its condition is missing".into())),
        }
    }

    /// The weights that a node reads.
    pub(super) fn weights_of(&mut self, node: &Node) -> Vec<WeightKey> {
        let all = std::mem::take(&mut self.weights);
        // The graph was checked, so there is no error.
        let _ = self.record(node, self.rows, Limits::NONE);
        std::mem::replace(&mut self.weights, all).into_iter().map(|weight| weight.key).collect()
    }

    /// Determines the outputs of a node. The error is the reason why it is not supported, or `None` if an input is not
    /// supported.
    fn record(
        &mut self,
        node: &Node,
        rows: Option<[usize; 2]>,
        limits: Limits<'_>,
    ) -> Result<Vec<Fact>, Option<String>> {
        let problems = operators::problems(node);
        if !problems.is_empty() {
            return Err(Some(problems.join("; ")));
        }
        let record = operators::find(node).ok_or_else(|| Some("unknown operator".to_owned()))?;
        let recorder = limits.recorder(Mode::Inference);
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
        let given = recorder.elements();
        let weights = Weights::Collected(&mut self.weights);
        let values = record(node, &mut Scope { recorder: &recorder, weights, rows, limits }, &inputs).map_err(Some)?;
        if let Some(error) = recorder.error() {
            return Err(Some(error));
        }
        limits.spend(recorder.elements().saturating_sub(given)).map_err(Some)?;
        for value in &values {
            // Other constants are shared with an input.
            if let Value::Constant(_, constant) = value
                && Arc::strong_count(&constant.tensor) == 1
            {
                limits.spend_constant(&constant.tensor).map_err(Some)?;
            }
        }
        Ok(values.into_iter().map(Fact::of).collect())
    }
}

impl Fact {
    /// Whether the value depends on the inputs.
    pub(super) fn is_computed(&self) -> bool {
        matches!(self, Fact::Floats(..) | Fact::Integers(..))
    }

    /// The sizes in the axis order of ONNX, if the value is known.
    pub(super) fn sizes(&self) -> Option<Vec<usize>> {
        match self {
            Fact::Constant(_, constant) => Some(constant.tensor.sizes.clone()),
            Fact::Floats(shape, order) | Fact::Integers(shape, order) => {
                Some(order::inverse(order).into_iter().map(|place| shape.axis(place)).collect())
            }
            Fact::Unreadable(_) | Fact::Unsupported => None,
        }
    }

    /// The shape and the storage order of a computed value after its rows, axis 0 in ONNX, are moved to the front.
    pub(super) fn rows_first(&self) -> Option<(Shape, Vec<usize>)> {
        let (Fact::Floats(shape, order) | Fact::Integers(shape, order)) = self else { return None };
        let first = order::rows_first(order);
        let size = |axis: &usize| order.iter().position(|stored| stored == axis).map(|place| shape.axis(place));
        let sizes = first.iter().map(size).collect::<Option<Vec<_>>>()?;
        Some((Shape::new(&sizes).ok()?, first))
    }

    fn of(value: Value<'_>) -> Fact {
        match value {
            Value::Constant(name, constant) => Fact::Constant(name, constant),
            Value::Recorded(Recorded { var, order, integer: false }) => Fact::Floats(var.shape(), order),
            Value::Recorded(Recorded { var, order, integer: true }) => Fact::Integers(var.shape(), order),
        }
    }
}
