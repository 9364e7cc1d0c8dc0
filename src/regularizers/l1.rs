//! L1 regularization, which makes weights sparse.

use super::Regularizer;
use crate::error::Result;
use crate::ops::check_penalty_factor;
use crate::settings::{FromSpec, Settings};
use crate::spec::Spec;
use crate::tape::Var;

/// The penalty l1 · Σ |w|. `L1` in Keras.
///
/// ```
/// use gradus::{layers::Dense, regularizers::L1};
/// let layer = Dense::new(10).kernel_regularizer(L1::new(1e-4));
/// ```
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct L1 {
    l1: f32,
}

impl Default for L1 {
    /// Factor 0.01, as in Keras.
    fn default() -> L1 {
        L1::new(0.01)
    }
}

impl L1 {
    /// Creates the regularizer from its factor, which is finite and ≥ 0.
    pub fn new(l1: f32) -> L1 {
        L1 { l1 }
    }
}

impl Regularizer for L1 {
    fn record<'r>(&self, weights: Var<'r>) -> Var<'r> {
        weights.penalty(self.l1, 0.0)
    }

    fn check(&self) -> Result<()> {
        check_penalty_factor("L1", "l1", self.l1)
    }

    fn spec(&self) -> Spec {
        Spec::new(Self::CLASS).with("l1", self.l1)
    }
}

impl FromSpec for L1 {
    const CLASS: &'static str = "L1";

    fn from_spec(settings: &mut Settings<'_>) -> Result<L1> {
        Ok(L1 { l1: settings.number("l1")? })
    }
}

#[cfg(test)]
pub(super) mod tests {
    use super::*;

    pub(crate) fn samples() -> Vec<Box<dyn Regularizer>> {
        vec![Box::new(L1::default()), Box::new(L1::new(0.5))]
    }
}
