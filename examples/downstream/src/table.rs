//! Tables made up from a seed: eight features, of which five matter, and a number to predict (Friedman 1991, without the
//! sine).

use gradus::data::Arrays;
use gradus::{Key, Result};
use ndarray::Array2;

/// How many features a row has.
pub const FEATURES: usize = 8;

/// So many rows: features between 0 and 1, and (10·x₀·x₁ + 20·(x₂ − ½)² + 10·x₃ + 5·x₄ − 14) / 5 plus a little noise.
///
/// # Errors
/// No row at all.
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
    fn a_seed_gives_the_same_rows() {
        let inputs = |seed| rows(20, seed).unwrap().rows(..).unwrap().inputs().unwrap();
        assert_eq!(inputs(3), inputs(3));
        assert_ne!(inputs(3), inputs(4));
        assert!(inputs(3).iter().all(|x| (0.0..1.0).contains(x)));
    }
}
