//! A graph as a file holds it, run on arrays.

use super::check::{Fact, check};
use super::graph::Nodes;
use super::operators;
use super::proto;
use super::record::record;
use super::scope::{Scope, Value, Weights};
use super::tensor::{Tensor, Values};
use crate::files::read_whole;
use crate::tape::{Mode, Params, Recorder};
use crate::{Error, Key, Result, Shape};
use prost::Message;
use std::collections::BTreeMap;
use std::fmt;
use std::path::{Path, PathBuf};

/// What an ONNX file holds: a graph of operators.
///
/// ```no_run
/// use gradus::formats::onnx::{Graph, Tensor};
/// let graph = Graph::load("model.onnx")?;
/// let outputs = graph.run(&[Tensor::from(&*ndarray::arr2(&[[1.0f32, 2.0]]))])?;
/// println!("{:?}", outputs[0].array());
/// # Ok::<(), gradus::Error>(())
/// ```
#[derive(Clone, Debug)]
pub struct Graph {
    /// The file, for errors.
    pub(super) path: PathBuf,
    pub(super) nodes: Nodes,
}

impl Graph {
    /// Reads a file. Whether its operators are supported is seen when it is run or imported.
    ///
    /// # Errors
    /// The file cannot be read, or is not one of ONNX, or its names and arrays do not fit together.
    pub fn load(path: impl AsRef<Path>) -> Result<Graph> {
        let path = path.as_ref();
        Graph::read(path, &read_whole(path)?)
    }

    /// The same for a file's bytes.
    ///
    /// # Errors
    /// As for [`load`](Graph::load).
    pub fn from_bytes(bytes: &[u8]) -> Result<Graph> {
        Graph::read(Path::new("ONNX"), bytes)
    }

    fn read(path: &Path, bytes: &[u8]) -> Result<Graph> {
        let wrong = |problem| Error::Format { path: path.into(), problem };
        let model = proto::Model::decode(bytes).map_err(|error| wrong(format!("it is not an ONNX file: {error}")))?;
        Ok(Graph { path: path.into(), nodes: Nodes::read(model).map_err(wrong)? })
    }

    /// The names of the inputs, in order.
    pub fn inputs(&self) -> Vec<&str> {
        self.nodes.inputs.iter().map(|input| input.name.as_str()).collect()
    }

    /// The names of the outputs, in order.
    pub fn outputs(&self) -> Vec<&str> {
        self.nodes.outputs.iter().map(|output| output.name.as_str()).collect()
    }

    /// The operator of each node, in an order in which they can run.
    pub fn node_operators(&self) -> Vec<String> {
        self.nodes.nodes.iter().map(|node| node.operator.clone()).collect()
    }

    /// The operators that are supported, by ONNX' names.
    pub fn operators() -> Vec<&'static str> {
        operators::names()
    }

    /// The same graph with this value as its only output, and without what that does not need.
    ///
    /// # Errors
    /// Nothing in the graph has the name.
    pub fn output(&self, name: &str) -> Result<Graph> {
        let known = || self.nodes.nodes.iter().flat_map(|node| node.outputs.iter().cloned()).collect::<Vec<_>>();
        if self.nodes.source(name).is_none() {
            return Err(Error::Unknown { kind: "value", name: name.into(), known: known() });
        }
        Ok(Graph { path: self.path.clone(), nodes: self.nodes.needed_for(&[name]) })
    }

    /// Every output for these inputs, in ONNX' own order of axes.
    ///
    /// # Errors
    /// [`Error::Unsupported`] with every node that cannot be run; another number of inputs than the graph has;
    /// [`Error::Fault`] where an operator meets a value with which it cannot compute, such as an index out of range.
    pub fn run(&self, inputs: &[Tensor]) -> Result<Vec<Tensor>> {
        let wanted = &self.nodes.inputs;
        if inputs.len() != wanted.len() {
            let problem = format!("it has {} inputs, found {}", wanted.len(), inputs.len());
            return Err(Error::Format { path: self.path.clone(), problem });
        }
        let unsupported = |parts| Error::Unsupported { path: self.path.clone(), parts };
        let facts = wanted.iter().zip(inputs).map(|(input, tensor)| match given(&input.name, tensor) {
            Ok(fact) => Ok((input.name.clone(), fact)),
            Err(problem) => Err(unsupported(vec![format!("input \"{}\" ({problem})", input.name)])),
        });
        let checked = check(&self.nodes, &facts.collect::<Result<Vec<_>>>()?, None);
        if !checked.unsupported.is_empty() {
            return Err(unsupported(checked.unsupported));
        }
        let mut params = Params::new();
        let recorder = Recorder::new(Mode::Inference);
        let mut weights = BTreeMap::new();
        for weight in checked.weights {
            let id = params.insert(&weight.name, weight.shape, weight.values, weight.trainable)?;
            weights.insert(weight.key, id);
        }
        let weights = weights.into_iter().map(|(key, id)| (key, (recorder.parameter(&params, id), id))).collect();
        let mut values = Vec::new();
        for (input, tensor) in wanted.iter().zip(inputs) {
            values.push((
                input.name.clone(),
                match &tensor.values {
                    Values::Floats(_) => Value::new(recorder.input(Shape::new(&tensor.sizes)?)),
                    Values::Integers(_) => Value::folded(&input.name, tensor.clone(), false),
                },
            ));
        }
        let ids: Vec<_> = values.iter().map(|(_, value)| var_id(value)).collect();
        let mut scope = Scope { recorder: &recorder, weights: Weights::Given(&weights), rows: None };
        let outputs = record(&self.nodes, &mut scope, values);
        let mut found = Vec::new();
        for output in &outputs {
            found.push(match output {
                Value::Known(_, constant) => Err((*constant.tensor).clone()),
                Value::Recorded(recorded) => {
                    let plain: Vec<usize> = (0..recorded.order.len()).collect();
                    Ok(scope.numbers(output, &plain).map_err(Error::other)?.id())
                }
            });
        }
        drop(outputs);
        drop(weights);
        let mut tape = recorder.finish()?;
        for (id, tensor) in ids.into_iter().zip(inputs) {
            if let (Some(id), Ok(values)) = (id, tensor.as_floats()) {
                let [input] = tape.input_slices([id]);
                input.copy_from_slice(values);
            }
        }
        tape.run(&params, Key::from_seed(0))?;
        let read = |id| {
            let view = tape.view(id);
            Tensor::floats(view.shape().sizes().to_vec(), view.data().to_vec())
        };
        Ok(found.into_iter().map(|output| output.map_or_else(|known| known, read)).collect())
    }
}

impl fmt::Display for Graph {
    /// The inputs, a line for each node, the outputs.
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        writeln!(f, "  inputs: {}", self.inputs().join(", "))?;
        for node in &self.nodes.nodes {
            writeln!(f, "  {node}: {} → {}", node.inputs.join(", "), node.outputs.join(", "))?;
        }
        write!(f, "  outputs: {}", self.outputs().join(", "))
    }
}

/// What is known of an input that is given.
fn given(name: &str, tensor: &Tensor) -> Result<Fact, String> {
    match Value::folded(name, tensor.clone(), false) {
        Value::Known(name, constant) if matches!(tensor.values, Values::Integers(_)) => Ok(Fact::Known(name, constant)),
        _ => {
            let shape = Shape::new(&tensor.sizes).map_err(|error| error.to_string())?;
            if shape.is_empty() {
                return Err("it has no elements".into());
            }
            Ok(Fact::Computed(shape, (0..shape.rank()).collect()))
        }
    }
}

fn var_id(value: &Value<'_>) -> Option<crate::tape::ValueId> {
    match value {
        Value::Recorded(recorded) => Some(recorded.var.id()),
        Value::Known(..) => None,
    }
}
