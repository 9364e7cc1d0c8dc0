//! A layer chosen at run time: `Box<dyn Layer>` implements `Layer`, so a network accepts it.

use crate::isru::IsruLayer;
use crate::table::FEATURES;
use gradus::layers::{Activation, Dense, Dropout, Layer, LayerNorm};
use gradus::{Error, Result, Sequential};

/// The words that [`layer`] accepts.
pub const WORDS: [&str; 4] = ["isru", "relu", "layer_norm", "dropout"];

/// Returns the layer that a word names.
///
/// # Errors
/// [`Error::Unknown`] if the word is not in [`WORDS`].
pub fn layer(word: &str) -> Result<Box<dyn Layer>> {
    Ok(match word {
        "isru" => Box::new(IsruLayer),
        "relu" => Box::new(Activation::Relu),
        "layer_norm" => Box::new(LayerNorm::new()),
        "dropout" => Box::new(Dropout::new(0.1)),
        _ => return Err(Error::Unknown { kind: "word", name: word.into(), known: WORDS.map(String::from).into() }),
    })
}

/// A network from the features to one value, with this layer in the middle.
pub fn network(layer: Box<dyn Layer>) -> Sequential {
    Sequential::new([FEATURES]).add(Dense::new(16)).add(layer).add(Dense::new(1))
}
