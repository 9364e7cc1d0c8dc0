//! Predictions of all outputs of a model for a file of samples.

use super::command_line::Options;
use super::ending::Ending;
use super::input::named_samples;
use super::source::Source;
#[cfg(feature = "onnx")]
use super::source::ending;
use crate::architecture::ValueInfo;
use crate::data::NamedArrays;
use crate::error::Result;
use crate::model::Model;
use crate::output_scale::OutputScale;
use ndarray::{ArrayD, Axis};
use std::path::Path;

/// A source of predictions.
pub(super) enum Predictor {
    Model(Box<Model>),
    #[cfg(feature = "onnx")]
    Onnx(Box<onnx::OnnxFile>),
}

/// The predictions for a file.
pub(super) struct Predictions {
    /// The number of samples.
    pub(super) rows: usize,
    pub(super) outputs: Vec<Prediction>,
}

/// The values of an output.
pub(super) struct Prediction {
    pub(super) name: String,
    pub(super) values: ArrayD<f32>,
    /// The scale of outputs that are classes.
    pub(super) classes: Option<OutputScale>,
}

impl Predictor {
    pub(super) fn read(path: &Path, options: &Options) -> Result<Predictor> {
        #[cfg(feature = "onnx")]
        if ending(path) == "onnx" {
            return Ok(Predictor::Onnx(Box::new(onnx::OnnxFile::read(path, &options.shapes)?)));
        }
        Ok(Predictor::Model(Box::new(Source::model(path, options)?)))
    }

    pub(super) fn predict(&self, file: &Path, options: &Options) -> Result<Predictions> {
        match self {
            Predictor::Model(model) => predict(model, file, options),
            #[cfg(feature = "onnx")]
            Predictor::Onnx(graph) => graph.predict(file, options),
        }
    }
}

/// Predicts every output of a model.
fn predict(model: &Model, file: &Path, options: &Options) -> Result<Predictions> {
    let (inputs, outputs) = (model.inputs(), model.outputs());
    let samples = named_samples(file, &inputs, options.reading)?;
    let rows = samples.first().map_or(0, |(_, array)| array.len_of(Axis(0)));
    let mut predicted = match (&samples[..], &outputs[..]) {
        ([(_, samples)], [output]) => [(output.name().to_owned(), model.predict(samples)?)].into(),
        _ => {
            let mut arrays = NamedArrays::new();
            for (name, array) in &samples {
                arrays = arrays.with_input(name, array)?;
            }
            model.predict_dataset(&arrays)?
        }
    };
    let mut found = Vec::new();
    for (number, output) in outputs.iter().enumerate() {
        let Some(values) = predicted.remove(output.name()) else { continue };
        let values = options.reading.layout.order(output).to_file(values)?;
        let classes = if number == 0 { classes(model, output)? } else { None };
        found.push(Prediction { name: output.name().to_owned(), values, classes });
    }
    Ok(Predictions { rows, outputs: found })
}

/// The scale of outputs that are classes, or `None` for outputs with several axes and for a single number that is not a
/// class probability.
fn classes(model: &Model, output: &ValueInfo) -> Result<Option<OutputScale>> {
    let scale = model.loss().map_or(OutputScale::Plain, |loss| loss.output_scale());
    Ok(match output.shape().sizes() {
        [1] if scale == OutputScale::Plain && Ending::of(model)? != Ending::Sigmoid => None,
        [_] => Some(scale),
        _ => None,
    })
}

#[cfg(feature = "onnx")]
mod onnx {
    //! Predictions of ONNX files: of the imported model, or of the graph itself if it cannot be imported.

    use super::super::command_line::{Options, SampleShape};
    use super::super::input::{floats, only};
    use super::super::reading::Reading;
    use super::super::source::{ending, onnx_graph, wrong};
    use super::{Prediction, Predictions, predict};
    use crate::error::{Error, Result};
    use crate::formats::npy::{self, NumpyArray};
    use crate::formats::npz;
    use crate::formats::onnx::{Graph, Tensor};
    use crate::model::Model;
    use ndarray::Axis;
    use std::collections::BTreeMap;
    use std::path::{Path, PathBuf};

    /// An ONNX file.
    pub(in crate::cli) struct OnnxFile {
        path: PathBuf,
        graph: Graph,
        /// The imported model, or the reason why the graph cannot be imported.
        model: Result<Model>,
    }

    impl OnnxFile {
        pub(super) fn read(path: &Path, shapes: &[SampleShape]) -> Result<OnnxFile> {
            let graph = onnx_graph(path, shapes)?;
            let model = imported(&graph);
            Ok(OnnxFile { path: path.into(), graph, model })
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
                    // The graph runs no more operators than can be imported.
                    Err(Error::Unsupported { .. }) => Err(copy(&self.path, problem)),
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
            let open = |input: &&str| match self.graph.input_sizes(input) {
                Some(sizes) => sizes.iter().skip(1).any(Option::is_none),
                None => true,
            };
            self.graph.inputs().iter().any(open)
        }

        /// The graph with the sizes of the arrays of a file.
        fn bound(&self, file: &Path) -> Result<Graph> {
            let mut graph = self.graph.clone();
            for (input, array) in self.arrays(file)? {
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
                    let array = only(file, npz::read(file)?.into_iter().collect(), input)?;
                    [((*input).to_owned(), array)].into()
                }
                ("npz", _) => npz::read(file)?,
                (_, [input]) => [((*input).to_owned(), npy::read(file)?)].into(),
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
                        let array = array.into_floats().mapv(|number| number as i64);
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
                let values = tensor.array().or_else(integers).unwrap_or_default();
                Prediction { name: name.to_owned(), values, classes: None }
            };
            Ok(Predictions { rows, outputs: graph.outputs().into_iter().zip(values).map(output).collect() })
        }
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

    /// The error of an import, which is stored.
    fn copy(path: &Path, problem: &Error) -> Error {
        match problem {
            Error::Format { path, problem } => Error::Format { path: path.clone(), problem: problem.clone() },
            Error::Unsupported { path, parts } => Error::Unsupported { path: path.clone(), parts: parts.clone() },
            other => wrong(path, other.to_string()),
        }
    }
}
