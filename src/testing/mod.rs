//! Checks that this library's parts pass, for users' own: operations by [`Sample`], layers by [`LayerSample`], optimizers by
//! [`check_optimizer`]. Each returns an error that says what is wrong, so a test is one line.
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

/// Half the distance over which differences are taken.
const STEP: f32 = 1e-2;

/// How far a gradient may be from the difference, beside the largest of its array or 1.
const TOLERANCE: f64 = 4e-3;

/// Values in random order, evenly spread around 0 and at least three steps of the difference apart from each other and
/// from 0, so that no kink (of relu at 0, of a maximum between equals) lies in between.
pub fn spread(shape: Shape, seed: u64) -> ArrayD<f32> {
    let length = shape.len();
    let mut values: Vec<f32> = (0..length).map(|i| (i as f32 - length as f32 / 2.0 + 0.25) * (6.0 * STEP)).collect();
    Key::from_seed(seed).draws(0).shuffle(&mut values);
    ArrayD::from_shape_vec(IxDyn(shape.sizes()), values).unwrap_or_default()
}

/// Runs `work` in a pool of so many threads, to compare what it computes.
///
/// # Panics
/// When the pool cannot be made.
pub fn with_threads<T: Send>(threads: usize, work: impl FnOnce() -> T + Send) -> T {
    rayon::ThreadPoolBuilder::new().num_threads(threads).build().expect("a pool of threads").install(work)
}

/// An error that says which part fails, and how.
fn fail<T>(part: &dyn std::fmt::Debug, problem: impl std::fmt::Display) -> Result<T> {
    Err(Error::other(format!("{part:?}: {problem}")))
}
