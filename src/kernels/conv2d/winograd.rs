//! Convolution with kernels of 3×3 and strides of 1 by fewer multiplications: the algorithm F(2×2, 3×3) of Winograd (Lavin
//! and Gray 2016).
//!
//! A tile of 2×2 outputs depends on a patch of 4×4 inputs. Both and the kernels are transformed, so that the convolution
//! becomes 16 products of matrices, one per element of the transformed patches: 16 multiplications per tile, input channel
//! and filter instead of 36.
//!
//! The order of the sums is fixed, and differs from that of the direct form. The sum of a transform could overflow where the
//! direct form does not, and an infinite value would turn adjacent outputs into NaN. Therefore images and kernels with
//! magnitudes above [`MAX_MAGNITUDE`] are processed by [`plain`] loops.

mod correlate;
mod plain;
mod planes;
mod tiling;
mod transforms;
mod weight;

pub(super) use correlate::Correlation;
pub(super) use weight::WeightGradient;

use super::geometry::Geometry;
use crate::kernels::simd::vectorized;

/// Minimum numbers of channels and filters. With fewer, the transforms take longer than the products save.
const MIN_CHANNELS: usize = 16;

/// Maximum magnitude of inputs, gradients and kernels. Products and sums of transformed values are finite below it.
const MAX_MAGNITUDE: f32 = (1u64 << 50) as f32;

/// Elements of a patch, and planes of transformed values.
const PLANES: usize = 16;

/// Whether convolutions of this geometry use this module.
pub(super) fn applies(geometry: &Geometry) -> bool {
    let Geometry { channels, filters, kernel, strides, dilation, groups, padding, .. } = *geometry;
    let shape = kernel == [3, 3] && strides == [1, 1] && dilation == [1, 1] && groups == 1;
    let sizes = channels.min(filters) >= MIN_CHANNELS && padding.iter().all(|padding| *padding <= 2);
    shape && sizes && saves(geometry.output) && saves([geometry.height, geometry.width])
}

/// Whether tiles that cover an image of this size need much fewer multiplications than its pixels.
fn saves([rows, columns]: [usize; 2]) -> bool {
    let (tiles, pixels) = (rows.div_ceil(2).saturating_mul(columns.div_ceil(2)), rows.saturating_mul(columns));
    tiles.saturating_mul(PLANES * 10) <= pixels.saturating_mul(9 * 7)
}

vectorized! {
    /// Whether all magnitudes are at most [`MAX_MAGNITUDE`].
    fn bounded<F: Fma>(values: &[f32]) -> bool {
        let within = |values: &[f32]| values.iter().fold(true, |within, value| within & (value.abs() <= MAX_MAGNITUDE));
        values.chunks(1024).all(within)
    }
}

#[cfg(test)]
mod tests;
