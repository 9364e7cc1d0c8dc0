//! Synthetic tabular data: eight features, five of them informative, and a value to predict (after Friedman 1991, with a
//! product in place of the sine).

use gradus::data::Arrays;
use gradus::{Key, Result};
use ndarray::Array2;

/// Number of features.
pub const FEATURES: usize = 8;

/// Generates `count` rows: features between 0 and 1, and (10·x₀·x₁ + 20·(x₂ − ½)² + 10·x₃ + 5·x₄ − 14) / 5 plus uniform
/// noise of ±0.05.
///
/// # Errors
/// Returns an error if `count` is 0.
pub fn rows(count: usize, seed: u64) -> Result<Arrays> {
    let mut draws = Key::from_seed(seed).draws(0);
    let features = Array2::from_shape_simple_fn((count, FEATURES), || draws.uniform() as f32);
    let targets = Array2::from_shape_fn((count, 1), |(row, _)| {
        let x = features.row(row);
        let value = 10.0 * x[0] * x[1] + 20.0 * (x[2] - 0.5) * (x[2] - 0.5) + 10.0 * x[3] + 5.0 * x[4];
        (value - 14.0) / 5.0 + 0.1 * (draws.uniform() as f32 - 0.5)
    });
    Arrays::new(features, targets)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn rows_depend_only_on_the_seed() {
        let inputs = |seed| rows(20, seed).unwrap().rows(..).unwrap().inputs().unwrap();
        assert_eq!(inputs(3), inputs(3));
        assert_ne!(inputs(3), inputs(4));
        assert!(inputs(3).iter().all(|x| (0.0..1.0).contains(x)));
    }
}
