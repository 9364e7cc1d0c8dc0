//! Predictions of ONNX files: of the imported model, or of the graph itself if it cannot be imported.

use super::command_line::Options;
use super::input::{floats, only};
use super::prediction::{Prediction, Predictions, predict};
use super::reading::Reading;
use super::source::{ending, onnx_graph, wrong};
use crate::error::{Error, Result};
use crate::formats::npy::{self, NumpyArray};
use crate::formats::onnx::{Graph, Tensor};
use crate::formats::{MemoryLimit, npz};
use crate::model::Model;
use ndarray::Axis;
use std::collections::BTreeMap;
use std::path::{Path, PathBuf};

/// An ONNX file.
pub(super) struct OnnxFile {
    path: PathBuf,
    graph: Graph,
    /// The imported model, or the reason why the graph cannot be imported.
    model: Result<Model>,
    /// The limit for files of arrays.
    memory: MemoryLimit,
}

impl OnnxFile {
    pub(super) fn read(path: &Path, options: &Options) -> Result<OnnxFile> {
        let graph = onnx_graph(path, options)?;
        let model = imported(&graph);
        Ok(OnnxFile { path: path.into(), graph, model, memory: options.reading.memory })
    }

    pub(super) fn predict(&self, file: &Path, options: &Options) -> Result<Predictions> {
        let is_array = ["npy", "npz"].contains(&ending(file));
        let bound = match &self.model {
            Err(_) if is_array && self.has_open_sizes() => Some(self.bound(file)?),
            _ => None,
        };
        let graph = bound.as_ref().unwrap_or(&self.graph);
        let bound_model = bound.as_ref().map(imported);
        match bound_model.as_ref().unwrap_or(&self.model) {
            Ok(model) => {
                let mut predictions = predict(model, file, options)?;
                if options.out.as_deref().is_some_and(|out| ending(out) == "npz") && is_array {
                    self.add_outputs(graph, file, options.reading, &mut predictions);
                }
                Ok(predictions)
            }
            Err(problem) if is_array => match self.run(graph, file, options.reading) {
                // The graph cannot run operators that cannot be imported.
                Err(Error::Unsupported { .. }) if matches!(problem, Error::Unsupported { .. }) => {
                    Err(copy(&self.path, problem))
                }
                ran => ran,
            },
            Err(problem) => Err(copy(&self.path, problem)),
        }
    }

    /// Adds the outputs that the imported model does not have, such as integers, if the graph computes them.
    fn add_outputs(&self, graph: &Graph, file: &Path, reading: Reading, predictions: &mut Predictions) {
        let has = |outputs: &[Prediction], name: &str| outputs.iter().any(|output| output.name == name);
        if graph.outputs().iter().all(|name| has(&predictions.outputs, name)) {
            return;
        }
        if let Ok(ran) = self.run(graph, file, reading) {
            let missing = ran.outputs.into_iter().filter(|output| !has(&predictions.outputs, &output.name));
            let missing: Vec<_> = missing.collect();
            predictions.outputs.extend(missing);
        }
    }

    fn has_open_sizes(&self) -> bool {
        self.graph.inputs().iter().any(|input| is_open(self.graph.input_sizes(input)))
    }

    /// The graph with the sizes of the arrays of a file.
    fn bound(&self, file: &Path) -> Result<Graph> {
        let mut graph = self.graph.clone();
        for (input, array) in self.arrays(file)? {
            if !is_open(self.graph.input_sizes(&input)) {
                continue;
            }
            let shape = array.shape();
            let sample = match self.graph.input_sizes(&input) {
                // One sample without an axis of rows.
                Some(sizes) if sizes.len() == shape.len() + 1 => shape,
                _ => shape.get(1..).unwrap_or_default(),
            };
            graph = graph.with_shape(&input, sample)?;
        }
        Ok(graph)
    }

    /// The array of each input.
    fn arrays(&self, file: &Path) -> Result<Vec<(String, NumpyArray)>> {
        let inputs = self.graph.inputs();
        let mut arrays: BTreeMap<String, NumpyArray> = match (ending(file), &inputs[..]) {
            ("npz", [input]) => {
                let array = only(file, npz::read_with(file, self.memory)?.arrays.into_iter().collect(), input)?;
                [((*input).to_owned(), array)].into()
            }
            ("npz", _) => npz::read_with(file, self.memory)?.arrays.into_iter().collect(),
            (_, [input]) => [((*input).to_owned(), npy::read_with(file, self.memory)?)].into(),
            _ => BTreeMap::new(),
        };
        let found = arrays.keys().cloned().collect::<Vec<_>>().join(", ");
        let array = |input: &&str| match arrays.remove(*input) {
            Some(array) => Ok(((*input).to_owned(), array)),
            None => {
                let found = if found.is_empty() { "one array".to_owned() } else { format!("the arrays {found}") };
                let names = inputs.join(", ");
                Err(wrong(file, format!("it has {found}, expected an .npz with {names}, the inputs of the model")))
            }
        };
        inputs.iter().map(array).collect()
    }

    /// Runs the graph on the arrays of a file, which have the axis order of the graph.
    fn run(&self, graph: &Graph, file: &Path, reading: Reading) -> Result<Predictions> {
        let (mut tensors, mut rows) = (Vec::new(), 0);
        for (input, array) in self.arrays(file)? {
            let tensor = match array {
                NumpyArray::Integers(array) if graph.takes_integers(&input) => {
                    Tensor::from_integers(&*with_rows(array, graph.input_sizes(&input)))
                }
                array if graph.takes_integers(&input) => {
                    let array = floats(array, reading).mapv(|number| number as i64);
                    Tensor::from_integers(&*with_rows(array, graph.input_sizes(&input)))
                }
                array => Tensor::from(&*with_rows(floats(array, reading), graph.input_sizes(&input))),
            };
            rows = tensor.sizes().first().copied().unwrap_or(1).max(rows);
            tensors.push(tensor);
        }
        let values = graph.run(&tensors)?;
        let output = |(name, tensor): (&str, Tensor)| {
            let integers = || tensor.integer_array().map(|array| array.mapv(|number| number as f32));
            let values = rows_of(tensor.array().or_else(integers).unwrap_or_default());
            Prediction { name: name.to_owned(), values, classes: None }
        };
        Ok(Predictions { rows, outputs: graph.outputs().into_iter().zip(values).map(output).collect() })
    }
}

/// Whether an input has a size that is not known, besides the number of rows.
fn is_open(sizes: Option<&[Option<usize>]>) -> bool {
    sizes.is_none_or(|sizes| sizes.iter().skip(1).any(Option::is_none))
}

/// Makes a number, such as an output from which a graph removes all axes of size 1, the only row of an array.
fn rows_of(values: ndarray::ArrayD<f32>) -> ndarray::ArrayD<f32> {
    if values.ndim() == 0 { values.insert_axis(Axis(0)) } else { values }
}

/// Adds an axis of rows to a single sample.
fn with_rows<T>(array: ndarray::ArrayD<T>, sizes: Option<&[Option<usize>]>) -> ndarray::ArrayD<T> {
    match sizes.is_some_and(|sizes| sizes.len() == array.ndim() + 1) {
        true => array.insert_axis(Axis(0)),
        false => array,
    }
}

fn imported(graph: &Graph) -> Result<Model> {
    graph.import()?.architecture()?.into_model()
}

/// Copies the stored error of an import.
fn copy(path: &Path, problem: &Error) -> Error {
    match problem {
        Error::Format { path, problem } => Error::Format { path: path.clone(), problem: problem.clone() },
        Error::Unsupported { path, parts } => Error::Unsupported { path: path.clone(), parts: parts.clone() },
        other => wrong(path, other.to_string()),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_number_is_one_row() {
        assert_eq!(rows_of(ndarray::arr0(2.0).into_dyn()).shape(), [1]);
        assert_eq!(rows_of(ndarray::arr2(&[[1.0, 2.0]]).into_dyn()).shape(), [1, 2]);
    }
}
