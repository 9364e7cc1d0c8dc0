//! Sources of predictions: models, and ONNX files.

use super::command_line::Options;
#[cfg(feature = "onnx")]
use super::onnx_file::OnnxFile;
use super::prediction::{Predictions, predict};
use super::source::Source;
#[cfg(feature = "onnx")]
use super::source::ending;
use crate::error::Result;
use crate::model::Model;
use std::path::Path;

/// A source of predictions.
pub(super) enum Predictor {
    Model(Box<Model>),
    #[cfg(feature = "onnx")]
    Onnx(Box<OnnxFile>),
}

impl Predictor {
    pub(super) fn read(path: &Path, options: &Options) -> Result<Predictor> {
        #[cfg(feature = "onnx")]
        if ending(path) == "onnx" {
            return Ok(Predictor::Onnx(Box::new(OnnxFile::read(path, options)?)));
        }
        Ok(Predictor::Model(Box::new(Source::model(path, options)?)))
    }

    pub(super) fn predict(&self, file: &Path, options: &Options) -> Result<Predictions> {
        match self {
            Predictor::Model(model) => predict(model, file, options),
            #[cfg(feature = "onnx")]
            Predictor::Onnx(graph) => graph.predict(file, options),
        }
    }
}
