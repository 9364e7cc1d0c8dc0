//! `gradus predict`: a model's outputs for pictures and arrays.

use super::input::{samples, wrong};
use super::source::{Source, ending, single};
use super::{Options, Told};
use crate::error::Error;
use crate::files::write_whole;
use crate::formats::npy;
use crate::metrics::argmax;
use ndarray::{Array2, ArrayD, Axis, concatenate};
use std::path::Path;

/// The most columns of a table; beyond that, it has the most probable classes.
const COLUMNS: usize = 10;

pub(super) fn predict(path: &Path, inputs: &[&Path], options: &Options) -> Told {
    let model = Source::model(path)?;
    let (input, output) = single(path, &model)?;
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
        let rows = Rows::new(names.clone(), all)?;
        match &options.out {
            None => return Ok(rows.table()),
            Some(out) if ending(out) == "csv" => write_whole(out, rows.csv().as_bytes())?,
            Some(out) => return Err(wrong(out, "predictions are written as .csv or .npy".into()).into()),
        }
    }
    let out = options.out.as_deref().unwrap_or(Path::new(""));
    Ok(format!("{} predictions in {}\n", names.len(), out.display()))
}

/// The file, and the row where it has several.
fn name(path: &Path, row: usize, rows: usize) -> String {
    if rows == 1 { path.display().to_string() } else { format!("{}[{row}]", path.display()) }
}

/// Predictions with the samples they are of, each flattened.
struct Rows {
    names: Vec<String>,
    /// Whether the outputs of a row belong to classes, of which the largest is predicted.
    classes: bool,
    values: Array2<f32>,
}

impl Rows {
    fn new(names: Vec<String>, all: ArrayD<f32>) -> Result<Rows, Error> {
        let classes = all.ndim() <= 2;
        let columns = all.len() / names.len().max(1);
        let values = all.into_shape_with_order((names.len(), columns)).map_err(Error::other)?;
        Ok(Rows { names, classes, values })
    }

    fn iter(&self) -> impl Iterator<Item = (&String, Vec<f32>)> {
        self.names.iter().zip(self.values.rows().into_iter().map(|row| row.to_vec()))
    }

    /// `input,predicted,p0,p1,…`, or without `predicted` where there are no classes.
    fn csv(&self) -> String {
        let heads: Vec<String> = (0..self.values.ncols()).map(|column| format!("p{column}")).collect();
        let predicted = if self.classes { "predicted," } else { "" };
        let mut text = format!("input,{predicted}{}\n", heads.join(","));
        for (name, row) in self.iter() {
            let quoted = match name.contains([',', '"', '\n']) {
                true => format!("\"{}\"", name.replace('"', "\"\"")),
                false => name.clone(),
            };
            let predicted = if self.classes { format!("{},", class(&row)) } else { String::new() };
            let cells: Vec<String> = row.iter().map(f32::to_string).collect();
            text.push_str(&format!("{quoted},{predicted}{}\n", cells.join(",")));
        }
        text
    }

    fn table(&self) -> String {
        let width = self.names.iter().map(|name| name.chars().count()).max().unwrap_or(0).max(5) + 2;
        let columns = self.values.ncols();
        let few = columns <= COLUMNS || !self.classes;
        let shown = columns.min(COLUMNS);
        let heads: String = match few {
            true => (0..shown).map(|column| format!("{column:>9}")).collect(),
            false => "  most probable".into(),
        };
        let predicted = if self.classes { "predicted" } else { "" };
        let more = if few && columns > shown { "  …" } else { "" };
        let mut text = format!("{:<width$}{predicted}{heads}{more}\n", "input");
        for (name, row) in self.iter() {
            let cells: String = match few {
                true => row[..shown].iter().map(|value| format!("{value:>9.4}")).collect(),
                false => most(&row),
            };
            let predicted = if self.classes { format!("{:>9}", class(&row)) } else { String::new() };
            text.push_str(&format!("{name:<width$}{predicted}{cells}{more}\n"));
        }
        text
    }
}

fn class(row: &[f32]) -> usize {
    if row.len() == 1 { usize::from(row[0] > 0.5) } else { argmax(row) }
}

/// The three largest, with their places.
fn most(row: &[f32]) -> String {
    let mut order: Vec<usize> = (0..row.len()).collect();
    order.sort_by(|a, b| row[*b].total_cmp(&row[*a]));
    order.iter().take(3).map(|place| format!("  {place}: {:.4}", row[*place])).collect()
}
