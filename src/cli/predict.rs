//! `gradus predict`: what a model says of pictures and arrays.

use super::input::{Reading, samples, wrong};
use super::source::{Source, ending, shapes};
use super::{Options, Told};
use crate::files::write_whole;
use crate::formats::npy;
use crate::metrics::argmax;
use ndarray::{Array2, Axis, concatenate};
use std::path::Path;

/// As many columns as a table shows; beyond that, the most probable classes.
const COLUMNS: usize = 10;

pub(super) fn predict(path: &Path, inputs: &[&Path], options: &Options) -> Told {
    let model = Source::model(path)?;
    let reading = Reading { raw: options.raw, invert: options.invert };
    let (sample, output) = shapes(path, &model)?;
    let columns = output.len();
    let (mut names, mut parts) = (Vec::new(), Vec::new());
    for input in inputs {
        let samples = samples(input, sample, reading)?;
        let prediction = model.predict(&samples)?;
        let rows = prediction.len_of(Axis(0));
        names.extend((0..rows).map(|row| name(input, row, rows)));
        let flat = prediction.into_shape_with_order((rows, columns)).map_err(crate::error::Error::other)?;
        parts.push(flat);
    }
    let views: Vec<_> = parts.iter().map(|part: &Array2<f32>| part.view()).collect();
    let all = concatenate(Axis(0), &views).map_err(crate::error::Error::other)?;
    let Some(out) = &options.out else { return Ok(table(&names, &all)) };
    match ending(out) {
        "csv" => write_whole(out, csv(&names, &all).as_bytes())?,
        "npy" => npy::write(out, &all)?,
        _ => return Err(wrong(out, "predictions are written as .csv or .npy".into()).into()),
    }
    Ok(format!("{} predictions in {}\n", names.len(), out.display()))
}

/// The file, and the row where it has several.
fn name(path: &Path, row: usize, rows: usize) -> String {
    if rows == 1 { path.display().to_string() } else { format!("{}[{row}]", path.display()) }
}

fn class(row: &[f32]) -> usize {
    if row.len() == 1 { usize::from(row[0] > 0.5) } else { argmax(row) }
}

/// `input,predicted,p0,p1,…`
fn csv(names: &[String], all: &Array2<f32>) -> String {
    let heads: Vec<String> = (0..all.ncols()).map(|column| format!("p{column}")).collect();
    let mut text = format!("input,predicted,{}\n", heads.join(","));
    for (name, row) in names.iter().zip(all.rows()) {
        let row = row.to_vec();
        let quoted =
            if name.contains([',', '"', '\n']) { format!("\"{}\"", name.replace('"', "\"\"")) } else { name.clone() };
        let cells: Vec<String> = row.iter().map(f32::to_string).collect();
        text.push_str(&format!("{quoted},{},{}\n", class(&row), cells.join(",")));
    }
    text
}

fn table(names: &[String], all: &Array2<f32>) -> String {
    let width = names.iter().map(|name| name.chars().count()).max().unwrap_or(0).max(5) + 2;
    let few = all.ncols() <= COLUMNS;
    let heads: String =
        if few { (0..all.ncols()).map(|column| format!("{column:>9}")).collect() } else { "  most probable".into() };
    let mut text = format!("{:<width$}predicted{heads}\n", "input");
    for (name, row) in names.iter().zip(all.rows()) {
        let row = row.to_vec();
        let cells: String = if few { row.iter().map(|value| format!("{value:>9.4}")).collect() } else { most(&row) };
        text.push_str(&format!("{name:<width$}{:>9}{cells}\n", class(&row)));
    }
    text
}

/// The three largest, with their places.
fn most(row: &[f32]) -> String {
    let mut order: Vec<usize> = (0..row.len()).collect();
    order.sort_by(|a, b| row[*b].total_cmp(&row[*a]));
    order.iter().take(3).map(|place| format!("  {place}: {:.4}", row[*place])).collect()
}
