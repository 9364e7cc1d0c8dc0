//! Elementwise loops over two arrays with NumPy's broadcasting, and the sums for the gradients of broadcast operands.

use crate::error::{Error, Result};
use crate::kernels::simd::{self, vectorized};
use crate::shape::{MAX_RANK, Shape, View};

/// The shape to which both shapes broadcast.
///
/// # Errors
/// The shapes do not broadcast.
pub(crate) fn result(a: Shape, b: Shape) -> Result<Shape> {
    let expected = "shapes that broadcast: aligned at the last axis, sizes are equal or one of them is 1";
    a.broadcast(&b).ok_or_else(|| Error::expected(expected))
}

/// Distance in an operand for a step along each axis of the result, which is 0 along axes on which the operand is
/// repeated.
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
fn for_each_row(result: Shape, a: &[usize; MAX_RANK], b: &[usize; MAX_RANK], row: &mut dyn FnMut(usize, usize, usize)) {
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

/// y = f(a, b), where `y` has the shape to which both broadcast. `f` should be `#[inline(always)]`, because it is
/// compiled into the loops of each instruction set.
pub(crate) fn zip(y: &mut [f32], result: Shape, a: View<'_>, b: View<'_>, f: impl Fn(f32, f32) -> f32 + Copy) {
    let level = simd::current();
    if a.shape() == b.shape() {
        return zip_row(level, f, &a, &b, y);
    }
    let (strides_a, strides_b) = (strides(a.shape(), result), strides(b.shape(), result));
    let inner = result.rank().saturating_sub(1);
    let (step_a, step_b) = (strides_a[inner], strides_b[inner]);
    for_each_row(result, &strides_a, &strides_b, &mut |start, from_a, from_b| {
        let (y, a, b) = (&mut y[start..start + result.last()], &a[from_a..], &b[from_b..]);
        match (step_a, step_b) {
            (0, 0) => y.fill(f(a[0], b[0])),
            (0, _) => map_row(level, |b| f(a[0], b), b, y),
            (_, 0) => map_row(level, |a| f(a, b[0]), a, y),
            _ => zip_row(level, f, a, b, y),
        }
    });
}

vectorized! {
    fn zip_row<F: Fma>(f: impl Fn(f32, f32) -> f32, a: &[f32], b: &[f32], y: &mut [f32]) {
        y.iter_mut().zip(a).zip(b).for_each(|((y, a), b)| *y = f(*a, *b));
    }
}

vectorized! {
    fn map_row<F: Fma>(f: impl Fn(f32) -> f32, x: &[f32], y: &mut [f32]) {
        y.iter_mut().zip(x).for_each(|(y, x)| *y = f(*x));
    }
}

/// dx = Σ gradient(dy, x, other) over the elements of the result to which x was repeated, in ascending order.
pub(crate) fn sum_into(
    dx: &mut [f32],
    x: View<'_>,
    other: View<'_>,
    (result, dy): (Shape, &[f32]),
    gradient: impl Fn(f32, f32, f32) -> f32 + Copy,
) {
    let level = simd::current();
    if x.shape() == result && other.shape() == result {
        return set_row(level, gradient, dy, &x, &other, dx);
    }
    let once = x.shape() == result;
    if !once {
        dx.fill(0.0);
    }
    let (strides_x, strides_other) = (strides(x.shape(), result), strides(other.shape(), result));
    let inner = result.rank().saturating_sub(1);
    let (step_x, step_other) = (strides_x[inner], strides_other[inner]);
    for_each_row(result, &strides_x, &strides_other, &mut |start, from_x, from_other| {
        let dy = &dy[start..start + result.last()];
        let (dx, x, other) = (&mut dx[from_x..], &x[from_x..], &other[from_other..]);
        if once {
            dx[..dy.len()].fill(0.0); // while it is in the cache
        }
        match (step_x, step_other) {
            (0, 0) => dy.iter().for_each(|dy| dx[0] += gradient(*dy, x[0], other[0])),
            (0, _) => dy.iter().zip(other).for_each(|(dy, other)| dx[0] += gradient(*dy, x[0], *other)),
            (_, 0) => add_row(level, |dy, x, _| gradient(dy, x, other[0]), dy, x, x, dx),
            _ => add_row(level, gradient, dy, x, other, dx),
        }
    });
}

vectorized! {
    fn set_row<F: Fma>(
        gradient: impl Fn(f32, f32, f32) -> f32,
        dy: &[f32],
        x: &[f32],
        other: &[f32],
        dx: &mut [f32],
    ) {
        for (((dx, dy), x), other) in dx.iter_mut().zip(dy).zip(x).zip(other) {
            *dx = gradient(*dy, *x, *other);
        }
    }
}

vectorized! {
    fn add_row<F: Fma>(
        gradient: impl Fn(f32, f32, f32) -> f32,
        dy: &[f32],
        x: &[f32],
        other: &[f32],
        dx: &mut [f32],
    ) {
        for (((dx, dy), x), other) in dx.iter_mut().zip(dy).zip(x).zip(other) {
            *dx += gradient(*dy, *x, *other);
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use ndarray::{ArrayD, Axis, IxDyn};

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

    /// The values identify the positions: each element of dy and of the operands is its index.
    #[test]
    fn sums_are_the_gradients_of_a_broadcast() {
        let gradient = |dy: f32, x: f32, other: f32| 100.0 * dy + 10.0 * x + other;
        for (x, other, result) in [
            (&[2, 1][..], &[3][..], &[2, 3][..]),
            (&[3], &[2, 3], &[2, 3]),
            (&[2, 3], &[3], &[2, 3]),
            (&[2, 3], &[2, 1], &[2, 3]),
            (&[2, 3], &[2, 3], &[2, 3]),
            (&[], &[1], &[1]),
            (&[4, 1, 2], &[3, 1], &[4, 3, 2]),
        ] {
            let (x, other, dy) = (counted(x), counted(other), counted(result));
            let wide = |array: &ArrayD<f32>| array.broadcast(result).unwrap().to_owned();
            let terms =
                ndarray::Zip::from(&dy).and(&wide(&x)).and(&wide(&other)).map_collect(|a, b, c| gradient(*a, *b, *c));
            let mut expected = terms;
            while expected.ndim() > x.ndim() {
                expected = expected.sum_axis(Axis(0));
            }
            for axis in (0..x.ndim()).filter(|axis| x.shape()[*axis] == 1) {
                expected = expected.sum_axis(Axis(axis)).insert_axis(Axis(axis));
            }
            let shape = |array: &ArrayD<f32>| Shape::new(array.shape()).unwrap();
            let mut dx = vec![f32::NAN; x.len()];
            let views = [&x, &other].map(|array| View::new(shape(array), array.as_slice().unwrap()));
            sum_into(&mut dx, views[0], views[1], (shape(&dy), dy.as_slice().unwrap()), gradient);
            assert_eq!(dx, expected.iter().copied().collect::<Vec<_>>());
        }
    }
}
