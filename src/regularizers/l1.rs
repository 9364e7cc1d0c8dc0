//! L1: the sum of magnitudes, which draws weights to 0 until they are.

use super::Regularizer;
use crate::error::Result;
use crate::ops::check_penalty_factor;
use crate::settings::{FromSpec, options};
use crate::spec::Spec;
use crate::tape::Var;

options! {
    /// l1 · Σ |w|. Keras' `L1`.
    #[derive(Clone, Copy, Debug, PartialEq)]
    pub struct L1("L1") of (l1: f32);
}

impl Default for L1 {
    /// With Keras' factor of 0.01.
    fn default() -> L1 {
        L1::new(0.01)
    }
}

impl L1 {
    /// With this factor.
    pub fn new(l1: f32) -> L1 {
        L1::with_defaults(l1)
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
        self.write_options(Spec::new(Self::CLASS))
    }
}

#[cfg(test)]
pub(super) mod tests {
    use super::*;

    pub(crate) fn samples() -> Vec<Box<dyn Regularizer>> {
        vec![Box::new(L1::default()), Box::new(L1::new(0.5))]
    }
}
