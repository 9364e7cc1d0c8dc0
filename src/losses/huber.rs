//! Huber's loss, which large errors cannot dominate.

use super::{Accepts, FromSpec, Loss, Result, Shape, Spec, Var, check_setting, values};
use crate::settings::options;

options! {
    /// The mean of ½ · e² where |e| ≤ delta, and of delta · |e| − ½ · delta² beyond, with e = p − t (Huber 1964). Keras' `Huber`.
    #[derive(Clone, Copy, Debug)]
    #[must_use]
    pub struct Huber("Huber") {
        /// Magnitude of an error from which on its cost grows linearly instead of quadratically, finite and > 0. Defaults
        /// to 1.
        value delta: f32 = 1.0,
    }
}

impl Huber {
    /// With delta 1, as in Keras.
    pub fn new() -> Huber {
        Huber::with_defaults()
    }
}

impl Loss for Huber {
    fn accepts(&self, _output: Shape) -> Accepts {
        values()
    }

    fn record<'r>(&self, prediction: Var<'r>, target: Var<'r>) -> Var<'r> {
        prediction.huber(target, self.delta)
    }

    fn record_weighted<'r>(&self, prediction: Var<'r>, target: Var<'r>, weights: Var<'r>) -> Var<'r> {
        prediction.huber_of(target, self.delta, Some(weights))
    }

    fn check_settings(&self) -> Result<()> {
        let fits = self.delta > 0.0 && self.delta.is_finite();
        check_setting(fits, Self::CLASS, "delta", f64::from(self.delta), "finite and > 0")
    }

    fn spec(&self) -> Spec {
        self.write_options(Spec::new(Self::CLASS))
    }
}
