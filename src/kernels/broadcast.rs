//! Elementwise loops over two arrays of different shapes, by NumPy's rule, and the sums that undo a broadcast.

use crate::error::{Error, Result};
use crate::shape::{MAX_RANK, Shape, View};

/// The shape to which both broadcast.
///
/// # Errors
/// There is none.
pub(crate) fn result(a: Shape, b: Shape) -> Result<Shape> {
    let expected = "shapes that broadcast: aligned at the last axis, sizes are equal or one of them is 1";
    a.broadcast(&b).ok_or_else(|| Error::expected(expected))
}

/// How far to step in an operand when an axis of the result advances: 0 along the axes it is repeated along.
fn strides(operand: Shape, result: Shape) -> [usize; MAX_RANK] {
    let mut strides = [0; MAX_RANK];
    let mut stride = 1;
    for back in 1..=operand.rank() {
        let size = operand.back(back);
        strides[result.rank() - back] = if size == 1 { 0 } else { stride };
        stride *= size;
    }
    strides
}

/// Calls `row(start of the row in the result, in a, in b)` for each innermost row of the result, in order.
fn for_each_row(result: Shape, a: &[usize; MAX_RANK], b: &[usize; MAX_RANK], mut row: impl FnMut(usize, usize, usize)) {
    let outer = result.rank().saturating_sub(1);
    let mut index = [0; MAX_RANK];
    for start in (0..result.len()).step_by(result.last().max(1)) {
        let offset = |strides: &[usize; MAX_RANK]| (0..outer).map(|axis| index[axis] * strides[axis]).sum::<usize>();
        row(start, offset(a), offset(b));
        for axis in (0..outer).rev() {
            index[axis] += 1;
            if index[axis] < result.axis(axis) {
                break;
            }
            index[axis] = 0;
        }
    }
}

/// y = f(a, b), with `y` of the shape to which both broadcast.
pub(crate) fn zip(y: &mut [f32], result: Shape, a: View<'_>, b: View<'_>, f: impl Fn(f32, f32) -> f32) {
    if a.shape() == b.shape() {
        y.iter_mut().zip(a.data()).zip(b.data()).for_each(|((y, a), b)| *y = f(*a, *b));
        return;
    }
    let (strides_a, strides_b) = (strides(a.shape(), result), strides(b.shape(), result));
    let inner = result.rank().saturating_sub(1);
    let (step_a, step_b) = (strides_a[inner], strides_b[inner]);
    for_each_row(result, &strides_a, &strides_b, |start, from_a, from_b| {
        let row = &mut y[start..start + result.last()];
        match (step_a, step_b) {
            (1, 1) => {
                let (a, b) = (&a[from_a..][..row.len()], &b[from_b..][..row.len()]);
                row.iter_mut().zip(a).zip(b).for_each(|((y, a), b)| *y = f(*a, *b));
            }
            _ => {
                row.iter_mut().enumerate().for_each(|(at, y)| *y = f(a[from_a + at * step_a], b[from_b + at * step_b]))
            }
        }
    });
}

/// dx = Σ gradient(i) over the elements i of the result into which x was repeated, in ascending order of i.
///
/// `gradient` is given the index in the result, that of x's element and that of the other operand's.
pub(crate) fn sum_into(
    dx: &mut [f32],
    operand: Shape,
    other: Shape,
    result: Shape,
    gradient: impl Fn(usize, usize, usize) -> f32,
) {
    if operand == result && other == result {
        dx.iter_mut().enumerate().for_each(|(at, dx)| *dx = gradient(at, at, at));
        return;
    }
    dx.fill(0.0);
    let (strides_x, strides_other) = (strides(operand, result), strides(other, result));
    let inner = result.rank().saturating_sub(1);
    let (step_x, step_other) = (strides_x[inner], strides_other[inner]);
    for_each_row(result, &strides_x, &strides_other, |start, from_x, from_other| {
        for at in 0..result.last() {
            let (x, other) = (from_x + at * step_x, from_other + at * step_other);
            dx[x] += gradient(start + at, x, other);
        }
    });
}

#[cfg(test)]
mod tests {
    use super::*;
    use ndarray::{ArrayD, IxDyn};

    fn counted(shape: &[usize]) -> ArrayD<f32> {
        let mut next = 0.0;
        ArrayD::from_shape_simple_fn(IxDyn(shape), || {
            next += 1.0;
            next
        })
    }

    #[test]
    fn agrees_with_ndarray() {
        for (a, b) in [
            (&[2, 3][..], &[2, 3][..]),
            (&[2, 3], &[3]),
            (&[3], &[2, 3]),
            (&[2, 1, 3], &[4, 1]),
            (&[], &[2, 2]),
            (&[1], &[]),
            (&[5, 1], &[5, 7]),
        ] {
            let (a, b) = (counted(a), counted(b));
            let shape = Shape::new(a.shape()).unwrap().broadcast(&Shape::new(b.shape()).unwrap()).unwrap();
            let view = |array: &'_ ArrayD<f32>| Shape::new(array.shape()).unwrap();
            let mut y = vec![f32::NAN; shape.len()];
            let (left, right) = (a.as_slice().unwrap(), b.as_slice().unwrap());
            zip(&mut y, shape, View::new(view(&a), left), View::new(view(&b), right), |a, b| a - 2.0 * b);
            let expected = &a - &(&b * 2.0);
            assert_eq!(y, expected.iter().copied().collect::<Vec<_>>());
        }
    }

    #[test]
    fn sums_undo_a_broadcast() {
        let (operand, other, result) = (Shape::from([2, 1]), Shape::from([3]), Shape::from([2, 3]));
        let mut dx = [f32::NAN; 2];
        sum_into(&mut dx, operand, other, result, |at, _, other| at as f32 * 10.0 + other as f32);
        assert_eq!(dx, [0.0 + 11.0 + 22.0, 30.0 + 41.0 + 52.0]);
    }
}
