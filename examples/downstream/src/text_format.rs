//! A text format for whole networks: layers with their settings and arrays, the calls that connect them, inputs and outputs.
//!
//! Every line is a [`Spec`](gradus::Spec), so the lines are read as parts of models are, by [`FromSpec`](gradus::FromSpec):
//!
//! ```text
//! Network(version=1)
//! Input(name="features", value=0, shape=sizes[8], axes=sizes[])
//! Layer(name="dense", part=Dense(units=2, use_bias=false))
//! Array(name="dense/kernel", shape=sizes[8, 2], elements=numbers[0.5, -1.25])
//! Call(layer="dense", inputs=sizes[0], outputs=sizes[1])
//! Output(name="scores", value=1, axes=sizes[])
//! ```
//!
//! Values have arbitrary numbers; a call takes values that earlier lines define. `axes` is the axis order of the file that
//! the network was imported from. The text of a number is the shortest one that reads back to the same bits, except that all
//! NaN are one. A file has no optimizer, loss and metrics. Every network is read as a [`Graph`](gradus::Graph).
//!
//! ```
//! use downstream::{network, text_format};
//!
//! let model = network::residual(1).architecture(7)?.into_model()?;
//! let text = text_format::to_text(&model)?;
//! let imported = text_format::from_text(&text, &network::registry())?;
//! assert_eq!(imported.params().sha256(), model.params().sha256());
//! # Ok::<(), Box<dyn std::error::Error>>(())
//! ```

mod error;
mod lines;
mod parse;
mod read;
mod write;

pub use error::{Problem, TextError};
pub use read::from_text;
pub use write::to_text;

use gradus::files::{read_whole, write_whole};
use gradus::save::Registry;
use gradus::{Architecture, Error, Model};
use std::path::Path;

/// The version of the format that is written and read.
const VERSION: usize = 1;

/// Writes the network of a model to a file. An existing file stays intact until the new one is complete.
///
/// # Errors
/// The errors of [`to_text`], and [`TextError::File`] when the file cannot be written.
pub fn save(model: &Model, path: impl AsRef<Path>) -> Result<(), TextError> {
    Ok(write_whole(path.as_ref(), to_text(model)?.as_bytes())?)
}

/// Reads a network from a file, with the custom layers of a registry. [`Architecture::into_model`] makes a model that
/// predicts, and [`Architecture::compile`] one that trains.
///
/// # Errors
/// The errors of [`from_text`], and [`TextError::File`] when the file cannot be read.
pub fn load(path: impl AsRef<Path>, registry: &Registry) -> Result<Architecture, TextError> {
    let path = path.as_ref();
    let text = String::from_utf8(read_whole(path)?);
    let text = text.map_err(|error| Error::Format { path: path.into(), problem: error.to_string() })?;
    from_text(&text, registry)
}
