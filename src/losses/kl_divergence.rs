//! The Kullback-Leibler divergence between target and predicted probabilities.

use super::accepted::{ONE_HOT, ONE_OUTPUT};
use super::loss::Loss;
use crate::accepts::{Accepts, TargetKind};
use crate::settings::{FromSpec, options};
use crate::shape::Shape;
use crate::spec::Spec;
use crate::tape::Var;

options! {
    /// The Kullback-Leibler divergence: the mean over rows of Σᵢ tᵢ · ln(tᵢ / pᵢ), with both clipped to 10⁻⁷ … 1 (Kullback and
    /// Leibler 1951). `KLDivergence` in Keras.
    ///
    /// There are at least two outputs p. Targets t are numbers from 0 to 1 in the shape of the outputs, such as one-hot rows.
    ///
    /// ```
    /// use gradus::{Compile, Sequential, data::Arrays, layers::*, losses::KlDivergence, optimizers::Sgd};
    /// use ndarray::arr2;
    /// let network = Sequential::new([2]).add(Dense::new(2).activation(Activation::Softmax));
    /// let model = network.compile(Compile::new(Sgd::new(0.1), KlDivergence::new()))?;
    /// let data = Arrays::new(arr2(&[[0.0f32, 0.0]]), arr2(&[[1.0f32, 0.0]]))?;
    /// assert!((model.evaluate(&data)?.loss - std::f64::consts::LN_2).abs() < 1e-5); // probability ½
    /// # Ok::<(), gradus::Error>(())
    /// ```
    #[derive(Clone, Copy, Debug, Default)]
    pub struct KlDivergence("KLDivergence");
}

impl KlDivergence {
    /// Creates the loss, which has no settings.
    pub fn new() -> KlDivergence {
        KlDivergence
    }
}

impl Loss for KlDivergence {
    fn accepts(&self, _output: Shape) -> Accepts {
        Accepts::new(&[TargetKind::Probabilities]).at_least(2, ONE_OUTPUT).remedy(ONE_HOT)
    }

    fn record<'r>(&self, prediction: Var<'r>, target: Var<'r>) -> Var<'r> {
        prediction.kl_divergence(target)
    }

    fn record_weighted<'r>(&self, prediction: Var<'r>, target: Var<'r>, weights: Var<'r>) -> Var<'r> {
        prediction.kl_divergence_of(target, Some(weights))
    }

    fn spec(&self) -> Spec {
        Spec::new(Self::CLASS)
    }
}
