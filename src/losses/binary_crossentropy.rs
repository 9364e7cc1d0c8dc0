//! Cross-entropy of independent probabilities.

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
    /// Binary cross-entropy: the mean of −t · ln p − (1 − t) · ln(1 − p) over rows and outputs. `BinaryCrossentropy` in Keras.
    ///
    /// Targets t are numbers from 0 to 1 in the shape of the outputs p.
    ///
    /// Outputs are probabilities by default. They are clipped to 10⁻⁷ … 1 − 10⁻⁷, even after a sigmoid, as in Keras on JAX and
    /// PyTorch. For an exact loss, omit the sigmoid and use [`from_logits`](BinaryCrossentropy::from_logits).
    ///
    /// ```
    /// use gradus::{Compile, Sequential, data::Arrays, layers::*, losses::BinaryCrossentropy, optimizers::Sgd};
    /// use ndarray::arr2;
    /// let network = Sequential::new([1]).add(Dense::new(1));
    /// let model = network.compile(Compile::new(Sgd::new(0.1), BinaryCrossentropy::new().from_logits(true)))?;
    /// let data = Arrays::new(arr2(&[[0.0f32]]), arr2(&[[1.0f32]]))?;
    /// assert!((model.evaluate(&data)?.loss - std::f64::consts::LN_2).abs() < 1e-6); // probability ½
    /// # Ok::<(), gradus::Error>(())
    /// ```
    #[derive(Clone, Copy, Debug)]
    #[must_use]
    pub struct BinaryCrossentropy("BinaryCrossentropy") {
        /// Whether outputs are logits. If so, the loss applies sigmoid. Defaults to `false`.
        value from_logits: bool = false,
        /// Sets how far each target is moved toward ½: t · (1 − smoothing) + smoothing / 2. From 0, the default, to 1.
        added label_smoothing: f32 = 0.0,
    }
}

impl BinaryCrossentropy {
    /// Creates the loss for outputs that are probabilities.
    pub fn new() -> BinaryCrossentropy {
        BinaryCrossentropy::with_defaults()
    }

    fn record_rows<'r>(&self, prediction: Var<'r>, target: Var<'r>, weights: Option<Var<'r>>) -> Var<'r> {
        let target = smoothed(target, self.label_smoothing, 2);
        match self.from_logits {
            true => prediction.sigmoid_crossentropy_of(target, weights),
            false => prediction.binary_crossentropy_of(target, weights),
        }
    }
}

impl Loss for BinaryCrossentropy {
    fn accepts(&self, _output: Shape) -> Accepts {
        let remedy = "SparseCategoricalCrossentropy takes integer labels of several classes";
        Accepts::new(&[TargetKind::Probabilities]).remedy(remedy)
    }

    fn output_scale(&self) -> OutputScale {
        if self.from_logits { OutputScale::SigmoidLogits } else { OutputScale::Plain }
    }

    fn record<'r>(&self, prediction: Var<'r>, target: Var<'r>) -> Var<'r> {
        self.record_rows(prediction, target, None)
    }

    fn record_weighted<'r>(&self, prediction: Var<'r>, target: Var<'r>, weights: Var<'r>) -> Var<'r> {
        self.record_rows(prediction, target, Some(weights))
    }

    fn check_settings(&self) -> Result<()> {
        check_smoothing(Self::CLASS, self.label_smoothing)
    }

    fn spec(&self) -> Spec {
        self.write_options(Spec::new(Self::CLASS))
    }
}
