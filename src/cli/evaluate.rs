//! `gradus evaluate`: a model's loss and metrics on data with known answers.

use super::choice::{Answers, Asked, choose};
use super::input::{Layout, Reading, fitted, floats, wrong};
use super::source::{Source, ending, single};
use super::{Options, Told};
use crate::architecture::ValueInfo;
use crate::data::{Arrays, Dataset, Target, mnist};
use crate::error::{Error, Result};
use crate::formats::npy::NumpyArray;
use crate::formats::npz;
use crate::metrics::Scores;
use crate::model::Model;
use crate::shape::Shape;
use ndarray::{ArrayD, Axis};
use std::path::Path;

pub(super) fn evaluate(path: &Path, data: &Path, options: &Options) -> Told {
    let asked = Asked { loss: options.loss.as_deref(), metrics: &options.metrics };
    let (model, trained) = Source::trained(path)?;
    let (input, output) = single(path, &model)?;
    let rows = match data.is_dir() {
        true => idx(data, &input, options.reading)?,
        false => numpy(data, &input, &output, options.reading)?,
    };
    let chosen = choose(model, trained, &asked, rows.answers);
    let (model, told) = chosen.map_err(|error| wrong(path, error.to_string()))?;
    let scores = scored(&model, rows.arrays)?;
    Ok(format!("{told}{scores}\n"))
}

/// Samples with their answers.
struct Rows {
    arrays: Arrays,
    answers: Answers,
}

/// The test images of a folder of IDX files, height × width × 1 as pictures are.
fn idx(folder: &Path, input: &ValueInfo, reading: Reading) -> Result<Rows> {
    let digits = mnist::load(Some(folder))?.test;
    let layout = if reading.layout.is_flat() { Layout::Flat } else { Layout::ChannelsLast };
    let images = floats(NumpyArray::Bytes(digits.images.insert_axis(Axis(3)).into_dyn()), reading);
    let answers = Answers::labels(digits.labels.iter().map(|label| i64::from(*label)));
    Ok(Rows { arrays: Arrays::new(fitted(folder, images, input, layout)?, digits.labels)?, answers })
}

/// `x` and `y`, or `x_test` and `y_test` as in Keras' data sets.
fn numpy(path: &Path, input: &ValueInfo, output: &ValueInfo, reading: Reading) -> Result<Rows> {
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
        NumpyArray::Bytes(y) if labels(y.shape()) => {
            let answers = Answers::labels(y.iter().map(|label| i64::from(*label)));
            Ok(Rows { arrays: Arrays::new(x, y)?, answers })
        }
        NumpyArray::Integers(y) if labels(y.shape()) => {
            let answers = Answers::labels(y.iter().copied());
            Ok(Rows { arrays: Arrays::new(x, y)?, answers })
        }
        y => {
            let y = values(path, y.into_floats(), output, reading.layout)?;
            let answers = Answers::values(&y);
            Ok(Rows { arrays: Arrays::new(x, y)?, answers })
        }
    }
}

/// The array `y` in the model's order of axes.
fn values(path: &Path, y: ArrayD<f32>, output: &ValueInfo, layout: Layout) -> Result<ArrayD<f32>> {
    let order = layout.order(output);
    let expected = order.shape_in_file(output.shape());
    let found = y.shape().get(1..).unwrap_or(&[]);
    // A last axis of 1 may be missing.
    if found == expected.sizes() || (order.is_channels_last() && expected.sizes().strip_suffix(&[1]) == Some(found)) {
        return order.to_model(y);
    }
    let found = Shape::new(y.shape()).map_or_else(|_| format!("{} axes", y.ndim()), |shape| shape.to_string());
    Err(wrong(
        path,
        format!("its y is {found}, expected rows × {expected}, the model's output, or one label for each row"),
    ))
}

/// The scores with labels as they are, or as one-hot rows where the model's loss wants those.
fn scored(model: &Model, rows: Arrays) -> Result<Scores> {
    let first = match model.evaluate(&rows) {
        Err(error @ Error::Shape { .. }) if rows.target() == Target::Label => error,
        other => return other,
    };
    let Ok(rows) = rows.one_hot(model.output_shapes()[0].last()) else { return Err(first) };
    model.evaluate(&rows).map_err(|_| first)
}
