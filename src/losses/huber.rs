//! Huber's loss, which large errors cannot dominate.

use super::accepted::values;
use super::loss::Loss;
use crate::accepts::Accepts;
use crate::error::{Result, check_setting};
use crate::settings::{FromSpec, Settings};
use crate::shape::Shape;
use crate::spec::Spec;
use crate::tape::Var;

/// The mean of ½ · e² where |e| ≤ delta, and of delta · |e| − ½ · delta² beyond, with e = p − t (Huber 1964). Keras' `Huber`.
#[derive(Clone, Copy, Debug)]
#[must_use]
pub struct Huber {
    delta: f32,
}

impl Default for Huber {
    fn default() -> Huber {
        Huber::new()
    }
}

impl Huber {
    /// With delta 1, as in Keras.
    pub fn new() -> Huber {
        Huber { delta: 1.0 }
    }

    /// From where on an error counts by itself rather than by its square.
    pub fn delta(mut self, delta: f32) -> Huber {
        self.delta = delta;
        self
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
        Spec::new(Self::CLASS).with("delta", self.delta)
    }
}

impl FromSpec for Huber {
    const CLASS: &'static str = "Huber";

    fn from_spec(settings: &mut Settings<'_>) -> Result<Huber> {
        Ok(Huber { delta: settings.number("delta")? })
    }
}
