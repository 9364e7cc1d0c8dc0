//! L2: the sum of squares, which draws large weights most.

use super::Regularizer;
use crate::error::Result;
use crate::ops::check_penalty_factor;
use crate::settings::{FromSpec, options};
use crate::spec::Spec;
use crate::tape::Var;

options! {
    /// l2 · Σ w². Keras' `L2`.
    #[derive(Clone, Copy, Debug, PartialEq)]
    pub struct L2("L2") of (l2: f32);
}

impl Default for L2 {
    /// With Keras' factor of 0.01.
    fn default() -> L2 {
        L2::new(0.01)
    }
}

impl L2 {
    /// With this factor.
    pub fn new(l2: f32) -> L2 {
        L2::with_defaults(l2)
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
        self.write_options(Spec::new(Self::CLASS))
    }
}

#[cfg(test)]
pub(super) mod tests {
    use super::*;

    pub(crate) fn samples() -> Vec<Box<dyn Regularizer>> {
        vec![Box::new(L2::default()), Box::new(L2::new(0.5))]
    }
}
