//! Uniform and normal draws.

use crate::error::{Result, check_setting};
use crate::kernels::math::normal_quantile;
use crate::random::Key;
use crate::shape::Shape;
use crate::sizes;
use ndarray::Array1;
use ndarray_rand::RandomExt;
use ndarray_rand::rand_distr::Uniform;

/// The standard deviation of the standard normal distribution truncated at ±2.
pub(super) const TRUNCATED: f64 = 0.879_625_661_034_239_8;

/// The probability of values below −2 in the standard normal distribution.
pub(super) const BELOW_MINUS_TWO: f64 = 0.022_750_131_948_179_21;

/// Uniform numbers with mean 0 and this variance, within ±√3 standard deviations.
pub(super) fn scaled_uniform(shape: Shape, variance: f64, key: Key) -> Result<Vec<f32>> {
    let limit = (3.0 * variance).sqrt() as f32;
    uniform(shape, -limit, limit, key)
}

/// Truncated normal numbers with mean 0 and this variance.
pub(super) fn scaled_normal(shape: Shape, variance: f64, key: Key) -> Result<Vec<f32>> {
    normal(shape, 0.0, variance.sqrt() / TRUNCATED, BELOW_MINUS_TWO, key)
}

/// Uniform numbers from `low` to `high`, inclusive.
pub(super) fn uniform(shape: Shape, low: f32, high: f32, key: Key) -> Result<Vec<f32>> {
    let length = sizes::check_fits_memory::<f32>(shape.sizes())?;
    Ok(match Uniform::new_inclusive(low, high) {
        Ok(between) => Array1::random_using(length, between, key.draws(0).generator()).into_raw_vec_and_offset().0,
        Err(_) => vec![low; length], // limits were checked, so only their difference can be out of range
    })
}

/// Normal numbers as quantiles of uniform ones, with one draw for each. `tail` is the probability truncated at either end.
pub(super) fn normal(shape: Shape, mean: f32, deviation: f64, tail: f64, key: Key) -> Result<Vec<f32>> {
    let mut draws = key.draws(0);
    let mut draw = || {
        let inside = tail + (1.0 - 2.0 * tail) * (draws.uniform() + 0.5 / (1u64 << 53) as f64);
        (f64::from(mean) + deviation * normal_quantile(inside)) as f32
    };
    sizes::collect(shape.sizes(), |_| draw())
}

/// Checks a standard deviation.
pub(super) fn check_deviation(owner: &'static str, deviation: f32) -> Result<()> {
    let fits = deviation.is_finite() && deviation >= 0.0;
    check_setting(fits, owner, "deviation", f64::from(deviation), "finite and ≥ 0")
}
