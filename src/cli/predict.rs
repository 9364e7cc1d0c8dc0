//! `gradus predict`: prints or writes a model's outputs for pictures and arrays.

use super::command_line::{CommandResult, Options};
use super::prediction::Prediction;
use super::predictor::Predictor;
use super::source::{ending, wrong};
use crate::error::Error;
use crate::files::write_whole;
use crate::formats::{npy, npz};
use crate::output_scale::OutputScale;
use crate::tape::Params;
use ndarray::{Array2, ArrayD, Axis, concatenate};
use std::path::Path;

/// Maximum number of columns in a table. With more outputs, it shows the most probable classes.
const MAX_COLUMNS: usize = 10;

pub(super) fn predict(path: &Path, inputs: &[&Path], options: &Options) -> CommandResult {
    let predictor = Predictor::read(path, options)?;
    let mut names = Vec::new();
    // For each output, the predictions of all files.
    let mut outputs: Vec<(Prediction, Vec<ArrayD<f32>>)> = Vec::new();
    for file in inputs {
        let predicted = predictor.predict(file, options)?;
        names.extend((0..predicted.rows).map(|row| name(file, row, predicted.rows)));
        for (number, output) in predicted.outputs.into_iter().enumerate() {
            match outputs.get_mut(number) {
                Some((_, parts)) => parts.push(output.values),
                None => {
                    let parts = vec![output.values.clone()];
                    outputs.push((output, parts));
                }
            }
        }
    }
    let mut all = Vec::new();
    for (output, parts) in outputs {
        let views: Vec<_> = parts.iter().map(|part: &ArrayD<f32>| part.view()).collect();
        let values = concatenate(Axis(0), &views).map_err(Error::other)?.as_standard_layout().into_owned();
        if parts.len() > 1 && values.len_of(Axis(0)) != names.len() {
            return Err(wrong(path, format!("its output {} does not have one row for each sample", output.name)).into());
        }
        all.push(Prediction { values, ..output });
    }
    let Some(out) = &options.out else { return table(path, &names, all) };
    match (ending(out), &mut all[..]) {
        ("npz", _) => {
            let mut arrays = Params::new();
            for output in &all {
                arrays.add(&output.name, &output.values)?;
            }
            npz::write_params(out, &arrays)?;
        }
        ("npy", [output]) => npy::write(out, &output.values)?,
        ("csv", [_]) => {
            let output = all.remove(0);
            write_whole(out, Rows::new(path, names.clone(), output)?.csv().as_bytes())?;
        }
        ("npy" | "csv", outputs) => {
            let outputs = outputs.iter().map(|output| output.name.as_str()).collect::<Vec<_>>().join(", ");
            let problem = format!("the model has the outputs {outputs}, expected a name that ends in .npz");
            return Err(wrong(out, problem).into());
        }
        _ => {
            let problem = "expected a name that ends in .csv, .npy or .npz for predictions";
            return Err(wrong(out, problem.into()).into());
        }
    }
    Ok(format!("{} predictions in {}\n", names.len(), out.display()))
}

/// A table of each output, with its name if there are several.
fn table(path: &Path, names: &[String], outputs: Vec<Prediction>) -> CommandResult {
    let (several, mut text) = (outputs.len() > 1, String::new());
    for output in outputs {
        if several {
            text.push_str(&format!("{}{}:\n", if text.is_empty() { "" } else { "\n" }, output.name));
        }
        text.push_str(&Rows::new(path, names.to_vec(), output)?.table());
    }
    Ok(text)
}

/// The file name, with the index of the row if the file has several.
fn name(path: &Path, row: usize, rows: usize) -> String {
    if rows == 1 { path.display().to_string() } else { format!("{}[{row}]", path.display()) }
}

/// Predictions with the names of their samples, each flattened.
struct Rows {
    names: Vec<String>,
    classes: Option<OutputScale>,
    values: Array2<f32>,
}

impl Rows {
    fn new(path: &Path, names: Vec<String>, output: Prediction) -> Result<Rows, Error> {
        let Prediction { name, values, classes } = output;
        if values.shape().first() != Some(&names.len()) {
            let shape = values.shape().iter().map(usize::to_string).collect::<Vec<_>>().join(" × ");
            let problem = format!(
                "its output {name} has shape {shape}, without one row for each sample; write it to an array with --out"
            );
            return Err(wrong(path, problem));
        }
        let columns = values.len() / names.len().max(1);
        let values = values.into_shape_with_order((names.len(), columns)).map_err(Error::other)?;
        Ok(Rows { names, classes, values })
    }

    fn has_classes(&self) -> bool {
        self.classes.is_some()
    }

    fn class(&self, row: &[f32]) -> Option<usize> {
        self.classes.map(|scale| scale.class(row))
    }

    fn iter(&self) -> impl Iterator<Item = (&String, Vec<f32>)> {
        self.names.iter().zip(self.values.rows().into_iter().map(|row| row.to_vec()))
    }

    /// Lines `input,predicted,p0,p1,…`, without `predicted` if outputs are not classes.
    fn csv(&self) -> String {
        let heads: Vec<String> = (0..self.values.ncols()).map(|column| format!("p{column}")).collect();
        let predicted = if self.has_classes() { "predicted," } else { "" };
        let mut text = format!("input,{predicted}{}\n", heads.join(","));
        for (name, row) in self.iter() {
            let quoted = match name.contains([',', '"', '\n']) {
                true => format!("\"{}\"", name.replace('"', "\"\"")),
                false => name.clone(),
            };
            let predicted = self.class(&row).map_or(String::new(), |class| format!("{class},"));
            let cells: Vec<String> = row.iter().map(f32::to_string).collect();
            text.push_str(&format!("{quoted},{predicted}{}\n", cells.join(",")));
        }
        text
    }

    fn table(&self) -> String {
        let width = self.names.iter().map(|name| name.chars().count()).max().unwrap_or(0).clamp(5, 1000) + 2;
        let columns = self.values.ncols();
        let few = columns <= MAX_COLUMNS || !self.has_classes();
        let shown = columns.min(MAX_COLUMNS);
        let heads: String = match few {
            true => (0..shown).map(|column| format!("{column:>9}")).collect(),
            false => "  most probable".into(),
        };
        let predicted = if self.has_classes() { "predicted" } else { "" };
        let more = if few && columns > shown { "  …" } else { "" };
        let mut text = format!("{:<width$}{predicted}{heads}{more}\n", "input");
        for (name, row) in self.iter() {
            let cells: String = match few {
                true => row[..shown].iter().map(|value| format!("{value:>9.4}")).collect(),
                false => most_probable(&row),
            };
            let predicted = self.class(&row).map_or(String::new(), |class| format!("{class:>9}"));
            text.push_str(&format!("{name:<width$}{predicted}{cells}{more}\n"));
        }
        text
    }
}

/// The three largest values with their indices.
fn most_probable(row: &[f32]) -> String {
    let mut order: Vec<usize> = (0..row.len()).collect();
    order.sort_by(|a, b| row[*b].total_cmp(&row[*a]));
    order.iter().take(3).map(|place| format!("  {place}: {:.4}", row[*place])).collect()
}
