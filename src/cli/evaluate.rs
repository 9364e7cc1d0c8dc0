//! `gradus evaluate`: a model's loss and metrics on data with known answers.

use super::Told;
use super::input::{Reading, floats, wrong};
use super::source::{Source, ending, shapes};
use crate::data::{Arrays, Dataset, Target, mnist};
use crate::error::{Error, Result};
use crate::formats::npy::NumpyArray;
use crate::formats::npz;
use crate::model::Model;
use std::path::Path;

pub(super) fn evaluate(path: &Path, data: &Path, raw: bool) -> Told {
    let model = Source::model(path)?;
    let rows = if data.is_dir() { idx(data, raw)? } else { numpy(data, raw)? };
    let (shape, _) = shapes(path, &model)?;
    let rows = if rows.input_shape().len() == shape.len() { rows.reshaped(shape)? } else { rows };
    let scores = scored(&model, rows)?;
    Ok(format!("{scores}\n"))
}

/// The test images of a folder of IDX files.
fn idx(folder: &Path, raw: bool) -> Result<Arrays> {
    let digits = mnist::load(Some(folder))?.test;
    if raw { digits.raw() } else { digits.normalized() }
}

/// `x` and `y`, or `x_test` and `y_test` as in Keras' data sets.
fn numpy(path: &Path, raw: bool) -> Result<Arrays> {
    if ending(path) != "npz" {
        return Err(wrong(path, "data is a folder of IDX files or an .npz with x and y".into()));
    }
    let mut arrays = npz::read(path)?;
    let names: Vec<String> = arrays.keys().cloned().collect();
    let mut take = |name: &str| arrays.remove(name).or_else(|| arrays.remove(&format!("{name}_test")));
    let (Some(x), Some(y)) = (take("x"), take("y")) else {
        return Err(wrong(path, format!("it has the arrays {}, expected x and y", names.join(", "))));
    };
    let x = floats(x, Reading { raw, invert: false });
    match y {
        NumpyArray::Bytes(y) => Arrays::new(x, y),
        NumpyArray::Integers(y) => Arrays::new(x, y),
        y => Arrays::new(x, y.into_floats()),
    }
}

/// The scores with labels as they are, or as one-hot rows where the model's loss wants those.
fn scored(model: &Model, rows: Arrays) -> Result<crate::metrics::Scores> {
    let first = match model.evaluate(&rows) {
        Err(error @ Error::Target { .. }) if matches!(rows.target(), Target::Labels(_)) => error,
        other => return other,
    };
    let Ok(rows) = rows.one_hot(model.output_shapes()[0].last()) else { return Err(first) };
    model.evaluate(&rows).map_err(|_| first)
}
