//! `gradus evaluate`: a model's loss and metrics on data with known answers.

use super::input::{Layout, Reading, fitted, floats, wrong};
use super::source::{Source, ending, single};
use super::{Options, Told};
use crate::architecture::ValueInfo;
use crate::data::{Arrays, Dataset, Target, mnist};
use crate::error::{Error, Result};
use crate::formats::npy::NumpyArray;
use crate::formats::npz;
use crate::model::Model;
use ndarray::Axis;
use std::path::Path;

pub(super) fn evaluate(path: &Path, data: &Path, options: &Options) -> Told {
    let model = Source::model(path)?;
    let (input, _) = single(path, &model)?;
    let rows = if data.is_dir() { idx(data, &input, options.reading)? } else { numpy(data, &input, options.reading)? };
    let scores = scored(&model, rows)?;
    Ok(format!("{scores}\n"))
}

/// The test images of a folder of IDX files, height × width × 1 as pictures are.
fn idx(folder: &Path, input: &ValueInfo, reading: Reading) -> Result<Arrays> {
    let digits = mnist::load(Some(folder))?.test;
    let layout = if reading.layout.is_flat() { Layout::Flat } else { Layout::ChannelsLast };
    let images = floats(NumpyArray::Bytes(digits.images.insert_axis(Axis(3)).into_dyn()), reading);
    Arrays::new(fitted(folder, images, input, layout)?, digits.labels)
}

/// `x` and `y`, or `x_test` and `y_test` as in Keras' data sets.
fn numpy(path: &Path, input: &ValueInfo, reading: Reading) -> Result<Arrays> {
    if ending(path) != "npz" {
        return Err(wrong(path, "data is a folder of IDX files or an .npz with x and y".into()));
    }
    let mut arrays = npz::read(path)?;
    let names: Vec<String> = arrays.keys().cloned().collect();
    let mut take = |name: &str| arrays.remove(name).or_else(|| arrays.remove(&format!("{name}_test")));
    let (Some(x), Some(y)) = (take("x"), take("y")) else {
        return Err(wrong(path, format!("it has the arrays {}, expected x and y", names.join(", "))));
    };
    let x = fitted(path, floats(x, reading), input, reading.layout)?;
    let labels = |shape: &[usize]| shape.len() == 1 || (shape.len() == 2 && shape[1] == 1);
    match y {
        NumpyArray::Bytes(y) if labels(y.shape()) => Arrays::new(x, y),
        NumpyArray::Integers(y) if labels(y.shape()) => Arrays::new(x, y),
        y => Arrays::new(x, y.into_floats()),
    }
}

/// The scores with labels as they are, or as one-hot rows where the model's loss wants those.
fn scored(model: &Model, rows: Arrays) -> Result<crate::metrics::Scores> {
    let first = match model.evaluate(&rows) {
        Err(error @ Error::Shape { .. }) if rows.target() == Target::Label => error,
        other => return other,
    };
    let Ok(rows) = rows.one_hot(model.output_shapes()[0].last()) else { return Err(first) };
    model.evaluate(&rows).map_err(|_| first)
}
