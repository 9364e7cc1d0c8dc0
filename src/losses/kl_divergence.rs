//! The Kullback-Leibler divergence between target and predicted probabilities.

use super::accepted::{ONE_HOT, ONE_OUTPUT};
use super::loss::Loss;
use crate::accepts::{Accepts, TargetKind};
use crate::error::Result;
use crate::settings::{FromSpec, Settings};
use crate::shape::Shape;
use crate::spec::Spec;
use crate::tape::Var;

/// The mean over rows of Σᵢ tᵢ · ln(tᵢ / pᵢ), with both clipped to 10⁻⁷ … 1 (Kullback and Leibler 1951), for at least
/// two outputs and targets from 0 to 1, such as one-hot rows. `KLDivergence` in Keras.
///
/// ```
/// use gradus::{Compile, Sequential, layers::*, losses::KlDivergence, optimizers::Sgd};
/// let network = Sequential::new([4]).add(Dense::new(3).activation(Activation::Softmax));
/// let model = network.compile(Compile::new(Sgd::new(0.1), KlDivergence::new()))?;
/// # Ok::<(), gradus::Error>(())
/// ```
#[derive(Clone, Copy, Debug, Default)]
pub struct KlDivergence;

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

impl FromSpec for KlDivergence {
    const CLASS: &'static str = "KLDivergence";

    fn from_spec(_settings: &mut Settings<'_>) -> Result<KlDivergence> {
        Ok(KlDivergence)
    }
}
