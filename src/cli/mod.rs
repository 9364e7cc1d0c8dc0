//! The program `gradus`: inspects, converts, runs and evaluates models and arrays in files.
//!
//! Exit codes: 0 for success, 1 for an error in a file, 2 for an error in the command line.

mod choice;
mod command_line;
mod convert;
mod ending;
mod evaluate;
mod input;
mod inspect;
#[cfg(feature = "onnx")]
mod onnx_file;
mod picture;
mod predict;
mod prediction;
mod predictor;
mod reading;
mod source;

use command_line::{CommandResult, Failure, Options, SampleShape};
use lexopt::prelude::*;
use reading::{Background, Layout, parse_divisor, parse_memory};
use std::ffi::OsString;
use std::io::{self, Write};
use std::path::PathBuf;
use std::process::ExitCode;

const HELP: &str = "Inspects, converts, runs and evaluates models and arrays in files

usage: gradus inspect FILE [--model MODEL] [--shape SHAPE]…
       gradus convert IN OUT [--torch] [--model MODEL] [--shape SHAPE]…
       gradus predict MODEL INPUT… [--model MODEL] [--out FILE] [--raw] [--invert] [--background COLOR]
                      [--divide NUMBER] [--layout ORDER] [--shape SHAPE]…
       gradus evaluate MODEL DATA [--model MODEL] [--loss LOSS] [--metric METRIC]… [--raw] [--divide NUMBER]
                       [--layout ORDER] [--shape SHAPE]…

  inspect    shows a model's layers, and every array with its shape and range
  convert    writes IN in the format given by the ending of OUT
  predict    prints a model's outputs for each INPUT: a PNG picture, or samples in .npy or .npz
  evaluate   prints a model's loss and metrics on DATA: a folder of IDX files, or an .npz with x and y

  --out FILE    write predictions to a .csv, .npy or .npz file instead of printing a table; .npz for several outputs,
                with their names
  --torch       OUT, or with --model IN, is .safetensors with PyTorch's names and layouts
  --model FILE  the network for a file that has only weights: a model of any format, or a Keras configuration (.json);
                its weights are replaced
  --raw         keep the bytes of pictures and IDX files as 0 to 255 instead of dividing them by 255
  --divide NUMBER
                divide arrays by a number, as in --divide 255 for bytes of pictures (default: arrays are used as they are)
  --invert      invert pictures, for dark ink on bright paper
  --background COLOR
                the color behind transparent pixels: white (default), black or #rrggbb
  --layout ORDER
                the axis order of arrays: channels_last, channels_first, or flat, which flattens samples to one
                axis (default: the order of the model's file)
  --shape SHAPE the shape of one sample for an .onnx model with symbolic sizes, in the order of the file: 3,64,48, or
                with the name of the input image=3,64,48; predict takes it from arrays
  --loss LOSS   the loss instead of that of the file, by its class or Keras' name: mse, huber(delta=2),
                sparse_categorical_crossentropy(from_logits=true)
  --metric METRIC
                a metric instead of those of the file, by its class or Keras' name; may be given several times
  --memory SIZE the memory that the contents of a file may take, as in 4GB (default: 256 MiB plus 16 times the
                length of the file)
  --help        print this help
  --version     print the version

The shape of an array must be that of the model's input. Arrays have the axis order of the model's file: that of the
graph for .onnx, channels last for .keras and .h5, and for .safetensors channels last unless the model was imported
from .onnx. Outputs have this order too. An array with as many axes as a sample is one sample; with one more axis it
is rows of samples. As in Keras, a last axis of size 1 is optional in rows of samples if the order is channels last.
Pictures are height × width × channels; they are converted to gray if the model has one input channel.

A model with several inputs takes an .npz with their names. evaluate takes one with the names of inputs and outputs for
a model with several of them, and uses the losses of its file.

evaluate uses the loss and the metrics of the model's file. If the file has none, such as every .onnx file, they follow
from the last operation and from y, and are printed. If several losses would fit, --loss is required.

";

/// Runs a command line without the name of the program. Results are printed on standard output, errors as one line on
/// standard error.
pub fn run(arguments: impl IntoIterator<Item = OsString>) -> ExitCode {
    match execute(lexopt::Parser::from_args(arguments)) {
        Ok(text) => printed(io::stdout().lock(), &text),
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

/// Prints the results of a command. That the reader has closed the pipe is not an error.
fn printed(mut output: impl Write, text: &str) -> ExitCode {
    match output.write_all(text.as_bytes()).and_then(|()| output.flush()) {
        Err(error) if error.kind() != io::ErrorKind::BrokenPipe => {
            eprintln!("gradus: the results cannot be printed: {error}");
            ExitCode::from(1)
        }
        _ => ExitCode::SUCCESS,
    }
}

fn execute(mut arguments: lexopt::Parser) -> CommandResult {
    let (mut command, mut options) = (None, Options::default());
    while let Some(argument) = arguments.next()? {
        match argument {
            Long("help") | Short('h') => return Ok(format!("{HELP}{}", source::endings())),
            Long("version") | Short('V') => return Ok(format!("gradus {}\n", env!("CARGO_PKG_VERSION"))),
            Long("out") => options.out = Some(arguments.value()?.into()),
            Long("torch") => options.torch = true,
            Long("model") => options.model = Some(arguments.value()?.into()),
            Long("raw") => options.reading.raw = true,
            Long("divide") => {
                let divisor = value(&mut arguments, "divide", "a number other than 0, such as 255", parse_divisor)?;
                options.reading.divide = Some(divisor);
            }
            Long("invert") => options.reading.invert = true,
            Long("loss") => options.loss = Some(arguments.value()?.string()?),
            Long("metric") => options.metrics.push(arguments.value()?.string()?),
            Long("memory") => {
                let expected = "a number of bytes such as 500MB or 4GiB";
                options.reading.memory = value(&mut arguments, "memory", expected, parse_memory)?;
            }
            Long("shape") => {
                let expected = "sizes such as 3,64,48, or NAME=3,64,48";
                options.shapes.push(value(&mut arguments, "shape", expected, SampleShape::parse)?);
            }
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
        (Some("inspect"), [file]) => inspect::inspect(file, &options),
        (Some("convert"), [from, to]) => convert::convert(from, to, &options),
        (Some("predict"), [model, inputs @ ..]) if !inputs.is_empty() => predict::predict(model, inputs, &options),
        (Some("evaluate"), [model, data]) => evaluate::evaluate(model, data, &options),
        (Some("inspect"), files) => Err(wrong_file_count("inspect FILE", files.len())),
        (Some("convert"), files) => Err(wrong_file_count("convert IN OUT", files.len())),
        (Some("predict"), files) => Err(wrong_file_count("predict MODEL INPUT…", files.len())),
        (Some("evaluate"), files) => Err(wrong_file_count("evaluate MODEL DATA", files.len())),
        (Some(other), _) => {
            Err(Failure::Usage(format!("unknown command \"{other}\"; available: inspect, convert, predict, evaluate")))
        }
        (None, _) => Err(Failure::Usage("expected a command".into())),
    }
}

/// Parses the value of an option.
fn value<T>(
    arguments: &mut lexopt::Parser,
    option: &str,
    expected: &str,
    parse: impl FnOnce(&str) -> Option<T>,
) -> Result<T, Failure> {
    let text = arguments.value()?.string()?;
    parse(&text).ok_or_else(|| Failure::Usage(format!("--{option} is \"{text}\", expected {expected}")))
}

/// The failure of a command with a wrong number of files.
fn wrong_file_count(usage: &str, count: usize) -> Failure {
    let found = if count == 1 { "1 file" } else { &format!("{count} files") };
    Failure::Usage(format!("found {found}, expected gradus {usage}"))
}
