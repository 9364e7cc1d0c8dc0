//! Inference with the graph of an ONNX file.

use super::check::{Fact, check};
use super::constant::Constant;
use super::external;
use super::graph::Nodes;
use super::memory;
use super::operators;
use super::proto;
use super::record::record;
use super::scope::{Scope, Value, Weights};
use super::size_limit::{FileMemory, Limits};
use super::tensor::{Tensor, Values};
use crate::files::read_whole;
use crate::formats::budget::MemoryLimit;
use crate::save::format_problem;
use crate::tape::{Mode, Params, Recorder};
use crate::{Error, Key, Result, Shape};
use prost::Message;
use std::collections::BTreeMap;
use std::fmt;
use std::path::{Path, PathBuf};

/// The graph of operators in an ONNX file, which can be run or imported.
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
    /// The path of the file, for error messages.
    pub(super) path: PathBuf,
    pub(super) nodes: Nodes,
}

impl Graph {
    /// Loads a file, and the files beside it that contain its weights. Its operators are checked when the graph is run or imported.
    ///
    /// # Errors
    /// Returns an error if the file cannot be read, is not an ONNX file, or has inconsistent names or arrays.
    pub fn load(path: impl AsRef<Path>) -> Result<Graph> {
        Graph::load_with(path, MemoryLimit::default())
    }

    /// Loads a file with a memory limit, which also applies when the graph is run or imported.
    ///
    /// # Errors
    /// The errors of [`load`](Graph::load), or an error if the contents need more memory.
    pub fn load_with(path: impl AsRef<Path>, limit: MemoryLimit) -> Result<Graph> {
        let path = path.as_ref();
        Graph::read(path, &read_whole(path)?, limit, path.parent())
    }

    /// Decodes the bytes of a file.
    ///
    /// # Errors
    /// Returns an error if `bytes` are not an ONNX file or have inconsistent names or arrays.
    pub fn from_bytes(bytes: &[u8]) -> Result<Graph> {
        Graph::read(Path::new("ONNX"), bytes, MemoryLimit::default(), None)
    }

    /// Decodes a file. Weights in other files are read from its folder.
    fn read(path: &Path, bytes: &[u8], limit: MemoryLimit, folder: Option<&Path>) -> Result<Graph> {
        let wrong = |problem| Error::Format { path: path.into(), problem };
        let not_onnx =
            |error| wrong(format_problem(path, bytes, &[".onnx"], format!("it is not an ONNX file: {error}")));
        let mut memory = FileMemory { limit, length: bytes.len(), contents: memory::of_model(bytes), given: 0 };
        limit.budget(bytes.len()).spend(memory.contents).map_err(wrong)?;
        let mut model = proto::Model::decode(bytes).map_err(not_onnx)?;
        if let Some(folder) = folder {
            external::read(&mut model, folder, &mut memory).map_err(wrong)?;
        }
        let nodes = Nodes::read(model, memory).map_err(wrong)?;
        Ok(Graph { path: path.into(), nodes })
    }

    /// The names of the inputs, in order.
    pub fn inputs(&self) -> Vec<&str> {
        self.nodes.inputs.iter().map(|input| input.name.as_str()).collect()
    }

    /// The names of the outputs, in order.
    pub fn outputs(&self) -> Vec<&str> {
        self.nodes.outputs.iter().map(|output| output.name.as_str()).collect()
    }

    /// The operator of each node, in topological order.
    pub fn node_operators(&self) -> Vec<String> {
        self.nodes.nodes.iter().map(|node| node.operator.clone()).collect()
    }

    /// The names of all supported operators.
    pub fn operators() -> Vec<&'static str> {
        operators::names()
    }

    /// Returns the subgraph that computes the value `name`, which becomes its only output.
    ///
    /// # Errors
    /// [`Error::Unknown`] if no node has an output of this name.
    pub fn output(&self, name: &str) -> Result<Graph> {
        let known = || self.nodes.nodes.iter().flat_map(|node| node.outputs.iter().cloned()).collect::<Vec<_>>();
        if self.nodes.source(name).is_none() {
            return Err(Error::Unknown { kind: "value", name: name.into(), known: known() });
        }
        Ok(Graph { path: self.path.clone(), nodes: self.nodes.needed_for(&[name]) })
    }

    /// Computes all outputs for the given inputs. Inputs and outputs have the axis order of the file.
    ///
    /// # Errors
    /// [`Error::Unsupported`] with every unsupported node, [`Error::Format`] if the number of inputs differs,
    /// [`Error::Fault`] if an operator encounters an invalid value, such as an index out of range.
    pub fn run(&self, inputs: &[Tensor]) -> Result<Vec<Tensor>> {
        let expected = &self.nodes.inputs;
        if inputs.len() != expected.len() {
            let problem = format!("the number of inputs is {}, expected {}", inputs.len(), expected.len());
            return Err(Error::Format { path: self.path.clone(), problem });
        }
        let unsupported = |parts| Error::Unsupported { path: self.path.clone(), parts };
        let facts = expected.iter().zip(inputs).map(|(input, tensor)| match input_fact(&input.name, tensor) {
            Ok(fact) => Ok((input.name.clone(), fact)),
            Err(problem) => Err(unsupported(vec![format!("input \"{}\" ({problem})", input.name)])),
        });
        let rows = inputs.iter().filter_map(|tensor| tensor.sizes.first().copied()).max().unwrap_or(1);
        let elements: usize = inputs.iter().map(Tensor::len).sum();
        let budget = self.nodes.memory.budget_of_caller(elements.div_ceil(rows.max(1)));
        let facts = facts.collect::<Result<Vec<_>>>()?;
        let checked = check(&self.nodes, &facts, None, Limits::new(&budget, rows));
        if !checked.unsupported.is_empty() {
            return Err(unsupported(checked.unsupported));
        }
        let nodes = checked.inlined.as_ref().unwrap_or(&self.nodes);
        let mut params = Params::new();
        let recorder = Recorder::new(Mode::Inference);
        let mut weights = BTreeMap::new();
        for weight in checked.weights {
            let id = params.insert(&weight.name, weight.shape, weight.values, weight.trainable)?;
            weights.insert(weight.key, id);
        }
        let weights = weights.into_iter().map(|(key, id)| (key, (recorder.parameter(&params, id), id))).collect();
        let mut values = Vec::new();
        for (input, tensor) in expected.iter().zip(inputs) {
            values.push((
                input.name.clone(),
                match &tensor.values {
                    Values::Floats(_) | Values::Weight => Value::new(recorder.input(Shape::new(&tensor.sizes)?)),
                    Values::Integers(_) => Value::computed(tensor.clone()),
                },
            ));
        }
        let ids: Vec<_> = values.iter().map(|(_, value)| var_id(value)).collect();
        let (declared, limits) = (Weights::Declared(&weights), Limits::NONE);
        let mut scope = Scope { recorder: &recorder, weights: declared, rows: None, limits };
        let outputs = record(nodes, &mut scope, values);
        let mut found = Vec::new();
        for output in &outputs {
            found.push(match output {
                Value::Constant(_, constant) => Err((*constant.tensor).clone()),
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
    /// Writes the inputs, one line per node, and the outputs.
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let input = |input: &super::graph::Input| format!("{} ({input})", input.name);
        writeln!(f, "  inputs: {}", self.nodes.inputs.iter().map(input).collect::<Vec<_>>().join(", "))?;
        for node in &self.nodes.nodes {
            writeln!(f, "  {node}: {} → {}", node.inputs.join(", "), node.outputs.join(", "))?;
        }
        write!(f, "  outputs: {}", self.outputs().join(", "))
    }
}

/// The static information about an input tensor.
fn input_fact(name: &str, tensor: &Tensor) -> Result<Fact, String> {
    match tensor.values {
        Values::Integers(_) => Ok(Fact::Constant(name.into(), Constant::computed(tensor.clone()))),
        Values::Floats(_) | Values::Weight => {
            let shape = Shape::new(&tensor.sizes).map_err(|error| error.to_string())?;
            if shape.is_empty() {
                return Err("it has no elements".into());
            }
            Ok(Fact::Floats(shape, (0..shape.rank()).collect()))
        }
    }
}

fn var_id(value: &Value<'_>) -> Option<crate::tape::ValueId> {
    match value {
        Value::Recorded(recorded) => Some(recorded.var.id()),
        Value::Constant(..) => None,
    }
}
