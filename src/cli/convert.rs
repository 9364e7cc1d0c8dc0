//! `gradus convert`: converts a model or arrays to another format.

use super::command_line::{CommandResult, Options};
#[cfg(feature = "keras")]
use super::source::no_weights;
use super::source::{Source, ending, only_safetensors, unknown_ending, with_arrays};
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
    let mut skipped = String::new();
    match Source::read(from, options)? {
        Source::Model(loaded) if options.torch => match ending(to) {
            "safetensors" => StateDict::of(&loaded.model)?.save(&loaded.model, to)?,
            _ => return Err(only_safetensors(to).into()),
        },
        Source::Model(loaded) => write_model(&loaded.model, to)?,
        Source::Arrays(..) if options.torch => return Err(no_model(from).into()),
        Source::Arrays(arrays) => {
            write_arrays(&arrays.params, from, to)?;
            skipped = arrays.skipped.iter().map(|(name, problem)| format!("skipped {name}: {problem}\n")).collect();
        }
        #[cfg(feature = "keras")]
        Source::Layers(..) => return Err(no_weights(from).into()),
    }
    Ok(format!("{skipped}{} → {}\n", from.display(), to.display()))
}

fn write_model(model: &Model, to: &Path) -> Result<()> {
    match ending(to) {
        "safetensors" => model.save(to),
        "npz" => npz::write_params(to, model.params()),
        #[cfg(feature = "keras")]
        "h5" if to.to_str().is_some_and(|name| name.ends_with(".weights.h5")) => {
            crate::formats::keras::save_weights(model, to)
        }
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
