//! Cross-entropy against labels.

use super::{Error, FromSpec, Loss, Result, Settings, Shape, Spec, Var, crossentropy};

/// −ln p of the right class, for targets that are labels: whole numbers 0, 1, … classes − 1. Keras' `SparseCategoricalCrossentropy`.
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
    fn check(&self, prediction: Shape, target: Shape) -> Result<()> {
        if prediction.rank() > 0 && target.sizes() == &prediction.sizes()[..prediction.rank() - 1] {
            return Ok(());
        }
        Err(Error::expected("one whole-number label for each row; CategoricalCrossentropy takes one-hot rows"))
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
