//! Mixing of images with other images of the batch: the random choice of partners, and numbers of a beta distribution.

use super::random_normal::normal;
use crate::kernels::double::{exp, ln};
use crate::random::Draws;
use crate::tape::Var;

/// The rows of x in a random order.
pub(super) fn partners(x: Var<'_>) -> Var<'_> {
    let rows = x.shape().axis(0);
    let order = x.random_batch([rows], |draws: &mut Draws, order: &mut [f32]| {
        order.iter_mut().enumerate().for_each(|(row, place)| *place = row as f32);
        draws.shuffle(order);
    });
    permuted(x, order)
}

/// The rows of x in this order.
pub(super) fn permuted<'r>(x: Var<'r>, order: Var<'r>) -> Var<'r> {
    order.embedding(x.reshape([x.shape().axis(0), x.shape().sample().len()])).reshape(x.shape())
}

/// Draws a number of the beta distribution with both parameters α > 0, by two numbers of a gamma distribution. With small α,
/// those are below the smallest float, so that their logarithms are drawn.
pub(super) fn beta(draws: &mut Draws, alpha: f64) -> f32 {
    let [left, right] = [ln_gamma(draws, alpha), ln_gamma(draws, alpha)];
    (1.0 / (1.0 + exp(right - left))) as f32
}

/// Draws the logarithm of a number of the gamma distribution of shape α (Marsaglia and Tsang 2000).
fn ln_gamma(draws: &mut Draws, alpha: f64) -> f64 {
    if alpha < 1.0 {
        let power = ln(draws.uniform().max(f64::MIN_POSITIVE)) / alpha;
        return ln_gamma(draws, alpha + 1.0) + power;
    }
    let d = alpha - 1.0 / 3.0;
    let c = 1.0 / (9.0 * d).sqrt();
    loop {
        let x = f64::from(normal(draws));
        let base = 1.0 + c * x;
        if base <= 0.0 {
            continue;
        }
        let v = base * base * base;
        let accepted = 0.5 * x * x + d - d * v + d * ln(v);
        if ln(draws.uniform().max(f64::MIN_POSITIVE)) < accepted {
            return ln(d) + ln(v);
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::Key;

    #[test]
    fn numbers_have_the_mean_and_variance_of_the_beta_distribution() {
        for (seed, alpha) in [(1, 0.2), (2, 1.0), (3, 4.0)] {
            let mut draws = Key::from_seed(seed).draws(0);
            let numbers: Vec<f64> = (0..20_000).map(|_| f64::from(beta(&mut draws, alpha))).collect();
            let mean = numbers.iter().sum::<f64>() / 20_000.0;
            let variance = numbers.iter().map(|number| (number - mean).powi(2)).sum::<f64>() / 20_000.0;
            let expected = 1.0 / (4.0 * (2.0 * alpha + 1.0));
            assert!(
                (mean - 0.5).abs() < 0.01 && (variance / expected - 1.0).abs() < 0.05,
                "{alpha}: {mean} {variance}"
            );
        }
        let mut draws = Key::from_seed(4).draws(0);
        assert!((0..100).all(|_| [0.0, 1.0].contains(&beta(&mut draws, 1e-6))));
    }
}
