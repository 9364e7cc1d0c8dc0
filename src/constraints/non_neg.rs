//! NonNeg: weights of at least 0.

use super::Constraint;
use crate::settings::{FromSpec, options};
use crate::spec::Spec;
use crate::tape::Var;

options! {
    /// Replaces negative weights by 0. `NonNeg` in Keras.
    ///
    /// ```
    /// use gradus::{constraints::NonNeg, layers::Dense};
    /// let layer = Dense::new(10).bias_constraint(NonNeg);
    /// ```
    #[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
    pub struct NonNeg("NonNeg");
}

impl Constraint for NonNeg {
    fn record<'r>(&self, weights: Var<'r>) -> Var<'r> {
        weights.clip(0.0, f32::INFINITY)
    }

    fn spec(&self) -> Spec {
        Spec::new(Self::CLASS)
    }
}

#[cfg(test)]
pub(super) mod tests {
    use super::*;

    pub(crate) fn samples() -> Vec<Box<dyn Constraint>> {
        vec![Box::new(NonNeg)]
    }
}
