//! The hinge loss.

use super::accepted::ONE_HOT;
use super::loss::Loss;
use crate::accepts::{Accepts, TargetKind};
use crate::output_scale::OutputScale;
use crate::settings::{FromSpec, options};
use crate::shape::Shape;
use crate::spec::Spec;
use crate::tape::Var;

options! {
    /// The hinge loss: the mean of max(1 − t · p, 0) over rows and outputs. `Hinge` in Keras.
    ///
    /// Targets t are −1 and 1 in the shape of the outputs p. Targets 0 and 1 are converted to −1 and 1.
    ///
    /// ```
    /// use gradus::{Compile, Sequential, data::Arrays, initializers::Ones, layers::*, losses::Hinge, optimizers::Sgd};
    /// use ndarray::arr2;
    /// let network = Sequential::new([1]).add(Dense::new(1).kernel_initializer(Ones));
    /// let model = network.compile(Compile::new(Sgd::new(0.1), Hinge::new()))?;
    /// let data = Arrays::new(arr2(&[[0.5f32], [-2.0]]), arr2(&[[1.0f32], [-1.0]]))?;
    /// assert_eq!(model.evaluate(&data)?.loss, 0.25); // outputs 0.5 and −2
    /// # Ok::<(), gradus::Error>(())
    /// ```
    #[derive(Clone, Copy, Debug, Default)]
    pub struct Hinge("Hinge");
}

impl Hinge {
    /// Creates the loss, which has no settings.
    pub fn new() -> Hinge {
        Hinge
    }
}

impl Loss for Hinge {
    fn accepts(&self, _output: Shape) -> Accepts {
        Accepts::new(&[TargetKind::Signs]).remedy(ONE_HOT)
    }

    fn record<'r>(&self, prediction: Var<'r>, target: Var<'r>) -> Var<'r> {
        prediction.hinge(target)
    }

    fn record_weighted<'r>(&self, prediction: Var<'r>, target: Var<'r>, weights: Var<'r>) -> Var<'r> {
        prediction.hinge_of(target, Some(weights))
    }

    fn output_scale(&self) -> OutputScale {
        OutputScale::Margins
    }

    fn spec(&self) -> Spec {
        Spec::new(Self::CLASS)
    }
}
