//! Normal random numbers of one row.

use crate::kernels::math::normal_quantile;
use crate::random::Draws;

/// Draws a normal number of mean 0 and standard deviation 1.
pub(super) fn normal(draws: &mut Draws) -> f32 {
    normal_quantile(draws.uniform() + 0.5 / (1u64 << 53) as f64) as f32
}
