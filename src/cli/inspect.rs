//! `gradus inspect`: shows the contents of a file.

use super::command_line::{CommandResult, Options};
#[cfg(feature = "onnx")]
use super::source::onnx_graph;
use super::source::{Source, ending};
#[cfg(feature = "onnx")]
use crate::error::Result;
use crate::formats::npy::{self, NumpyArray};
use crate::formats::npz;
use crate::model::Model;
use crate::tape::Params;
use std::fmt::Write;
use std::path::Path;

pub(super) fn inspect(path: &Path, options: &Options) -> CommandResult {
    let limit = options.reading.memory;
    if let Some(network) = &options.model {
        let heading = format!("{} with the arrays of {}", network.display(), path.display());
        return Ok(self::network(&heading, &Source::model(path, options)?));
    }
    match ending(path) {
        "npy" => Ok(numpy(vec![("".into(), npy::read_with(path, limit)?)])),
        "npz" => {
            let npz = npz::read_with(path, limit)?;
            Ok(numpy(npz.arrays.into_iter().collect()) + &skipped(npz.skipped))
        }
        #[cfg(feature = "onnx")]
        "onnx" => Ok(graph(path, options)?),
        _ => Ok(source(Source::read(path, options)?)),
    }
}

fn source(source: Source) -> String {
    match source {
        Source::Model(loaded) => {
            let training = match (loaded.model.optimizer(), &loaded.problem) {
                (Some(optimizer), _) => {
                    let trained = match loaded.model.step() {
                        0 => "not trained yet".to_owned(),
                        steps => format!("trained for epochs: {}, steps: {steps}", loaded.model.epoch()),
                    };
                    format!("{trained}\noptimizer: {}", optimizer.spec())
                }
                (None, Some(problem)) => format!("training settings not supported\n{problem}"),
                (None, None) => "no training settings".to_owned(),
            };
            network(&format!("{}, {training}", loaded.kind), &loaded.model)
        }
        Source::Arrays(arrays) => format!("{}\n{}{}", arrays.kind, weights(&arrays.params), skipped(arrays.skipped)),
        #[cfg(feature = "keras")]
        Source::Layers(model) => format!("Keras configuration without weights\n\n{}", model.summary()),
    }
}

/// A line for each member that is not a numeric array.
fn skipped(members: impl IntoIterator<Item = (String, String)>) -> String {
    members.into_iter().map(|(name, problem)| format!("skipped {name}: {problem}\n")).collect()
}

/// A heading, the layers and the weights of a model.
fn network(heading: &str, model: &Model) -> String {
    format!("{heading}\n\n{}\n{}", model.summary(), weights(model.params()))
}

fn weights(params: &Params) -> String {
    let rows = params
        .iter()
        .map(|(name, array)| (name.to_owned(), array.shape().to_vec(), "f32", array.iter().copied().collect()));
    table(rows.collect())
}

fn numpy(arrays: Vec<(String, NumpyArray)>) -> String {
    let row = |(name, array): (String, NumpyArray)| {
        let (shape, element) = (array.shape().to_vec(), array.element());
        (name, shape, element, array.into_floats().into_iter().collect())
    };
    format!("NumPy arrays\n{}", table(arrays.into_iter().map(row).collect()))
}

/// Shows the graph of the file, and the imported model if it can be imported.
#[cfg(feature = "onnx")]
fn graph(path: &Path, options: &Options) -> Result<String> {
    let graph = onnx_graph(path, options)?;
    let mut text = format!("ONNX graph with {} nodes\n{graph}\n", graph.node_operators().len());
    match Source::model(path, options) {
        Ok(model) => text.push_str(&network("ONNX model, which has no training settings", &model)),
        Err(problem) => text.push_str(&format!("it cannot be imported: {problem}\n")),
    }
    Ok(text)
}

/// Maximum width of a column, as formatting panics at a width of 65536. Longer names move the columns after them.
const MAX_COLUMN: usize = 1000;

/// A line for each array: name, shape, type, and the minimum, mean and maximum of its elements.
fn table(rows: Vec<(String, Vec<usize>, &str, Vec<f32>)>) -> String {
    let shape = |sizes: &[usize]| sizes.iter().map(usize::to_string).collect::<Vec<_>>().join(" × ");
    let width = |texts: Vec<usize>, minimum: usize| texts.into_iter().max().unwrap_or(0).clamp(minimum, MAX_COLUMN) + 2;
    let names = width(rows.iter().map(|row| row.0.chars().count()).collect(), 5);
    let shapes = width(rows.iter().map(|row| shape(&row.1).chars().count()).collect(), 5);
    let mut text = String::new();
    let head =
        format!("{:<names$}{:<shapes$}{:<6}{:>12}{:>12}{:>12}", "array", "shape", "type", "minimum", "mean", "maximum");
    text.push_str(&format!("\n{head}\n"));
    for (name, sizes, element, values) in &rows {
        let minimum = values.iter().copied().fold(f32::INFINITY, f32::min);
        let maximum = values.iter().copied().fold(f32::NEG_INFINITY, f32::max);
        let mean = values.iter().map(|value| f64::from(*value)).sum::<f64>() / values.len().max(1) as f64;
        let _ = write!(text, "{name:<names$}{:<shapes$}{element:<6}", shape(sizes));
        let _ = writeln!(text, "{minimum:>12.4}{mean:>12.4}{maximum:>12.4}");
    }
    let arrays = if rows.len() == 1 { "1 array" } else { &format!("{} arrays", rows.len()) };
    let count: usize = rows.iter().map(|row| row.3.len()).sum();
    text.push_str(&format!("{arrays}, {count} elements\n"));
    text
}
