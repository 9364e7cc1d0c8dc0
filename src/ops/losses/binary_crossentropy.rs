//! Mean of −t · ln q − (1 − t) · ln(1 − q), with q = p clipped to 10⁻⁷ … 1 − 10⁻⁷;
//! dp = ((1 − t) / (1 − q) − t / q) / n · dy for p within these limits, and 0 otherwise.

use crate::kernels::math;
use crate::ops::pointwise::{self, Pointwise};
use crate::tape::Var;

/// The epsilon of Keras.
const CLIP: f64 = 1e-7;

struct BinaryCrossentropy;

impl Pointwise for BinaryCrossentropy {
    const NAME: &'static str = "binary_crossentropy";

    fn value(&self, p: f32, t: f32) -> f64 {
        let (q, t) = (f64::from(p).clamp(CLIP, 1.0 - CLIP), f64::from(t));
        -t * math::ln(q) - (1.0 - t) * math::ln(1.0 - q)
    }

    fn slope(&self, p: f32, t: f32) -> f64 {
        let (p, t) = (f64::from(p), f64::from(t));
        if (p - 0.5).abs() > 0.5 - CLIP { 0.0 } else { (1.0 - t) / (1.0 - p) - t / p }
    }
}

impl<'r> Var<'r> {
    /// The mean binary cross-entropy of probabilities for `targets` between 0 and 1. Targets get no gradient.
    ///
    /// Probabilities are clipped to 10⁻⁷ … 1 − 10⁻⁷, and have no gradient outside. For logits,
    /// [`sigmoid_crossentropy`](Var::sigmoid_crossentropy) is exact.
    ///
    /// ```
    /// use gradus::{Key, tape::*};
    /// let recorder = Recorder::new(Mode::Inference);
    /// let (probabilities, targets) = (recorder.input([2]), recorder.input([2]));
    /// let y = probabilities.binary_crossentropy(targets);
    /// let (probabilities, targets, y) = (probabilities.id(), targets.id(), y.id());
    /// let mut tape = recorder.finish()?;
    /// tape.input_slices([probabilities])[0].copy_from_slice(&[0.5, 0.5]);
    /// tape.input_slices([targets])[0].copy_from_slice(&[1.0, 0.0]);
    /// tape.run(&Params::new(), Key::from_seed(0))?;
    /// let expected = [0.693_147_2];
    /// assert!(tape.view(y).data().iter().zip(expected).all(|(y, expected): (&f32, f32)| (y - expected).abs() < 1e-6));
    /// # Ok::<(), gradus::Error>(())
    /// ```
    pub fn binary_crossentropy(self, targets: Var<'r>) -> Var<'r> {
        self.binary_crossentropy_of(targets, None)
    }

    pub(crate) fn binary_crossentropy_of(self, targets: Var<'r>, weights: Option<Var<'r>>) -> Var<'r> {
        pointwise::record(BinaryCrossentropy, self, targets, weights)
    }
}

#[cfg(test)]
pub(in crate::ops) mod tests {
    use crate::testing::Sample;
    use ndarray::{arr1, arr2};

    pub(crate) fn samples() -> Vec<Sample> {
        let targets = || arr2(&[[0.0, 1.0, 0.25], [1.0, 0.0, 0.5]]);
        vec![
            Sample::new(|x| x[0].sigmoid().binary_crossentropy(x[1])).variable([2, 3]).input(targets()),
            Sample::new(|x| x[0].sigmoid().binary_crossentropy_of(x[1], Some(x[2])))
                .variable([2, 3])
                .input(targets())
                .input(arr1(&[0.5, 2.0])),
        ]
    }
}
