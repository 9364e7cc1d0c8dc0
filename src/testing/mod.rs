//! Checks of the contracts of parts, for custom and built-in ones: operations by [`Sample`], layers by [`LayerSample`],
//! optimizers by [`check_optimizer`]. Each returns an error that names the violation, so a test is one line.
//!
//! ```
//! use gradus::testing::Sample;
//! // y = tanh(a · b), with gradients for a and b
//! Sample::new(|x| x[0].matmul(x[1]).tanh()).variable([2, 3]).variable([3, 4]).check_gradients()?;
//! # Ok::<(), gradus::Error>(())
//! ```

mod layer;
mod optimizer;
mod sample;

pub use layer::LayerSample;
pub use optimizer::check_optimizer;
pub use sample::Sample;

#[cfg(test)]
pub(crate) use optimizer::check_made;

use crate::{Error, Key, Result, Shape};
use ndarray::{ArrayD, IxDyn};

/// Half the distance of the points of a central difference.
const STEP: f32 = 1e-2;

/// Tolerance of a gradient, relative to the largest element of its array or 1.
const TOLERANCE: f64 = 4e-3;

/// Returns evenly spaced values around 0, in random order, at which gradients can be checked by central differences.
///
/// A difference moves one value by ±0.01. Values are 0.06 apart and at least 0.015 from 0, so this never crosses 0,
/// where relu has a kink, or another value, where a maximum has one. The range grows with the number of values: n
/// values lie between −0.03 n and 0.03 n, so 1000 values reach from about −30 to 30.
///
/// ```
/// let values = gradus::testing::spread([2, 3].into(), 1);
/// assert_eq!(values.shape(), [2, 3]);
/// ```
pub fn spread(shape: Shape, seed: u64) -> ArrayD<f32> {
    let length = shape.len();
    let mut values: Vec<f32> = (0..length).map(|i| (i as f32 - length as f32 / 2.0 + 0.25) * (6.0 * STEP)).collect();
    Key::from_seed(seed).draws(0).shuffle(&mut values);
    ArrayD::from_shape_vec(IxDyn(shape.sizes()), values).unwrap_or_default()
}

/// The random weights of a sum of results, between 0.5 and 1.5 in magnitude: gradients of the sum are as large as those of the
/// results.
fn sum_weights(shape: Shape, seed: u64) -> ArrayD<f32> {
    let values = spread(shape, seed);
    let largest = values.iter().fold(f32::MIN_POSITIVE, |largest, value| largest.max(value.abs()));
    values.mapv(|value| value.signum() * (0.5 + value.abs() / largest))
}

/// Runs `work` in a pool of `threads` threads, to compare results for different numbers of threads.
///
/// ```
/// use gradus::testing::with_threads;
/// assert_eq!(with_threads(1, || 2 + 2), with_threads(3, || 2 + 2));
/// ```
///
/// # Panics
/// When the pool cannot be created.
pub fn with_threads<T: Send>(threads: usize, work: impl FnOnce() -> T + Send) -> T {
    rayon::ThreadPoolBuilder::new().num_threads(threads).build().expect("a pool of threads").install(work)
}

/// The error about a part.
fn fail<T>(part: &dyn std::fmt::Debug, problem: impl std::fmt::Display) -> Result<T> {
    Err(Error::other(format!("{part:?}: {problem}")))
}
