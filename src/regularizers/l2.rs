//! L2 regularization, which penalizes large weights most.

use super::Regularizer;
use crate::error::Result;
use crate::ops::check_penalty_factor;
use crate::settings::{FromSpec, Settings};
use crate::spec::Spec;
use crate::tape::Var;

/// The penalty l2 · Σ w². `L2` in Keras.
///
/// ```
/// use gradus::{layers::Dense, regularizers::L2};
/// let layer = Dense::new(10).kernel_regularizer(L2::new(1e-4));
/// ```
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct L2 {
    l2: f32,
}

impl Default for L2 {
    /// Factor 0.01, as in Keras.
    fn default() -> L2 {
        L2::new(0.01)
    }
}

impl L2 {
    /// Creates the regularizer from its factor, which is finite and ≥ 0.
    pub fn new(l2: f32) -> L2 {
        L2 { l2 }
    }
}

impl Regularizer for L2 {
    fn record<'r>(&self, weights: Var<'r>) -> Var<'r> {
        weights.penalty(0.0, self.l2)
    }

    fn check(&self) -> Result<()> {
        check_penalty_factor("L2", "l2", self.l2)
    }

    fn spec(&self) -> Spec {
        Spec::new(Self::CLASS).with("l2", self.l2)
    }
}

impl FromSpec for L2 {
    const CLASS: &'static str = "L2";

    fn from_spec(settings: &mut Settings<'_>) -> Result<L2> {
        Ok(L2 { l2: settings.number("l2")? })
    }
}

#[cfg(test)]
pub(super) mod tests {
    use super::*;

    pub(crate) fn samples() -> Vec<Box<dyn Regularizer>> {
        vec![Box::new(L2::default()), Box::new(L2::new(0.5))]
    }
}
