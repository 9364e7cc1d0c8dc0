//! `gradus convert`: converts a model or arrays to another format.

use super::command_line::{CommandResult, Options};
#[cfg(feature = "keras")]
use super::source::no_weights;
use super::source::{Loaded, Source, ending, only_safetensors, unknown_ending, with_arrays, wrong};
use crate::error::{Error, Result};
use crate::formats::npz;
use crate::formats::torch::StateDict;
use crate::model::Model;
use crate::tape::Params;
use std::path::Path;

pub(super) fn convert(from: &Path, to: &Path, options: &Options) -> CommandResult {
    if let Some(model) = &options.model {
        write_model(&with_arrays(model, from, options)?, to)?;
        return Ok(format!("{} with the arrays of {} → {}\n", model.display(), from.display(), to.display()));
    }
    if ending(from) == "npy" {
        return Err(wrong(from, "an array has no name in other formats; save it in an .npz".into()).into());
    }
    let skipped: String = match Source::read(from, options)? {
        Source::Model(loaded) => {
            match (options.torch, ending(to)) {
                (true, "safetensors") => StateDict::of(&loaded.model)?.save(&loaded.model, to)?,
                (true, _) => return Err(only_safetensors(to).into()),
                (false, _) => write_model(&loaded.model, to)?,
            }
            dropped(&loaded, to, options.torch)
        }
        Source::Arrays(..) if options.torch => return Err(no_model(from).into()),
        Source::Arrays(arrays) => {
            write_arrays(&arrays.params, from, to)?;
            arrays.skipped.iter().map(|(name, problem)| format!("skipped {name}: {problem}\n")).collect()
        }
        #[cfg(feature = "keras")]
        Source::Layers(..) => return Err(no_weights(from).into()),
    };
    Ok(format!("{skipped}{} → {}\n", from.display(), to.display()))
}

/// Describes the contents of a model's file that are not in the converted file.
fn dropped(loaded: &Loaded, to: &Path, torch: bool) -> String {
    let outputs = loaded.left_out.iter().map(|name| format!("dropped output {name}: it is not an array of floats\n"));
    let mut text: String = outputs.collect();
    let only_forward = torch || ["npz", "onnx"].contains(&ending(to)) || is_weights_file(to);
    match &loaded.problem {
        Some(problem) => text.push_str(&format!("dropped training settings: {problem}\n")),
        None if only_forward && loaded.model.optimizer().is_some() => {
            text.push_str("dropped training settings and the state of the optimizer: the new file cannot hold them\n");
        }
        None => {}
    }
    text
}

fn is_weights_file(path: &Path) -> bool {
    path.to_str().is_some_and(|name| name.ends_with(".weights.h5"))
}

fn write_model(model: &Model, to: &Path) -> Result<()> {
    match ending(to) {
        "safetensors" => model.save(to),
        "npz" => npz::write_params(to, model.params()),
        #[cfg(feature = "keras")]
        "h5" if is_weights_file(to) => crate::formats::keras::save_weights(model, to),
        #[cfg(feature = "keras")]
        "keras" | "h5" | "hdf5" => crate::formats::keras::save(model, to),
        #[cfg(feature = "onnx")]
        "onnx" => crate::formats::onnx::export(model, to),
        _ => Err(unknown_ending(to)),
    }
}

fn write_arrays(params: &Params, from: &Path, to: &Path) -> Result<()> {
    match ending(to) {
        "safetensors" => params.save(to),
        "npz" => npz::write_params(to, params),
        "keras" | "h5" | "hdf5" | "onnx" => Err(no_model(from)),
        _ => Err(unknown_ending(to)),
    }
}

fn no_model(from: &Path) -> Error {
    let problem = "it has arrays but no model; give the network with --model, or write .safetensors or .npz";
    Error::Format { path: from.into(), problem: problem.into() }
}
