//! Sums along one axis and their gradient, and permutations of axes.
//!
//! An array is interpreted as outer × n × inner, and the middle axis is summed. Elements are added in chunks of a
//! constant number, each an ascending chain (eight chains if the elements are contiguous). The sums of chunks are added
//! in ascending order.

use crate::kernels::matmul::{self, ROWS_PER_CHUNK};
use crate::kernels::{parallel, reduce};
use crate::shape::MAX_RANK;

/// Minimum number of elements for one thread.
const CHUNK: usize = 8192;

/// Number of blocks of this many elements in a chunk of work.
fn blocks(elements: usize) -> usize {
    (CHUNK / elements.max(1)).max(1)
}

/// `y[o][i] = Σⱼ x[o][j][i]`
pub(crate) fn sum(x: &[f32], [outer, n, inner]: [usize; 3], y: &mut [f32]) {
    assert_eq!((x.len(), y.len()), (outer * n * inner, outer * inner), "a sum along the middle of three axes");
    let (block, count) = (n * inner, blocks(n * inner));
    let nanoseconds = block * count / 4;
    parallel::for_each_pair((x, count * block), (y, count * inner), nanoseconds, |_, x, y| {
        for (x, y) in x.chunks_exact(block).zip(y.chunks_exact_mut(inner)) {
            match y {
                [y] => *y = reduce::sum(x),
                y => matmul::sum_rows(x, inner, ROWS_PER_CHUNK, y),
            }
        }
    });
}

/// `dx[o][j][i] = dy[o][i] / divisor` for every j.
pub(crate) fn repeat(dy: &[f32], [outer, n, inner]: [usize; 3], divisor: f32, dx: &mut [f32]) {
    assert_eq!((dx.len(), dy.len()), (outer * n * inner, outer * inner), "the middle of three axes is repeated");
    let (block, count) = (n * inner, blocks(n * inner));
    parallel::for_each_pair((dy, count * inner), (dx, count * block), block * count / 8, |_, dy, dx| {
        for (dy, dx) in dy.chunks_exact(inner).zip(dx.chunks_exact_mut(block)) {
            for dx in dx.chunks_exact_mut(inner) {
                dx.iter_mut().zip(dy).for_each(|(dx, dy)| *dx = dy / divisor);
            }
        }
    });
}

/// Strides to read an array with permuted axes.
#[derive(Clone, Copy, Debug, Default)]
pub(crate) struct Permutation {
    rank: usize,
    /// Sizes of the result.
    sizes: [usize; MAX_RANK],
    /// Distance in the array for a step along each axis of the result.
    strides: [usize; MAX_RANK],
}

impl Permutation {
    /// Creates a permutation in which axis `i` of the result is axis `axes[i]` of the array.
    pub(crate) fn new(sizes: &[usize], axes: &[usize]) -> Permutation {
        let mut permutation = Permutation { rank: axes.len(), ..Permutation::default() };
        for (place, &axis) in axes.iter().enumerate() {
            permutation.sizes[place] = sizes[axis];
            permutation.strides[place] = sizes[axis + 1..].iter().product();
        }
        permutation
    }

    /// Sizes of the result.
    pub(crate) fn sizes(&self) -> &[usize] {
        &self.sizes[..self.rank]
    }

    /// Offset in the array of row `row` of the result. Rows run along the last axis.
    fn start(&self, row: usize) -> usize {
        let (mut row, mut start) = (row, 0);
        for axis in (0..self.rank.saturating_sub(1)).rev() {
            start += row % self.sizes[axis] * self.strides[axis];
            row /= self.sizes[axis];
        }
        start
    }
}

/// y = x with permuted axes.
pub(crate) fn permute(permutation: &Permutation, x: &[f32], y: &mut [f32]) {
    assert_eq!(x.len(), y.len(), "another order of axes keeps the number of elements");
    let last = permutation.rank.saturating_sub(1);
    let (columns, stride) =
        if permutation.rank == 0 { (1, 1) } else { (permutation.sizes[last], permutation.strides[last]) };
    let rows = blocks(columns);
    parallel::for_each_chunk(y, rows * columns, rows * columns, |piece, y| {
        for (row, y) in y.chunks_exact_mut(columns).enumerate() {
            let x = &x[permutation.start(piece * rows + row)..];
            y.iter_mut().zip(x.iter().step_by(stride)).for_each(|(y, x)| *y = *x);
        }
    });
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::kernels::samples;
    use ndarray::{ArrayView, IxDyn};

    #[test]
    fn sums_agree_with_f64_over_odd_sizes() {
        for sizes in [[1, 1, 1], [3, 5, 1], [2, 700, 3], [1, 4097, 1], [70, 3, 9], [5, 1, 4]] {
            let [outer, n, inner] = sizes;
            let x = samples::values(1, outer * n * inner);
            let mut y = samples::unset(outer * inner);
            sum(&x, sizes, &mut y);
            for (at, y) in y.iter().enumerate() {
                let (o, i) = (at / inner, at % inner);
                let right: f64 = (0..n).map(|j| f64::from(x[(o * n + j) * inner + i])).sum();
                assert!((f64::from(*y) - right).abs() < 5e-5, "{sizes:?}: {y} is not {right}");
            }
            let mut dx = samples::unset(x.len());
            repeat(&y, sizes, 2.0, &mut dx);
            let right = |at: usize| y[at / (n * inner) * inner + at % inner] / 2.0;
            assert!(dx.iter().enumerate().all(|(at, dx)| *dx == right(at)), "{sizes:?}");
        }
    }

    #[test]
    fn permutations_agree_with_ndarray() {
        for (sizes, axes) in [
            (&[][..], &[][..]),
            (&[7], &[0]),
            (&[3, 5], &[1, 0]),
            (&[2, 3, 4], &[2, 0, 1]),
            (&[2, 3, 1, 5], &[0, 3, 2, 1]),
            (&[40, 30, 20], &[2, 1, 0]),
        ] {
            let x = samples::values(2, sizes.iter().product());
            let permutation = Permutation::new(sizes, axes);
            let right = ArrayView::from_shape(IxDyn(sizes), &x).unwrap().permuted_axes(IxDyn(axes));
            assert_eq!(permutation.sizes(), right.shape());
            samples::in_pools(|| {
                let mut y = samples::unset(x.len());
                permute(&permutation, &x, &mut y);
                assert!(y.iter().zip(&right).all(|(y, right)| y == right), "{sizes:?} by {axes:?}");
            });
        }
    }

    #[test]
    fn bits_do_not_depend_on_threads() {
        let sizes = [90, 600, 5];
        let x = samples::values(3, sizes.iter().product());
        let mut expected = samples::unset(450);
        sum(&x, sizes, &mut expected);
        samples::in_pools(|| {
            let mut y = samples::unset(450);
            sum(&x, sizes, &mut y);
            samples::assert_same_bits(&y, &expected, "sums");
        });
    }
}
