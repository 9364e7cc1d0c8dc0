//! L1 and L2 regularization combined.

use super::Regularizer;
use crate::error::Result;
use crate::ops::check_penalty_factor;
use crate::settings::{FromSpec, Settings};
use crate::spec::Spec;
use crate::tape::Var;

/// The penalty l1 · Σ |w| + l2 · Σ w². Both factors are 0 by default. `L1L2` in Keras.
///
/// ```
/// use gradus::{layers::Dense, regularizers::L1L2};
/// let layer = Dense::new(10).kernel_regularizer(L1L2::new(1e-5, 1e-4));
/// ```
#[derive(Clone, Copy, Debug, Default, PartialEq)]
pub struct L1L2 {
    l1: f32,
    l2: f32,
}

impl L1L2 {
    /// Creates the regularizer from its factors, which are finite and ≥ 0.
    pub fn new(l1: f32, l2: f32) -> L1L2 {
        L1L2 { l1, l2 }
    }
}

impl Regularizer for L1L2 {
    fn record<'r>(&self, weights: Var<'r>) -> Var<'r> {
        weights.penalty(self.l1, self.l2)
    }

    fn check(&self) -> Result<()> {
        check_penalty_factor("L1L2", "l1", self.l1)?;
        check_penalty_factor("L1L2", "l2", self.l2)
    }

    fn spec(&self) -> Spec {
        Spec::new(Self::CLASS).with("l1", self.l1).with("l2", self.l2)
    }
}

impl FromSpec for L1L2 {
    const CLASS: &'static str = "L1L2";

    fn from_spec(settings: &mut Settings<'_>) -> Result<L1L2> {
        Ok(L1L2 { l1: settings.number("l1")?, l2: settings.number("l2")? })
    }
}

#[cfg(test)]
pub(super) mod tests {
    use super::*;

    pub(crate) fn samples() -> Vec<Box<dyn Regularizer>> {
        vec![Box::new(L1L2::default()), Box::new(L1L2::new(0.25, 0.5))]
    }
}
