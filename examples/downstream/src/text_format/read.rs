//! Reading a network from text.

use super::lines::Line;
use super::parse::parse;
use super::{Problem, TextError};
use gradus::architecture::{GraphLayer, Node};
use gradus::save::Registry;
use gradus::tape::Params;
use gradus::{Architecture, Graph};
use std::collections::BTreeMap;

/// Returns the network that a text describes, with the custom layers of a registry.
///
/// # Errors
/// [`TextError::Lines`] with every malformed line. If no line is malformed, with every line whose layer is unknown or
/// that refers to undefined layers and values. [`TextError::Network`] if layers do not fit together, or with all arrays
/// that are missing, unused or of another shape.
pub fn from_text(text: &str, registry: &Registry) -> Result<Architecture, TextError> {
    let (mut lines, mut problems) = (Vec::new(), Vec::new());
    let texts = text.lines().enumerate().filter(|(_, line)| !line.trim().is_empty());
    for (at, line) in texts {
        match parse(line).and_then(|spec| Line::new(&spec).map_err(Problem::Part)) {
            Ok(line) => lines.push((at + 1, line)),
            Err(problem) => problems.push((at + 1, problem)),
        }
    }
    if problems.is_empty() && !matches!(lines.first(), Some((_, Line::Network))) {
        problems.push((1, Problem::Undefined { found: "the version".into() }));
    }
    let mut network = Network::default();
    if problems.is_empty() {
        for (number, line) in lines {
            network.add(line, registry, &mut |problem| problems.push((number, problem)));
        }
    }
    match problems.is_empty() {
        true => network.graph.with_params(&network.params).map_err(TextError::Network),
        false => Err(TextError::Lines(problems)),
    }
}

/// The network of the lines so far. A layer or a value of a line with an error is `None`, so that lines that refer to
/// it are not reported too.
#[derive(Default)]
struct Network {
    graph: Graph,
    params: Params,
    layers: BTreeMap<String, Option<GraphLayer>>,
    values: BTreeMap<usize, Option<Node>>,
}

impl Network {
    fn add(&mut self, line: Line, registry: &Registry, report: &mut dyn FnMut(Problem)) {
        match line {
            Line::Network => {}
            Line::Input { value, info } => {
                let node = self.graph.input_value(info);
                self.define(value, Some(node), report);
            }
            Line::Layer { name, part } => {
                let layer = registry.make_layer(&part).map_err(Problem::Part).map_err(&mut *report).ok();
                let layer = layer.map(|layer| self.graph.layer(&name, layer));
                let found = format!("layer \"{name}\"");
                if self.layers.insert(name, layer).is_some() {
                    report(Problem::Repeated { found });
                }
            }
            Line::Array { name, shape, elements } => {
                // `with_params` determines from the layers whether arrays are trainable.
                let added = self.params.insert(&name, shape, elements, true);
                added.map(drop).unwrap_or_else(|error| report(Problem::Part(error)));
            }
            Line::Call { layer, inputs, outputs } => {
                let known = self.layers.get(&layer).copied();
                if known.is_none() {
                    report(Problem::Undefined { found: format!("layer \"{layer}\"") });
                }
                let inputs: Vec<_> = inputs.into_iter().map(|value| self.value(value, report)).collect();
                let nodes = match (known.flatten(), inputs.into_iter().collect::<Option<Vec<Node>>>()) {
                    (Some(layer), Some(inputs)) => Some(self.graph.apply_many(layer, inputs, outputs.len())),
                    _ => None,
                };
                for (at, value) in outputs.into_iter().enumerate() {
                    self.define(value, nodes.as_ref().map(|nodes| nodes[at]), report);
                }
            }
            Line::Output { name, value, axes } => {
                if let Some(node) = self.value(value, report) {
                    self.graph.output_in_order(name, node, axes);
                }
            }
        }
    }

    fn define(&mut self, value: usize, node: Option<Node>, report: &mut dyn FnMut(Problem)) {
        if self.values.insert(value, node).is_some() {
            report(Problem::Repeated { found: format!("value {value}") });
        }
    }

    fn value(&self, value: usize, report: &mut dyn FnMut(Problem)) -> Option<Node> {
        let known = self.values.get(&value).copied();
        if known.is_none() {
            report(Problem::Undefined { found: format!("value {value}") });
        }
        known.flatten()
    }
}
