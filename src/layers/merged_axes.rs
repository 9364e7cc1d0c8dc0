//! Operations over the last axis, applied along several axes at once.

use crate::shape::Shape;
use crate::sizes;
use crate::tape::Var;

/// Records an operation over the last axis on a value whose axes `axes`, in ascending order, are merged to the last axis, and
/// restores the axes. A product of their sizes that overflows is an error of the recording.
pub(super) fn over_axes<'r>(x: Var<'r>, axes: &[usize], record: &dyn Fn(Var<'r>) -> Var<'r>) -> Var<'r> {
    let rank = x.shape().rank();
    let mut order: Vec<usize> = (0..rank).filter(|axis| !axes.contains(axis)).collect();
    let kept = order.len();
    order.extend_from_slice(axes);
    let in_place = order.iter().enumerate().all(|(at, axis)| at == *axis);
    let permuted = if in_place { x } else { x.transpose(&order) };
    let shape = permuted.shape();
    let merged = match sizes::product(&shape.sizes()[kept..]) {
        Ok(merged) => merged,
        Err(error) => {
            x.recorder().fail(error.at(|| x.recorder().current_scope(), &[]));
            return x;
        }
    };
    let sizes: Vec<usize> = shape.sizes()[..kept].iter().copied().chain([merged]).collect();
    // Fewer axes than before, so the shape is valid.
    let y = record(permuted.reshape(Shape::new(&sizes).unwrap_or(Shape::SCALAR))).reshape(shape);
    if in_place {
        return y;
    }
    let mut back = vec![0; rank];
    order.iter().enumerate().for_each(|(at, axis)| back[*axis] = at);
    y.transpose(&back)
}
