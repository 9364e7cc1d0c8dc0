//! `gradus predict`: prints or writes a model's outputs for pictures and arrays.

use super::command_line::{CommandResult, Options};
use super::ending::Ending;
use super::input::samples;
use super::source::{Source, ending, single, wrong};
use crate::architecture::ValueInfo;
use crate::error::Error;
use crate::files::write_whole;
use crate::formats::npy;
use crate::model::Model;
use crate::output_scale::OutputScale;
use ndarray::{Array2, ArrayD, Axis, concatenate};
use std::path::Path;

/// Maximum number of columns in a table. With more outputs, it shows the most probable classes.
const MAX_COLUMNS: usize = 10;

pub(super) fn predict(path: &Path, inputs: &[&Path], options: &Options) -> CommandResult {
    let model = Source::model(path, options)?;
    let (input, output) = single(path, &model)?;
    let classes = classes(&model, &output)?;
    let (mut names, mut parts) = (Vec::new(), Vec::new());
    for file in inputs {
        let prediction = model.predict(&samples(file, &input, options.reading)?)?;
        let rows = prediction.len_of(Axis(0));
        names.extend((0..rows).map(|row| name(file, row, rows)));
        parts.push(prediction);
    }
    let views: Vec<_> = parts.iter().map(|part: &ArrayD<f32>| part.view()).collect();
    let all = concatenate(Axis(0), &views).map_err(Error::other)?;
    let all = options.reading.layout.order(&output).to_file(all)?.as_standard_layout().into_owned();
    if let Some(out) = options.out.as_deref().filter(|out| ending(out) == "npy") {
        npy::write(out, &all)?;
    } else {
        let rows = Rows::new(names.clone(), classes, all)?;
        match &options.out {
            None => return Ok(rows.table()),
            Some(out) if ending(out) == "csv" => write_whole(out, rows.csv().as_bytes())?,
            Some(out) => {
                return Err(wrong(out, "expected a name that ends in .csv or .npy for predictions".into()).into());
            }
        }
    }
    let out = options.out.as_deref().unwrap_or(Path::new(""));
    Ok(format!("{} predictions in {}\n", names.len(), out.display()))
}

/// The file name, with the index of the row if the file has several.
fn name(path: &Path, row: usize, rows: usize) -> String {
    if rows == 1 { path.display().to_string() } else { format!("{}[{row}]", path.display()) }
}

/// The scale of outputs that are classes, or `None` for outputs with several axes and for a single number that is not a
/// class probability.
fn classes(model: &Model, output: &ValueInfo) -> Result<Option<OutputScale>, Error> {
    let scale = model.loss().map_or(OutputScale::Plain, |loss| loss.output_scale());
    Ok(match output.shape().sizes() {
        [1] if scale == OutputScale::Plain && Ending::of(model)? != Ending::Sigmoid => None,
        [_] => Some(scale),
        _ => None,
    })
}

/// Predictions with the names of their samples, each flattened.
struct Rows {
    names: Vec<String>,
    classes: Option<OutputScale>,
    values: Array2<f32>,
}

impl Rows {
    fn new(names: Vec<String>, classes: Option<OutputScale>, all: ArrayD<f32>) -> Result<Rows, Error> {
        let columns = all.len() / names.len().max(1);
        let values = all.into_shape_with_order((names.len(), columns)).map_err(Error::other)?;
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
