//! `gradus convert`: converts a model or arrays to another format.

use super::command_line::{CommandResult, Options};
use super::source::{Source, ending, unknown_ending};
use crate::error::{Error, Result};
use crate::formats::npz;
use crate::formats::torch::StateDict;
use crate::model::Model;
use crate::tape::Params;
use std::path::Path;

pub(super) fn convert(from: &Path, to: &Path, options: &Options) -> CommandResult {
    if let Some(model) = &options.model {
        write_model(&with_arrays(Source::model(model, &options.shapes)?, from, options.torch)?, to)?;
        return Ok(format!("{} with the arrays of {} → {}\n", model.display(), from.display(), to.display()));
    }
    match Source::read(from, &options.shapes)? {
        Source::Model(loaded) if options.torch => match ending(to) {
            "safetensors" => StateDict::of(&loaded.model)?.save(&loaded.model, to)?,
            _ => return Err(only_safetensors(to).into()),
        },
        Source::Model(loaded) => write_model(&loaded.model, to)?,
        Source::Arrays(..) if options.torch => return Err(no_model(from).into()),
        Source::Arrays(params, _) => write_arrays(&params, from, to)?,
    }
    Ok(format!("{} → {}\n", from.display(), to.display()))
}

/// Returns the model with the arrays of a file.
fn with_arrays(mut model: Model, from: &Path, torch: bool) -> Result<Model> {
    match ending(from) {
        "safetensors" if torch => StateDict::of(&model)?.load(&mut model, from)?,
        _ if torch => return Err(only_safetensors(from)),
        "safetensors" => model.load_weights(from)?,
        "npz" => model.params_mut().assign(&npz::read_params(from)?)?,
        #[cfg(feature = "keras")]
        "h5" | "hdf5" => crate::formats::keras::load_weights(&mut model, from)?,
        _ => return Err(unknown_ending(from)),
    }
    Ok(model)
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
    let problem = "it has arrays but no model; only .safetensors and .npz files can have arrays without a model";
    Error::Format { path: from.into(), problem: problem.into() }
}

fn only_safetensors(to: &Path) -> Error {
    Error::Format { path: to.into(), problem: "with --torch, its name must end in .safetensors".into() }
}
