//! The parts that preprocess a model's inputs.

use crate::preprocessing::Preprocessing;
use std::collections::BTreeMap;

/// The part of each input that has one, by the input's name.
pub(super) type Parts = BTreeMap<String, Box<dyn Preprocessing>>;
