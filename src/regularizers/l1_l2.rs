//! L1 and L2 together.

use super::Regularizer;
use crate::error::Result;
use crate::ops::check_penalty_factor;
use crate::settings::{FromSpec, options};
use crate::spec::Spec;
use crate::tape::Var;

options! {
    /// l1 · Σ |w| + l2 · Σ w². Keras' `L1L2`, both of whose factors are 0 unless they are given.
    #[derive(Clone, Copy, Debug, Default, PartialEq)]
    pub struct L1L2("L1L2") of (l1: f32, l2: f32);
}

impl L1L2 {
    /// With these factors.
    pub fn new(l1: f32, l2: f32) -> L1L2 {
        L1L2::with_defaults(l1, l2)
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
        self.write_options(Spec::new(Self::CLASS))
    }
}

#[cfg(test)]
pub(super) mod tests {
    use super::*;

    pub(crate) fn samples() -> Vec<Box<dyn Regularizer>> {
        vec![Box::new(L1L2::default()), Box::new(L1L2::new(0.25, 0.5))]
    }
}
