//! Elementwise loops over two arrays with NumPy's broadcasting, and the sums for the gradients of broadcast operands.

use crate::error::{Error, Result};
use crate::kernels::activation::{self, Elementwise};
use crate::kernels::parallel;
use crate::kernels::simd::{self, vectorized};
use crate::shape::{MAX_RANK, Shape, View};
use std::ops::Range;

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

/// Calls `row(start of the row among these rows, in a, in b)` for some innermost rows of the result, in order.
fn for_each_row(
    result: Shape,
    rows: Range<usize>,
    [a, b]: [&[usize; MAX_RANK]; 2],
    row: &mut dyn FnMut(usize, usize, usize),
) {
    let outer = result.rank().saturating_sub(1);
    let (mut index, mut rest) = ([0; MAX_RANK], rows.start);
    for axis in (0..outer).rev() {
        index[axis] = rest % result.axis(axis);
        rest /= result.axis(axis);
    }
    for number in 0..rows.len() {
        let offset = |strides: &[usize; MAX_RANK]| (0..outer).map(|axis| index[axis] * strides[axis]).sum::<usize>();
        row(number * result.last(), offset(a), offset(b));
        for axis in (0..outer).rev() {
            index[axis] += 1;
            if index[axis] < result.axis(axis) {
                break;
            }
            index[axis] = 0;
        }
    }
}

/// Minimum number of elements for one thread. Chunks never change a result.
const CHUNK: usize = 8192;

/// Nanoseconds on one thread for a number of elements, of which two are read and one is written.
fn nanoseconds(elements: usize) -> usize {
    elements / 5
}

/// Innermost rows of an array of this shape in a chunk.
fn rows_of_chunk(shape: Shape) -> usize {
    (CHUNK / shape.last()).max(1)
}

/// y = activation(f(a, b)), where `y` has the shape to which both broadcast. `f` should be `#[inline(always)]`, because it is
/// compiled into the loops of each instruction set.
pub(crate) fn zip(
    (y, result): (&mut [f32], Shape),
    a: View<'_>,
    b: View<'_>,
    f: impl Fn(f32, f32) -> f32 + Copy + Sync,
    activation: Elementwise,
) {
    let level = simd::current();
    let finish = |y: &mut [f32]| {
        if activation != Elementwise::Linear {
            activation::finish_row(level, activation, &[], y);
        }
    };
    if a.shape() == b.shape() {
        return parallel::for_each_chunk(y, CHUNK, nanoseconds(CHUNK), |i, y| {
            let piece = i * CHUNK..i * CHUNK + y.len();
            zip_row(level, f, &a[piece.clone()], &b[piece], y);
            finish(y);
        });
    }
    let (strides_a, strides_b) = (strides(a.shape(), result), strides(b.shape(), result));
    let inner = result.rank().saturating_sub(1);
    let (step_a, step_b) = (strides_a[inner], strides_b[inner]);
    let rows = rows_of_chunk(result);
    let length = rows * result.last();
    parallel::for_each_chunk(y, length, nanoseconds(length), |i, y| {
        let rows = i * rows..i * rows + y.len() / result.last();
        for_each_row(result, rows, [&strides_a, &strides_b], &mut |start, from_a, from_b| {
            let (y, a, b) = (&mut y[start..start + result.last()], &a[from_a..], &b[from_b..]);
            match (step_a, step_b) {
                (0, 0) => y.fill(f(a[0], b[0])),
                (0, _) => map_row(level, |b| f(a[0], b), b, y),
                (_, 0) => map_row(level, |a| f(a, b[0]), a, y),
                _ => zip_row(level, f, a, b, y),
            }
        });
        finish(y);
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
    gradient: impl Fn(f32, f32, f32) -> f32 + Copy + Sync,
) {
    let level = simd::current();
    if x.shape() == result && other.shape() == result {
        return parallel::for_each_chunk(dx, CHUNK, nanoseconds(CHUNK), |i, dx| {
            let piece = i * CHUNK..i * CHUNK + dx.len();
            set_row(level, gradient, &dy[piece.clone()], &x[piece.clone()], &other[piece], dx);
        });
    }
    let (strides_x, strides_other) = (strides(x.shape(), result), strides(other.shape(), result));
    let inner = result.rank().saturating_sub(1);
    let (step_x, step_other) = (strides_x[inner], strides_other[inner]);
    // Adds the terms of some rows of the result, which start at element `first`, to the elements of dx from `first_x` on.
    let add_rows = |rows: Range<usize>, first: usize, dx: &mut [f32], first_x: usize| {
        for_each_row(result, rows, [&strides_x, &strides_other], &mut |start, from_x, from_other| {
            let dy = &dy[first + start..][..result.last()];
            let (dx, x, other) = (&mut dx[from_x - first_x..], &x[from_x..], &other[from_other..]);
            match (step_x, step_other) {
                (0, 0) => dy.iter().for_each(|dy| dx[0] += gradient(*dy, x[0], other[0])),
                (0, _) => dy.iter().zip(other).for_each(|(dy, other)| dx[0] += gradient(*dy, x[0], *other)),
                (_, 0) => add_row(level, |dy, x, _| gradient(dy, x, other[0]), dy, x, x, dx),
                _ => add_row(level, gradient, dy, x, other, dx),
            }
        });
    };
    if x.shape() != result {
        dx.fill(0.0);
        return add_rows(0..result.len() / result.last(), 0, dx, 0);
    }
    // Rows of dx are separate.
    let rows = rows_of_chunk(result);
    let length = rows * result.last();
    parallel::for_each_chunk(dx, length, nanoseconds(length), |i, dx| {
        dx.fill(0.0);
        add_rows(i * rows..i * rows + dx.len() / result.last(), i * length, dx, i * length);
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
    use crate::kernels::samples;
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
            (&[41, 1000], &[1000]),
            (&[3, 1, 70], &[3, 200, 70]),
            (&[9, 4100], &[9, 4100]),
            (&[30_001, 1], &[30_001, 1]),
            (&[30_001, 1], &[1]),
        ] {
            let (a, b) = (counted(a), counted(b));
            let shape = Shape::new(a.shape()).unwrap().broadcast(&Shape::new(b.shape()).unwrap()).unwrap();
            let view = |array: &'_ ArrayD<f32>| Shape::new(array.shape()).unwrap();
            let (left, right) = (a.as_slice().unwrap(), b.as_slice().unwrap());
            let (left, right) = (View::new(view(&a), left), View::new(view(&b), right));
            let expected = &a - &(&b * 2.0);
            samples::in_pools(|| {
                let mut y = vec![f32::NAN; shape.len()];
                zip((&mut y, shape), left, right, |a, b| a - 2.0 * b, Elementwise::Linear);
                assert_eq!(y, expected.iter().copied().collect::<Vec<_>>());
                zip((&mut y, shape), left, right, |a, b| a - 2.0 * b, Elementwise::Relu);
                assert_eq!(y, expected.iter().map(|y| y.max(0.0)).collect::<Vec<_>>());
            });
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
            (&[7, 5, 300], &[5, 1], &[7, 5, 300]),
            (&[9000, 1], &[1], &[9000, 1]),
            (&[2, 9000], &[2, 9000], &[2, 9000]),
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
            let views = [&x, &other].map(|array| View::new(shape(array), array.as_slice().unwrap()));
            samples::in_pools(|| {
                let mut dx = vec![f32::NAN; x.len()];
                sum_into(&mut dx, views[0], views[1], (shape(&dy), dy.as_slice().unwrap()), gradient);
                assert_eq!(dx, expected.iter().copied().collect::<Vec<_>>());
            });
        }
    }
}
