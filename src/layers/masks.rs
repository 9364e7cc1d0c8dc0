//! Masks of the inputs of layers, and operations with them.

use crate::error::Error;
use crate::shape::Shape;
use crate::tape::Var;

/// Returns a value with a mask, or with none.
pub(super) fn set<'r>(y: Var<'r>, mask: Option<Var<'r>>) -> Var<'r> {
    match mask {
        Some(mask) => y.with_mask(mask),
        None => y.without_mask(),
    }
}

/// The mask of valid values: 1 where `x` is not 0.
pub(super) fn nonzero(x: Var<'_>) -> Var<'_> {
    x.recorder().constant_values(Shape::SCALAR, vec![1.0]).where_nonzero(x)
}

/// The mask of `x` with a last axis of size 1, so that it broadcasts along the features. A mask with fewer axes than all but
/// the last is an error of the recording.
pub(super) fn of_steps(x: Var<'_>) -> Option<Var<'_>> {
    let (mask, shape) = (x.mask()?, x.shape());
    let fits = mask.shape().rank() + 1 == shape.rank();
    let steps = shape.with_axis(shape.rank().saturating_sub(1), 1);
    let expected = || Error::expected(format!("a mask of all axes but the last of a value of {shape}"));
    Some(x.recorder().alias(mask, "mask", if fits { Ok(steps) } else { Err(expected()) }))
}

/// `a` where the mask is 1, and `b` where it is 0, with NumPy's broadcasting.
pub(super) fn select<'r>(mask: Var<'r>, a: Var<'r>, b: Var<'r>) -> Var<'r> {
    a.where_nonzero(mask) + b.where_nonzero(1.0 - mask)
}

/// The mask of a merged value: valid where any input is valid; `None` if an input has no mask.
pub(super) fn any<'r>(inputs: &[Var<'r>]) -> Option<Var<'r>> {
    let masks = inputs.iter().map(|x| x.mask()).collect::<Option<Vec<Var<'r>>>>()?;
    let first = masks.first()?.shape();
    if let Some(other) = masks.iter().map(Var::shape).find(|mask| mask.rank() != first.rank()) {
        let recorder = inputs[0].recorder();
        let expected = Error::expected("masks with equal numbers of axes");
        recorder.fail(expected.at(|| recorder.current_scope(), &[first, other]));
        return None;
    }
    masks.into_iter().reduce(|a, b| a.maximum(b))
}

/// The mask of inputs joined along an axis; `None` if no input has a mask. Positions of an input without a mask are valid.
pub(super) fn concatenated<'r>(inputs: &[Var<'r>], axis: isize) -> Option<Var<'r>> {
    if inputs.iter().all(|x| x.mask().is_none()) {
        return None;
    }
    let valid = |x: &Var<'r>| {
        of_steps(*x).unwrap_or_else(|| {
            let steps = x.shape().with_axis(x.shape().rank() - 1, 1);
            x.recorder().constant_values(steps, vec![1.0; steps.len()])
        })
    };
    let masks: Vec<Var<'r>> = inputs.iter().map(valid).collect();
    let joined = masks[0].concatenate(&masks[1..], axis);
    let valid = joined.sum_axes(&[-1], false);
    Some(nonzero(valid))
}

/// Merges inputs of which the invalid positions have no effect, and sets the mask of the result. `merge` has no neutral
/// value: an invalid position takes the value of the other inputs.
pub(super) fn merge_valid<'r>(inputs: &[Var<'r>], merge: fn(Var<'r>, Var<'r>) -> Var<'r>) -> Var<'r> {
    let (mut y, mut valid) = (inputs[0], of_steps(inputs[0]));
    for x in &inputs[1..] {
        let mask = of_steps(*x);
        let x = mask.map_or(*x, |mask| select(mask, *x, y));
        y = valid.map_or(y, |valid| select(valid, y, x));
        valid = valid.zip(mask).map(|(valid, mask)| valid.maximum(mask));
        y = merge(y, x);
    }
    set(y, any(inputs))
}
