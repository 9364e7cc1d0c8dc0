//! Sums of elements along an axis with constant weights, as in resizing: a product with a sparse matrix.

use crate::kernels::parallel;
use crate::kernels::simd::{self, vectorized};
use crate::sizes;

/// The elements and the weights of each sum.
#[derive(Clone, Debug, Default)]
pub(crate) struct WeightedSums {
    /// The first term of each sum, and the number of all terms.
    starts: Vec<usize>,
    elements: Vec<usize>,
    weights: Vec<f32>,
}

impl WeightedSums {
    /// Creates the sums of `terms`: for each, its elements and their weights.
    pub(crate) fn new(terms: &[Vec<(usize, f32)>]) -> WeightedSums {
        let mut sums = WeightedSums { starts: vec![0], ..WeightedSums::default() };
        for sum in terms {
            sums.elements.extend(sum.iter().map(|term| term.0));
            sums.weights.extend(sum.iter().map(|term| term.1));
            sums.starts.push(sums.elements.len());
        }
        sums
    }

    /// The number of sums.
    pub(crate) fn count(&self) -> usize {
        self.starts.len() - 1
    }

    /// The sums of the gradient: for each of `count` elements, the sums that contain it, in ascending order.
    pub(crate) fn transposed(&self, count: usize) -> WeightedSums {
        let mut terms = vec![Vec::new(); count];
        for (number, bounds) in self.starts.windows(2).enumerate() {
            for at in bounds[0]..bounds[1] {
                terms[self.elements[at]].push((number, self.weights[at]));
            }
        }
        WeightedSums::new(&terms)
    }

    /// `y[o][s][i] = Σ weight · x[o][element][i]` over the terms of sum s, in their order. An array is interpreted as outer ×
    /// `n` × `inner`.
    pub(crate) fn forward(&self, x: &[f32], n: usize, inner: usize, y: &mut [f32]) {
        let (count, level) = (self.count(), simd::current());
        let work = sizes::work(&[self.elements.len() + count, inner]) / 4;
        parallel::for_each_pair((x, n * inner), (y, count * inner), work, |_, x, y| add(level, self, x, inner, y));
    }
}

vectorized! {
    /// The sums of one block.
    fn add<F: Fma>(sums: &WeightedSums, x: &[f32], inner: usize, y: &mut [f32]) {
        for (bounds, y) in sums.starts.windows(2).zip(y.chunks_exact_mut(inner)) {
            y.fill(0.0);
            for at in bounds[0]..bounds[1] {
                let (x, weight) = (&x[sums.elements[at] * inner..][..inner], sums.weights[at]);
                y.iter_mut().zip(x).for_each(|(y, x)| *y = F::fma(weight, *x, *y));
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::kernels::samples;

    #[test]
    fn bits_do_not_depend_on_threads_or_instructions() {
        let terms: Vec<Vec<(usize, f32)>> =
            (0..11).map(|at| (0..at % 4).map(|term| (at / 2 + term, 0.3 + term as f32)).collect()).collect();
        let sums = WeightedSums::new(&terms);
        let (x, mut expected) = (samples::values(1, 40 * 9 * 5), samples::unset(40 * 11 * 5));
        sums.forward(&x, 9, 5, &mut expected);
        samples::in_pools(|| {
            let mut y = samples::unset(expected.len());
            sums.forward(&x, 9, 5, &mut y);
            samples::assert_same_bits(&y, &expected, "threads");
        });
        for level in samples::levels() {
            let mut y = samples::unset(11 * 5);
            add(level, &sums, &x[..9 * 5], 5, &mut y);
            samples::assert_same_bits(&y, &expected[..y.len()], "instructions");
        }
        let back = sums.transposed(9);
        assert_eq!(back.elements.len(), sums.elements.len());
        assert_eq!((sums.starts.len(), back.starts.len()), (12, 10));
    }
}
