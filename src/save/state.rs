//! The state of a callback, as stored in checkpoints.

use crate::error::{Error, Result};
use crate::tape::Params;
use std::collections::BTreeMap;

/// The state of a callback in a checkpoint: named numbers, and arrays such as the best weights.
///
/// ```
/// use gradus::CallbackState;
/// let state = CallbackState::new("EarlyStopping").with("wait", 2.0).with("best", f64::INFINITY);
/// assert_eq!(state.number("wait")?, 2.0);
/// assert_eq!(state.number("patience").unwrap_err().to_string(), "the state of EarlyStopping has no \"patience\"");
/// # Ok::<(), gradus::Error>(())
/// ```
#[derive(Clone, Debug, Default)]
#[must_use]
pub struct CallbackState {
    pub(super) name: String,
    pub(super) numbers: BTreeMap<String, f64>,
    pub(super) params: Params,
}

impl CallbackState {
    /// Creates a state. `name` is the type of the callback.
    pub fn new(name: impl Into<String>) -> CallbackState {
        CallbackState { name: name.into(), ..CallbackState::default() }
    }

    /// Adds a number. Integers are exact up to 2⁵³.
    pub fn with(mut self, name: impl Into<String>, value: f64) -> CallbackState {
        self.numbers.insert(name.into(), value);
        self
    }

    /// Adds copies of arrays. [`Params::assign`] restores them.
    pub fn with_params(mut self, params: &Params) -> CallbackState {
        self.params = params.clone();
        self
    }

    /// Name of the callback.
    pub fn name(&self) -> &str {
        &self.name
    }

    /// Returns the number with this name.
    ///
    /// # Errors
    /// The state has no number with this name.
    pub fn number(&self, name: &str) -> Result<f64> {
        let number = self.numbers.get(name).copied();
        number.ok_or_else(|| Error::other(format!("the state of {} has no \"{name}\"", self.name)))
    }

    /// The arrays. Empty if the state has none.
    pub fn params(&self) -> &Params {
        &self.params
    }
}
