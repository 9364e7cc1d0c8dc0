//! The type of a model's preprocessing.

use crate::preprocessing::Preprocessing;
use std::collections::BTreeMap;
use std::sync::Arc;

/// The preprocessing of each input that has one, by the input's name.
pub(super) type Parts = BTreeMap<String, Arc<dyn Preprocessing>>;
