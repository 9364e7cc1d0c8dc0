//! Predictions of all outputs of a model for a file of samples.

use super::command_line::Options;
use super::ending::Ending;
use super::input::named_samples;
use crate::architecture::ValueInfo;
use crate::data::NamedArrays;
use crate::error::Result;
use crate::model::Model;
use crate::output_scale::OutputScale;
use ndarray::{ArrayD, Axis};
use std::path::Path;

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

/// Predicts every output of a model.
pub(super) fn predict(model: &Model, file: &Path, options: &Options) -> Result<Predictions> {
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
        [Some(1)] if scale == OutputScale::Plain && Ending::of(model)? != Ending::Sigmoid => None,
        [Some(_)] => Some(scale),
        _ => None,
    })
}
