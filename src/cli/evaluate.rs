//! `gradus evaluate`: computes a model's loss and metrics on a dataset.

use super::choice::{Requested, Targets, choose};
use super::command_line::{CommandResult, Options};
use super::input::{fitted, floats, named_samples};
use super::reading::{Layout, Reading};
use super::source::{Loaded, Source, ending, single, wrong};
use crate::accepts::TargetKind;
use crate::architecture::ValueInfo;
use crate::axis_order::AxisOrder;
use crate::data::{Arrays, Dataset, NamedArrays, Target, mnist};
use crate::error::{Error, Result};
use crate::formats::npy::NumpyArray;
use crate::formats::npz;
use crate::metrics::Scores;
use crate::model::Model;
use crate::sample_shape::SampleShape;
use crate::shape::Shape;
use ndarray::{ArrayD, Axis};
use std::path::Path;

pub(super) fn evaluate(path: &Path, data: &Path, options: &Options) -> CommandResult {
    let requested = Requested { loss: options.loss.as_deref(), metrics: &options.metrics };
    let Loaded { model, problem, .. } = Source::loaded(path, options)?;
    if let (Some(problem), None) = (problem, &options.loss) {
        let problem = problem.strip_prefix(&format!("{}: ", path.display())).unwrap_or(&problem);
        return Err(wrong(path, format!("{problem}; name the loss with --loss, and metrics with --metric")).into());
    }
    let Ok((input, output)) = single(path, &model) else {
        return several(path, &model, data, options);
    };
    let rows = match data.is_dir() {
        true => idx(data, &input, options.reading)?,
        false => numpy(data, &input, &output, options.reading)?,
    };
    let chosen = choose(model, &requested, rows.targets);
    let (model, report) = chosen.map_err(|error| wrong(path, error.to_string()))?;
    let scores = scored(&model, rows.arrays)?;
    Ok(format!("{report}{scores}\n"))
}

/// Samples with targets.
struct Rows {
    arrays: Arrays,
    targets: Targets,
}

/// The test images of a folder of IDX files, in the shape height × width × 1 of pictures.
fn idx(folder: &Path, input: &ValueInfo, reading: Reading) -> Result<Rows> {
    let digits = mnist::load(Some(folder))?.test;
    let layout = if reading.layout.is_flat() { Layout::Flat } else { Layout::ChannelsLast };
    let scale = if reading.raw { 1.0 } else { 255.0 };
    let images = digits.images.insert_axis(Axis(3)).mapv(|byte| f32::from(byte) / scale).into_dyn();
    let targets = Targets::labels(digits.labels.iter().map(|label| i64::from(*label)));
    Ok(Rows { arrays: Arrays::new(fitted(folder, images, input, layout)?, digits.labels)?, targets })
}

/// The arrays `x` and `y`, or `x_test` and `y_test` as in Keras' datasets.
fn numpy(path: &Path, input: &ValueInfo, output: &ValueInfo, reading: Reading) -> Result<Rows> {
    if ending(path) != "npz" {
        return Err(wrong(path, "expected a folder of IDX files, or an .npz file with x and y".into()));
    }
    let npz = npz::read_with(path, reading.memory)?;
    let mut arrays = npz.arrays;
    let names: Vec<String> = arrays.keys().cloned().collect();
    let mut take = |name: &str| arrays.remove(name).or_else(|| arrays.remove(&format!("{name}_test")));
    let (Some(x), Some(y)) = (take("x"), take("y")) else {
        let skipped: Vec<String> = npz.skipped.iter().map(|(name, problem)| format!("; {name}: {problem}")).collect();
        let (names, skipped) = (names.join(", "), skipped.concat());
        return Err(wrong(path, format!("it has the arrays {names}, expected x and y{skipped}")));
    };
    let x = fitted(path, floats(x, reading), input, reading.layout)?;
    Ok(match column(path, y, output, reading)? {
        Column::Labels(y) => Rows { targets: Targets::labels(y.iter().copied()), arrays: Arrays::new(x, y)? },
        Column::Values(y) => Rows { targets: Targets::values(&y), arrays: Arrays::new(x, y)? },
    })
}

/// The targets of an output, in the model's order.
enum Column {
    Labels(ArrayD<i64>),
    Values(ArrayD<f32>),
}

/// Reads an array as labels or as values, by its type and shape.
fn column(path: &Path, y: NumpyArray, output: &ValueInfo, reading: Reading) -> Result<Column> {
    let order = reading.layout.order(output);
    let labels = match y {
        NumpyArray::Bytes(y) => y.mapv(i64::from),
        NumpyArray::Integers(y) => y,
        NumpyArray::Floats(y) => {
            let values = of_shape(order, output.shape(), &y);
            return values.map(Column::Values).ok_or_else(|| mismatch(path, &y, order, output));
        }
    };
    if let Some(y) = of_shape(positions(order, output), label_shape(output.shape()), &labels) {
        return Ok(Column::Labels(y));
    }
    let values = of_shape(order, output.shape(), &labels).ok_or_else(|| mismatch(path, &labels, order, output))?;
    Ok(Column::Values(values.mapv(|number| number as f32)))
}

/// Computes the scores of a model with several inputs or outputs, with the losses and metrics of its file.
fn several(path: &Path, model: &Model, data: &Path, options: &Options) -> CommandResult {
    if options.loss.is_some() || !options.metrics.is_empty() {
        return Err(
            wrong(path, "it has several inputs or outputs; --loss and --metric are for one of each".into()).into()
        );
    }
    if model.trained_outputs().is_empty() {
        let problem =
            "it has several inputs or outputs and no losses; compile it with a loss for each output, and save it";
        return Err(wrong(path, problem.into()).into());
    }
    let mut rows = NamedArrays::new();
    for (name, array) in named_samples(data, &model.inputs(), options.reading)? {
        rows = rows.with_input(name, array)?;
    }
    let mut arrays = npz::read_with(data, options.reading.memory)?.arrays;
    let found = arrays.keys().cloned().collect::<Vec<_>>().join(", ");
    for trained in model.trained_outputs() {
        let output = &model.outputs()[trained.output()];
        let array = arrays.remove(output.name()).ok_or_else(|| {
            wrong(data, format!("it has the arrays {found}, expected {}, an output of the model", output.name()))
        })?;
        rows = match column(data, array, output, options.reading)? {
            Column::Labels(y) => rows.with_target(output.name(), y)?,
            Column::Values(y) => rows.with_target(output.name(), y)?,
        };
    }
    Ok(format!("{}\n", model.evaluate(&rows)?))
}

/// The shape of labels for the positions of an output: that of all its axes except the last.
fn label_shape(output: SampleShape) -> SampleShape {
    let sizes = output.sizes();
    SampleShape::new(&sizes[..sizes.len().saturating_sub(1)]).unwrap_or(output)
}

/// The axis order of labels for the positions of an output: that of all its axes except the last.
fn positions(order: AxisOrder, output: &ValueInfo) -> AxisOrder {
    let last = output.shape().rank().saturating_sub(1);
    let axes: Vec<usize> = order.axes().iter().copied().filter(|axis| *axis < last).collect();
    AxisOrder::new(&axes).unwrap_or_default()
}

/// Returns the array in the model's order if it has this order and the shape rows × `shape`. In channels-last order, a
/// last axis of size 1 is optional.
fn of_shape<T: Clone>(order: AxisOrder, shape: SampleShape, y: &ArrayD<T>) -> Option<ArrayD<T>> {
    let found = Shape::new(y.shape().get(1..)?).ok()?;
    let expected = order.shape_in_file(shape);
    let alike = order.is_channels_last() && ValueInfo::new("y", expected).takes(found);
    if expected.contains(found) || alike { order.to_model(y.clone()).ok() } else { None }
}

fn mismatch<T>(path: &Path, y: &ArrayD<T>, order: AxisOrder, output: &ValueInfo) -> Error {
    let found = Shape::new(y.shape()).map_or_else(|_| format!("{} axes", y.ndim()), |shape| shape.to_string());
    let expected = order.shape_in_file(output.shape());
    let labels = positions(order, output).shape_in_file(label_shape(output.shape()));
    let labels =
        if labels.rank() == 0 { "one integer per row".into() } else { format!("integers of shape {labels} per row") };
    wrong(path, format!("its y is {found}, expected rows × {expected}, the model's output, or {labels}"))
}

/// Computes the scores with labels, or with one-hot rows if the loss compares class probabilities.
fn scored(model: &Model, rows: Arrays) -> Result<Scores> {
    let first = match model.evaluate(&rows) {
        Err(error @ Error::Target { .. }) if matches!(rows.target(), Target::Labels(_)) => error,
        other => return other,
    };
    let output = model.architecture().output(0);
    if !model.loss().is_some_and(|loss| loss.accepts(output).includes(TargetKind::Probabilities)) {
        return Err(first);
    }
    let Ok(rows) = rows.one_hot(output.last()) else { return Err(first) };
    model.evaluate(&rows).map_err(|_| first)
}
