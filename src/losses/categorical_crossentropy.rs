//! Cross-entropy with one-hot targets.

use super::accepted::ONE_OUTPUT;
use super::crossentropy::crossentropy;
use super::loss::Loss;
use super::smoothing::{check_smoothing, smoothed};
use crate::accepts::{Accepts, TargetKind};
use crate::error::Result;
use crate::output_scale::OutputScale;
use crate::settings::{FromSpec, options};
use crate::shape::Shape;
use crate::spec::Spec;
use crate::tape::Var;

options! {
    /// Categorical cross-entropy: the mean over rows of −Σᵢ tᵢ · ln pᵢ. `CategoricalCrossentropy` in Keras.
    ///
    /// There are at least two outputs p. Targets t are rows of probabilities in the shape of the outputs, such as one-hot rows.
    ///
    /// Outputs are probabilities by default. After a softmax, the loss is computed from its logits, which is exact.
    ///
    /// ```
    /// use gradus::{Compile, Sequential, data::Arrays, layers::*, losses::CategoricalCrossentropy, optimizers::Sgd};
    /// use ndarray::arr2;
    /// let network = Sequential::new([2]).add(Dense::new(2).activation(Activation::Softmax));
    /// let model = network.compile(Compile::new(Sgd::new(0.1), CategoricalCrossentropy::new()))?;
    /// let data = Arrays::new(arr2(&[[0.0f32, 0.0]]), arr2(&[[1.0f32, 0.0]]))?;
    /// assert!((model.evaluate(&data)?.loss - std::f64::consts::LN_2).abs() < 1e-6); // probability ½
    /// # Ok::<(), gradus::Error>(())
    /// ```
    #[derive(Clone, Copy, Debug)]
    #[must_use]
    pub struct CategoricalCrossentropy("CategoricalCrossentropy") {
        /// Whether outputs are logits. If so, the loss applies softmax. Defaults to `false`.
        value from_logits: bool = false,
        /// Sets the share of each target that is spread over all classes: t · (1 − smoothing) + smoothing / classes. From
        /// 0, the default, to 1.
        added label_smoothing: f32 = 0.0,
    }
}

impl CategoricalCrossentropy {
    /// Creates the loss for outputs that are probabilities.
    pub fn new() -> CategoricalCrossentropy {
        CategoricalCrossentropy::with_defaults()
    }
}

impl Loss for CategoricalCrossentropy {
    fn accepts(&self, _output: Shape) -> Accepts {
        let remedy =
            "Arrays::one_hot and to_categorical make one-hot rows, and SparseCategoricalCrossentropy takes labels";
        Accepts::new(&[TargetKind::Probabilities]).at_least(2, ONE_OUTPUT).remedy(remedy)
    }

    fn output_scale(&self) -> OutputScale {
        if self.from_logits { OutputScale::SoftmaxLogits } else { OutputScale::Plain }
    }

    fn record<'r>(&self, prediction: Var<'r>, target: Var<'r>) -> Var<'r> {
        let target = smoothed(target, self.label_smoothing, prediction.shape().last());
        crossentropy(prediction, target, None, self.from_logits)
    }

    fn record_weighted<'r>(&self, prediction: Var<'r>, target: Var<'r>, weights: Var<'r>) -> Var<'r> {
        let target = smoothed(target, self.label_smoothing, prediction.shape().last());
        crossentropy(prediction, target, Some(weights), self.from_logits)
    }

    fn check_settings(&self) -> Result<()> {
        check_smoothing(Self::CLASS, self.label_smoothing)
    }

    fn spec(&self) -> Spec {
        self.write_options(Spec::new(Self::CLASS))
    }
}
