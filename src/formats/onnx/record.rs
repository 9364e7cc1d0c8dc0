//! Recording of a graph on the tape, after its weights were declared.

use super::graph::Nodes;
use super::operators;
use super::scope::{Scope, Value};
use crate::Error;
use std::collections::BTreeMap;

/// Records every node and returns the values of the outputs. An error is stored in the recorder.
pub(super) fn record<'r>(nodes: &Nodes, scope: &mut Scope<'_, 'r>, inputs: Vec<(String, Value<'r>)>) -> Vec<Value<'r>> {
    let mut values: BTreeMap<String, Value<'r>> = inputs.into_iter().collect();
    for (name, constant) in &nodes.constants {
        values.insert(name.clone(), Value::Constant(name.clone(), constant.clone()));
    }
    for node in &nodes.nodes {
        let inputs: Vec<Option<Value<'r>>> = node.inputs.iter().map(|name| values.get(name).cloned()).collect();
        let operator = operators::find(node).ok_or_else(|| "unknown operator".to_owned());
        let given = operator.and_then(|record| record(node, scope, &inputs));
        match given {
            Ok(given) => values.extend(node.outputs.iter().cloned().zip(given)),
            Err(problem) => {
                scope.recorder.fail(Error::other(format!("{node}: {problem}")));
                return Vec::new();
            }
        }
    }
    nodes.outputs.iter().filter_map(|output| values.get(&output.name).cloned()).collect()
}
