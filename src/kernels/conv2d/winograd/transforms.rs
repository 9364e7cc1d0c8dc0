//! The linear transforms of patches, kernels and tiles, with channels in the lanes.
//!
//! With the matrices
//!
//! ```text
//!      ⎡1  0 −1  0⎤        ⎡1  0  0⎤
//! Bᵀ = ⎢0  1  1  0⎥    G = ⎢½  ½  ½⎥    Aᵀ = ⎡1 1  1 0⎤
//!      ⎢0 −1  1  0⎥        ⎢½ −½  ½⎥         ⎣0 1 −1 1⎦
//!      ⎣0 −1  0  1⎦        ⎣0  0  1⎦
//! ```
//!
//! a patch x becomes BᵀxB, a kernel w becomes GwGᵀ, and the tile is AᵀmA, where m is the elementwise product.

use super::super::tile::LANES;
use crate::kernels::simd::Fma;

/// Channels that are transformed together.
pub(super) type Lanes = [f32; LANES];

#[inline(always)]
fn sum<F: Fma>(a: &Lanes, b: &Lanes) -> Lanes {
    let mut sum = *a;
    F::add(b, &mut sum);
    sum
}

#[inline(always)]
fn difference<F: Fma>(a: &Lanes, b: &Lanes) -> Lanes {
    let mut difference = *a;
    F::add_scaled(-1.0, b, &mut difference);
    difference
}

#[inline(always)]
fn half<F: Fma>(a: &Lanes) -> Lanes {
    let mut half = [0.0; LANES];
    F::add_scaled(0.5, a, &mut half);
    half
}

/// Bᵀx.
#[inline(always)]
fn input_column<F: Fma>([a, b, c, d]: [Lanes; 4]) -> [Lanes; 4] {
    [difference::<F>(&a, &c), sum::<F>(&b, &c), difference::<F>(&c, &b), difference::<F>(&d, &b)]
}

/// Gw.
#[inline(always)]
fn kernel_column<F: Fma>([a, b, c]: [Lanes; 3]) -> [Lanes; 4] {
    let (outer, middle) = (half::<F>(&sum::<F>(&a, &c)), half::<F>(&b));
    [a, sum::<F>(&outer, &middle), difference::<F>(&outer, &middle), c]
}

/// Gᵀu.
#[inline(always)]
fn kernel_gradient_column<F: Fma>([a, b, c, d]: [Lanes; 4]) -> [Lanes; 3] {
    let both = half::<F>(&sum::<F>(&b, &c));
    [sum::<F>(&a, &both), half::<F>(&difference::<F>(&b, &c)), sum::<F>(&both, &d)]
}

/// Aᵀm.
#[inline(always)]
fn output_column<F: Fma>([a, b, c, d]: [Lanes; 4]) -> [Lanes; 2] {
    [sum::<F>(&sum::<F>(&a, &b), &c), sum::<F>(&difference::<F>(&b, &c), &d)]
}

/// Ay.
#[inline(always)]
fn output_gradient_column<F: Fma>([a, b]: [Lanes; 2]) -> [Lanes; 4] {
    [a, sum::<F>(&a, &b), difference::<F>(&a, &b), b]
}

/// Applies a transform of columns to the columns of a matrix of `N` rows, and then to its rows.
macro_rules! both_axes {
    ($column:ident, $F:ident, $from:ident, $N:literal => $M:literal) => {{
        let mut half = [[[0.0; LANES]; $N]; $M];
        for j in 0..$N {
            let mut column = [[0.0; LANES]; $N];
            for i in 0..$N {
                column[i] = $from[$N * i + j];
            }
            let column = $column::<$F>(column);
            for i in 0..$M {
                half[i][j] = column[i];
            }
        }
        let mut to = [[0.0; LANES]; $M * $M];
        for i in 0..$M {
            let row = $column::<$F>(half[i]);
            for j in 0..$M {
                to[$M * i + j] = row[j];
            }
        }
        to
    }};
}

/// BᵀxB of a patch of 4×4 inputs.
#[inline(always)]
pub(super) fn inputs<F: Fma>(x: [Lanes; 16]) -> [Lanes; 16] {
    both_axes!(input_column, F, x, 4 => 4)
}

/// GwGᵀ of a kernel of 3×3 taps.
#[inline(always)]
pub(super) fn kernel<F: Fma>(w: [Lanes; 9]) -> [Lanes; 16] {
    both_axes!(kernel_column, F, w, 3 => 4)
}

/// GᵀuG, the gradient of a kernel of 3×3 taps.
#[inline(always)]
pub(super) fn kernel_gradient<F: Fma>(u: [Lanes; 16]) -> [Lanes; 9] {
    both_axes!(kernel_gradient_column, F, u, 4 => 3)
}

/// AᵀmA, a tile of 2×2 outputs.
#[inline(always)]
pub(super) fn outputs<F: Fma>(m: [Lanes; 16]) -> [Lanes; 4] {
    both_axes!(output_column, F, m, 4 => 2)
}

/// AyAᵀ of the gradient of a tile of 2×2 outputs.
#[inline(always)]
pub(super) fn output_gradient<F: Fma>(y: [Lanes; 4]) -> [Lanes; 16] {
    both_axes!(output_gradient_column, F, y, 2 => 4)
}

/// The sum of the gradients of a tile's outputs.
#[inline(always)]
pub(super) fn tile_sum<F: Fma>([a, b, c, d]: [Lanes; 4]) -> Lanes {
    sum::<F>(&sum::<F>(&a, &b), &sum::<F>(&c, &d))
}
