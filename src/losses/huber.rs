//! The Huber loss, which is less sensitive to outliers than the mean squared error.

use super::accepted::values;
use super::loss::Loss;
use crate::accepts::Accepts;
use crate::error::{Result, check_setting};
use crate::settings::{FromSpec, Settings};
use crate::shape::Shape;
use crate::spec::Spec;
use crate::tape::Var;

/// The mean of ½ · e² where |e| ≤ delta, and of delta · |e| − ½ · delta² otherwise, with e = p − t (Huber 1964).
/// `Huber` in Keras.
///
/// ```
/// use gradus::{Compile, Sequential, layers::*, losses::Huber, optimizers::Sgd};
/// let network = Sequential::new([4]).add(Dense::new(1));
/// let model = network.compile(Compile::new(Sgd::new(0.1), Huber::new().delta(2.0)))?;
/// # Ok::<(), gradus::Error>(())
/// ```
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
    /// Creates the loss with delta 1, as in Keras.
    pub fn new() -> Huber {
        Huber { delta: 1.0 }
    }

    /// Sets the error beyond which the loss is linear instead of quadratic. Finite and > 0, defaults to 1.
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
