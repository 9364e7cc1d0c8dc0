//! Cross-entropy against labels.

use super::{
    Accepts, FromSpec, Loss, ONE_OUTPUT, OutputScale, Result, Settings, Shape, Spec, TargetKind, Var, crossentropy,
};

/// −ln p of the right class, for targets that are integer labels 0, 1, … classes − 1: one for each position of the output.
/// Keras' `SparseCategoricalCrossentropy`.
///
/// An output of shape 8 × 6 × 3 takes labels of shape 8 × 6 per row, and the loss is the mean over the rows and their positions.
///
/// Takes probabilities; where they are a softmax, the loss is computed from its logits, which is exact.
#[derive(Clone, Copy, Debug, Default)]
pub struct SparseCategoricalCrossentropy {
    from_logits: bool,
}

impl SparseCategoricalCrossentropy {
    /// Of probabilities.
    pub fn new() -> SparseCategoricalCrossentropy {
        SparseCategoricalCrossentropy::default()
    }

    /// Whether predictions are logits, to which softmax is still to be applied.
    pub fn from_logits(mut self, from_logits: bool) -> SparseCategoricalCrossentropy {
        self.from_logits = from_logits;
        self
    }
}

impl Loss for SparseCategoricalCrossentropy {
    fn accepts(&self, _output: Shape) -> Accepts {
        let remedy = "CategoricalCrossentropy takes one-hot rows, and arrays of integers are labels";
        Accepts::new(&[TargetKind::Labels]).at_least(2, ONE_OUTPUT).remedy(remedy)
    }

    fn output_scale(&self) -> OutputScale {
        if self.from_logits { OutputScale::SoftmaxLogits } else { OutputScale::Plain }
    }

    fn record<'r>(&self, prediction: Var<'r>, target: Var<'r>) -> Var<'r> {
        crossentropy(prediction, target, None, self.from_logits)
    }

    fn record_weighted<'r>(&self, prediction: Var<'r>, target: Var<'r>, weights: Var<'r>) -> Var<'r> {
        crossentropy(prediction, target, Some(weights), self.from_logits)
    }

    fn spec(&self) -> Spec {
        Spec::new(Self::CLASS).with("from_logits", self.from_logits)
    }
}

impl FromSpec for SparseCategoricalCrossentropy {
    const CLASS: &'static str = "SparseCategoricalCrossentropy";

    fn from_spec(settings: &mut Settings<'_>) -> Result<SparseCategoricalCrossentropy> {
        Ok(SparseCategoricalCrossentropy { from_logits: settings.flag("from_logits")? })
    }
}
