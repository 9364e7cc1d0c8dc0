//! Tiles of a convolution in registers: a few rows of eight, sixteen or thirty-two sums, each an ascending chain of fused
//! multiply-adds.
//!
//! A step adds one vector to all rows, scaled by a different number for each row. With eight or more rows, their
//! multiply-adds hide each other's latency.

use crate::kernels::simd::{Aligned, Fma};

/// Filters or taps that are processed together, by a narrow instruction set.
pub(super) const LANES: usize = 16;

/// Sixteen numbers in a cache line.
pub(in crate::kernels) type Vector = Aligned<[f32; LANES]>;

/// Sixteen times 0.
pub(in crate::kernels) const ZEROS: Vector = Aligned([0.0; LANES]);

/// Maximum number of rows of a tile.
pub(super) const MAX_ROWS: usize = 12;

/// Maximum number of rows of `L` sums for which the registers suffice, together with their operands.
pub(super) const fn max_rows<F: Fma, const L: usize>() -> usize {
    let rows = F::ROWS * LANES / L;
    if rows < MAX_ROWS { rows } else { MAX_ROWS }
}

/// Maximum number of rows that are read contiguously and need no registers for addresses.
pub(super) const fn max_rows_side_by_side<F: Fma, const L: usize>() -> usize {
    if F::COLUMNS > LANES { 16 } else { max_rows::<F, L>() }
}

/// The first of these lengths, which descend, that is at most `most`.
pub(in crate::kernels) const fn longest(lengths: &[usize], most: usize) -> usize {
    let mut i = 0;
    while lengths[i] > most {
        i += 1;
    }
    lengths[i]
}

/// Runs `$body` for tiles that cover `$range` nearly evenly. `$R`, a constant, is the length of a tile, and `$first`
/// its start. The last tile may overlap previous ones by `$overlap` rows.
///
/// Each of the descending lengths in brackets, up to the constant `$most`, is compiled for each instruction set, so
/// there are few of them. A tile has the smallest length that is at least an even share. No range is shorter than the
/// last length.
macro_rules! for_even_tiles {
    ([$($lengths:literal)*] up to $most:expr, $range:expr, ($first:ident, $overlap:pat, $R:ident) => $body:expr) => {{
        let range: std::ops::Range<usize> = $range;
        let most = const { crate::kernels::conv2d::tile::longest(&[$($lengths),*], $most) };
        let mut tiles = if range.len() >= most {
            range.len().div_ceil(most) // by a constant
        } else {
            range.len().div_ceil(crate::kernels::conv2d::tile::longest(&[$($lengths),*], range.len()))
        };
        let mut done = range.start;
        while done < range.end {
            let share = (range.end - done).div_ceil(tiles);
            tiles -= 1;
            crate::kernels::conv2d::tile::for_even_tiles!(
                @ $most, share, range, done, ($first, $overlap, $R) => $body, $($lengths)*
            );
        }
    }};
    (@ $most:expr, $share:ident, $range:ident, $done:ident, ($first:ident, $overlap:pat, $R:ident) => $body:expr,
        $length:literal $($shorter:literal)*) => {
        if const { $length <= $most } && $share > const { [$($shorter,)* 0][0] } {
            const $R: usize = $length;
            let $first = $done.min($range.end - $R);
            let $overlap = $done - $first;
            $done = $first + $R;
            $body
        } else {
            crate::kernels::conv2d::tile::for_even_tiles!(
                @ $most, $share, $range, $done, ($first, $overlap, $R) => $body, $($shorter)*
            );
        }
    };
    (@ $most:expr, $share:ident, $range:ident, $done:ident, ($first:ident, $overlap:pat, $R:ident) => $body:expr,) => {
        unreachable!("a share is at least one row")
    };
}
pub(in crate::kernels) use for_even_tiles;

/// Runs `$body` with `$r` for each of `$R` rows. It consists of three loops of up to six iterations, because the
/// compiler unrolls a longer loop before or after vectorizing the lanes. It is a macro, because a closure might be
/// compiled for the baseline.
macro_rules! for_rows {
    ($R:expr, $r:ident => $body:expr) => {
        for $r in 0..$R.min(6) {
            $body;
        }
        for $r in 6..$R.clamp(6, 12) {
            $body;
        }
        for $r in 12..$R.max(12) {
            $body;
        }
    };
}
pub(in crate::kernels) use for_rows;

/// Vectors that are added to a tile, scaled by a number for each row.
pub(super) trait Vectors<const L: usize>: Copy {
    /// Vector `k`.
    fn get(&self, k: usize) -> &[f32; L];
}

impl<const L: usize> Vectors<L> for &[[f32; L]] {
    #[inline(always)]
    fn get(&self, k: usize) -> &[f32; L] {
        &self[k]
    }
}

/// The gradients of the pixels of an output image, with contiguous filters.
#[derive(Clone, Copy)]
pub(super) struct Pixels<'a> {
    /// The gradients, starting at the first filter of the first pixel. With fewer filters than lanes, a vector contains
    /// elements of the next pixel.
    pub(super) dy: &'a [f32],
    pub(super) filters: usize,
}

impl<const L: usize> Vectors<L> for Pixels<'_> {
    #[inline(always)]
    fn get(&self, k: usize) -> &[f32; L] {
        self.dy[k * self.filters..].first_chunk().expect("the buffer extends beyond the last pixel")
    }
}

/// `sums[r] += Σₖ x[bases[k] + r] · vectors[k]`.
#[inline(always)]
pub(super) fn side_by_side<F: Fma, const R: usize, const L: usize>(
    sums: &mut [[f32; L]; R],
    x: &[f32],
    bases: &[usize],
    vectors: impl Vectors<L>,
) {
    let mut tile = *sums;
    for (k, &base) in bases.iter().enumerate() {
        let (x, vector) = (&x[base..base + R], vectors.get(k));
        for_rows!(R, r => F::add_scaled(x[r], vector, &mut tile[r]));
    }
    *sums = tile;
}

/// `sums[r] += Σₖ x[bases[k] + offsets[r]] · vectors[k]`, and `total += Σₖ vectors[k]`.
#[inline(always)]
pub(super) fn scattered<F: Fma, const R: usize, const L: usize>(
    sums: &mut [[f32; L]; R],
    total: &mut [f32; L],
    x: &[f32],
    bases: &[usize],
    offsets: &[usize; R],
    vectors: impl Vectors<L>,
) {
    let (mut tile, mut all) = (*sums, *total);
    for (k, &base) in bases.iter().enumerate() {
        let (x, vector) = (&x[base..], vectors.get(k));
        for_rows!(R, r => F::add_scaled(x[offsets[r]], vector, &mut tile[r]));
        F::add_scaled(1.0, vector, &mut all);
    }
    (*sums, *total) = (tile, all);
}

/// `Σₖ rows[r][offsets[k]] · vectors[k]`, in each row. All rows have the same length.
#[inline(always)]
pub(super) fn by_rows<F: Fma, const R: usize, const L: usize>(
    rows: &[&[f32]; R],
    offsets: &[usize],
    vectors: &[[f32; L]],
) -> [[f32; L]; R] {
    let (mut tile, mut rows) = ([[0.0; L]; R], *rows);
    let length = rows[0].len();
    for_rows!(R, r => rows[r] = &rows[r][..length]); // one bounds check for all rows
    for (&at, vector) in offsets.iter().zip(vectors) {
        for_rows!(R, r => F::add_scaled(rows[r][at], vector, &mut tile[r]));
    }
    tile
}
