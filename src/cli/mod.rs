//! The program `gradus`: looks at models and arrays in files, converts them, predicts and evaluates.
//!
//! Exit codes: 0 where everything went well, 1 for what is wrong with a file, 2 for what is wrong with the command line.

mod choice;
mod command_line;
mod convert;
mod ending;
mod evaluate;
mod input;
mod inspect;
mod picture;
mod predict;
mod reading;
mod source;

use command_line::{Failure, Options, Told};
use lexopt::prelude::*;
use reading::{Background, Layout};
use std::ffi::OsString;
use std::io::{self, Write};
use std::path::PathBuf;
use std::process::ExitCode;

const HELP: &str = "Looks at models and arrays in files, converts them, predicts and evaluates

usage: gradus inspect FILE
       gradus convert IN OUT [--torch] [--model MODEL]
       gradus predict MODEL INPUT… [--out FILE] [--raw] [--invert] [--background COLOUR] [--layout ORDER]
       gradus evaluate MODEL DATA [--loss LOSS] [--metric METRIC]… [--raw] [--layout ORDER]

  inspect    a model's layers, and every array with its shape and range
  convert    IN to the format that OUT's name ends in
  predict    a model's outputs for each INPUT: a PNG picture, or samples in .npy or .npz
  evaluate   a model's loss and metrics on DATA: a folder of IDX files, or an .npz with x and y

  --out FILE    predictions as .csv or .npy instead of a table
  --torch       .safetensors with PyTorch's names and layouts: OUT, or with --model IN
  --model FILE  the model that the arrays in IN are for; OUT is that model with these
  --raw         bytes stay 0 to 255; otherwise they are divided by 255
  --invert      pictures with dark ink on bright paper
  --background COLOUR
                the colour behind the transparent parts of pictures: white (default), black or #rrggbb
  --layout ORDER
                the axis order of arrays: channels_last, channels_first, or flat for samples of any shape that
                become one axis; by default that of the model's file
  --loss LOSS   the loss in place of the file's own, by its class or Keras' name: mse, huber(delta=2),
                sparse_categorical_crossentropy(from_logits=true)
  --metric METRIC
                the metrics in place of the file's own, by their classes or Keras' names; may be given several times
  --help        this text
  --version     the version

Shapes have to be equal. An array has the axis order of the file that the model is read from: that of the graph for
.onnx, channels last for .keras and .h5, and for .safetensors channels last unless the model was imported from .onnx.
Outputs come back in the same order. An array with as many axes as a sample is one sample, one with an axis more is
rows of samples; as in Keras, a last axis of 1 may be missing or added behind the rows where the order is channels last.
Pictures are height × width × channels, gray where the model takes one channel.

evaluate uses the loss and the metrics of the model's file. For a file without them, as every .onnx is, they follow from
what the output ends in and from y; what was chosen is shown, and what is not certain has to be named.

";

/// Runs a command line without the program's name. Results go to standard output, one line for what is wrong to
/// standard error.
pub fn run(arguments: impl IntoIterator<Item = OsString>) -> ExitCode {
    match answer(lexopt::Parser::from_args(arguments)) {
        Ok(text) => {
            // A closed standard output is no reason to fail.
            let _ = io::stdout().write_all(text.as_bytes());
            ExitCode::SUCCESS
        }
        Err(Failure::Usage(problem)) => {
            eprintln!("gradus: {problem}; --help lists commands and options");
            ExitCode::from(2)
        }
        Err(Failure::Work(error)) => {
            eprintln!("gradus: {error}");
            ExitCode::from(1)
        }
    }
}

fn answer(mut arguments: lexopt::Parser) -> Told {
    let (mut command, mut options) = (None, Options::default());
    while let Some(argument) = arguments.next()? {
        match argument {
            Long("help") | Short('h') => return Ok(format!("{HELP}{}", source::endings())),
            Long("version") | Short('V') => return Ok(format!("gradus {}\n", env!("CARGO_PKG_VERSION"))),
            Long("out") => options.out = Some(arguments.value()?.into()),
            Long("torch") => options.torch = true,
            Long("model") => options.model = Some(arguments.value()?.into()),
            Long("raw") => options.reading.raw = true,
            Long("invert") => options.reading.invert = true,
            Long("loss") => options.loss = Some(arguments.value()?.string()?),
            Long("metric") => options.metrics.push(arguments.value()?.string()?),
            Long("background") => {
                options.reading.background =
                    value(&mut arguments, "background", "black, white or #rrggbb", Background::parse)?;
            }
            Long("layout") => {
                let expected = "channels_last, channels_first or flat";
                options.reading.layout = value(&mut arguments, "layout", expected, Layout::parse)?;
            }
            Value(value) if command.is_none() => command = Some(value.string()?),
            Value(value) => options.files.push(value.into()),
            other => return Err(other.unexpected().into()),
        }
    }
    let files: Vec<_> = options.files.iter().map(PathBuf::as_path).collect();
    match (command.as_deref(), &files[..]) {
        (Some("inspect"), [file]) => inspect::inspect(file),
        (Some("convert"), [from, to]) => convert::convert(from, to, &options),
        (Some("predict"), [model, inputs @ ..]) if !inputs.is_empty() => predict::predict(model, inputs, &options),
        (Some("evaluate"), [model, data]) => evaluate::evaluate(model, data, &options),
        (Some("inspect"), files) => Err(misused("inspect FILE", files.len())),
        (Some("convert"), files) => Err(misused("convert IN OUT", files.len())),
        (Some("predict"), files) => Err(misused("predict MODEL INPUT…", files.len())),
        (Some("evaluate"), files) => Err(misused("evaluate MODEL DATA", files.len())),
        (Some(other), _) => Err(Failure::Usage(format!("there is no command \"{other}\""))),
        (None, _) => Err(Failure::Usage("no command".into())),
    }
}

/// The value of an option, as `parse` reads it.
fn value<T>(
    arguments: &mut lexopt::Parser,
    option: &str,
    expected: &str,
    parse: impl FnOnce(&str) -> Option<T>,
) -> Result<T, Failure> {
    let text = arguments.value()?.string()?;
    parse(&text).ok_or_else(|| Failure::Usage(format!("--{option} is \"{text}\", expected {expected}")))
}

/// A command with other files than it takes.
fn misused(usage: &str, count: usize) -> Failure {
    let named = if count == 1 { "1 file is named" } else { &format!("{count} files are named") };
    Failure::Usage(format!("{named}, the usage is gradus {usage}"))
}
