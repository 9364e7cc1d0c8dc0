//! Mean over positions of Σᵢ sᵢ · ln(sᵢ / qᵢ), with s and q the targets and predictions clipped to 10⁻⁷ … 1;
//! dp = −s / q / positions · dy for p within these limits, and 0 otherwise.

use crate::kernels::math;
use crate::ops::pointwise::{self, Pointwise};
use crate::tape::Var;

/// The epsilon of Keras.
const CLIP: f64 = 1e-7;

struct KlDivergence;

impl Pointwise for KlDivergence {
    const NAME: &'static str = "kl_divergence";
    const SUMS: bool = true;

    fn value(&self, p: f32, t: f32) -> f64 {
        let [q, s] = [p, t].map(|x| f64::from(x).clamp(CLIP, 1.0));
        s * math::ln(s / q)
    }

    fn slope(&self, p: f32, t: f32) -> f64 {
        let (p, s) = (f64::from(p), f64::from(t).clamp(CLIP, 1.0));
        match p {
            p if p < CLIP => 0.0,
            p if p > 1.0 => 0.0,
            p => -s / p, // NaN propagates
        }
    }
}

impl<'r> Var<'r> {
    /// The mean Kullback-Leibler divergence of rows of probabilities from `targets`. Targets get no gradient.
    ///
    /// ```
    /// use gradus::{Key, tape::*};
    /// let recorder = Recorder::new(Mode::Inference);
    /// let (probabilities, targets) = (recorder.input([1, 2]), recorder.input([1, 2]));
    /// let y = probabilities.kl_divergence(targets);
    /// let (probabilities, targets, y) = (probabilities.id(), targets.id(), y.id());
    /// let mut tape = recorder.finish()?;
    /// tape.input_slices([probabilities])[0].copy_from_slice(&[0.25, 0.75]);
    /// tape.input_slices([targets])[0].copy_from_slice(&[0.5, 0.5]);
    /// tape.run(&Params::new(), Key::from_seed(0))?;
    /// let expected = [0.143_841];
    /// assert!(tape.view(y).data().iter().zip(expected).all(|(y, expected): (&f32, f32)| (y - expected).abs() < 1e-6));
    /// # Ok::<(), gradus::Error>(())
    /// ```
    pub fn kl_divergence(self, targets: Var<'r>) -> Var<'r> {
        self.kl_divergence_of(targets, None)
    }

    pub(crate) fn kl_divergence_of(self, targets: Var<'r>, weights: Option<Var<'r>>) -> Var<'r> {
        pointwise::record(KlDivergence, self, targets, weights)
    }
}

#[cfg(test)]
pub(in crate::ops) mod tests {
    use super::KlDivergence;
    use crate::ops::pointwise::Pointwise;
    use crate::testing::Sample;
    use ndarray::{arr1, arr2};

    /// The expected values are those of Keras 3.15.1 on TensorFlow. JAX and PyTorch halve the gradient if p is equal to a
    /// limit.
    #[test]
    fn gradients_at_the_clipping_limits_are_not_zero() {
        let p = [0.0, 1e-7, 1.0, 1.5, 0.5];
        let t = [0.2, 0.3, 1.0, 1.0, 0.0];
        let slopes = [0.0, -3e6, -1.0, 0.0, -2e-7];
        for ((p, t), slope) in p.into_iter().zip(t).zip(slopes) {
            approx::assert_relative_eq!(KlDivergence.slope(p, t), slope, max_relative = 1e-6);
        }
        let sum = p.into_iter().zip(t).map(|(p, t)| KlDivergence.value(p, t)).sum::<f64>();
        approx::assert_relative_eq!(sum, 7.375967, max_relative = 1e-6);
        assert!(KlDivergence.slope(f32::NAN, 1.0).is_nan() && KlDivergence.value(f32::NAN, 1.0).is_nan());
    }

    pub(crate) fn samples() -> Vec<Sample> {
        let targets = || arr2(&[[0.0, 1.0, 0.0], [0.25, 0.5, 0.25]]);
        vec![
            Sample::new(|x| x[0].softmax().kl_divergence(x[1])).variable([2, 3]).input(targets()),
            Sample::new(|x| x[0].softmax().kl_divergence_of(x[1], Some(x[2])))
                .variable([2, 3])
                .input(targets())
                .input(arr1(&[0.5, 2.0])),
        ]
    }
}
