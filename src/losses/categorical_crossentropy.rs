//! Cross-entropy against one-hot rows.

use super::{Error, FromSpec, Loss, Result, Settings, Shape, Spec, Var, crossentropy};

/// −Σᵢ tᵢ · ln pᵢ for targets that are rows of probabilities, such as one-hot ones. Keras' `CategoricalCrossentropy`.
///
/// Takes probabilities; where they are a softmax, the loss is computed from its logits, which is exact.
#[derive(Clone, Copy, Debug, Default)]
pub struct CategoricalCrossentropy {
    from_logits: bool,
}

impl CategoricalCrossentropy {
    /// Of probabilities.
    pub fn new() -> CategoricalCrossentropy {
        CategoricalCrossentropy::default()
    }

    /// Whether predictions are logits, to which softmax is still to be applied.
    pub fn from_logits(mut self, from_logits: bool) -> CategoricalCrossentropy {
        self.from_logits = from_logits;
        self
    }
}

impl Loss for CategoricalCrossentropy {
    fn check(&self, prediction: Shape, target: Shape) -> Result<()> {
        if target == prediction && prediction.rank() > 0 {
            return Ok(());
        }
        Err(Error::expected(
            "targets like the predictions, one-hot rows; to_categorical makes them, and SparseCategoricalCrossentropy takes labels",
        ))
    }

    fn record<'r>(&self, prediction: Var<'r>, target: Var<'r>) -> Var<'r> {
        crossentropy(prediction, target, self.from_logits)
    }

    fn spec(&self) -> Spec {
        Spec::new(Self::CLASS).with("from_logits", self.from_logits)
    }
}

impl FromSpec for CategoricalCrossentropy {
    const CLASS: &'static str = "CategoricalCrossentropy";

    fn from_spec(settings: &mut Settings<'_>) -> Result<CategoricalCrossentropy> {
        Ok(CategoricalCrossentropy { from_logits: settings.flag("from_logits")? })
    }
}
