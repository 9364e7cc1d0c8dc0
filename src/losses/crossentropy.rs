//! What the losses of classes record: a cross-entropy.

use crate::tape::Var;

/// Cross-entropy of logits, or of probabilities: exact where they are a softmax, whose logits are then taken.
pub(super) fn crossentropy<'r>(
    prediction: Var<'r>,
    target: Var<'r>,
    weights: Option<Var<'r>>,
    from_logits: bool,
) -> Var<'r> {
    match prediction.logits() {
        _ if from_logits => prediction.softmax_crossentropy_of(target, weights),
        Some(logits) => logits.softmax_crossentropy_of(target, weights),
        None => prediction.categorical_crossentropy_of(target, weights),
    }
}
