//! Recording of the cross-entropy of classes.

use crate::tape::Var;

/// Cross-entropy of logits or probabilities. Probabilities from a softmax are replaced by its logits, which is exact.
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
