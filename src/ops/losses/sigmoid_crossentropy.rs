//! Mean of the binary cross-entropy of σ(x), as max(x, 0) − x · t + ln(1 + e^(−|x|)); dx = (σ(x) − t) / n · dy.

use crate::kernels::{double, math};
use crate::ops::pointwise::{self, Pointwise};
use crate::tape::Var;

struct SigmoidCrossentropy;

impl Pointwise for SigmoidCrossentropy {
    const NAME: &'static str = "sigmoid_crossentropy";

    fn value(&self, x: f32, t: f32) -> f64 {
        let (x, t) = (f64::from(x), f64::from(t));
        let above = if x < 0.0 { 0.0 } else { x };
        above - x * t + math::ln(1.0 + double::exp(-x.abs()))
    }

    fn slope(&self, x: f32, t: f32) -> f64 {
        let x = f64::from(x);
        let e = double::exp(-x.abs());
        let sigmoid = if x < 0.0 { e } else { 1.0 } / (1.0 + e);
        sigmoid - f64::from(t)
    }
}

impl<'r> Var<'r> {
    /// The mean binary cross-entropy of the sigmoid of logits, for `targets` between 0 and 1. Targets get no gradient.
    ///
    /// ```
    /// use gradus::{Key, tape::*};
    /// let recorder = Recorder::new(Mode::Inference);
    /// let (logits, targets) = (recorder.input([2]), recorder.input([2]));
    /// let y = logits.sigmoid_crossentropy(targets);
    /// let (logits, targets, y) = (logits.id(), targets.id(), y.id());
    /// let mut tape = recorder.finish()?;
    /// tape.input_slices([logits])[0].copy_from_slice(&[0.0, 0.0]);
    /// tape.input_slices([targets])[0].copy_from_slice(&[1.0, 0.0]);
    /// tape.run(&Params::new(), Key::from_seed(0))?;
    /// let expected = [0.693_147_2];
    /// assert!(tape.view(y).data().iter().zip(expected).all(|(y, expected): (&f32, f32)| (y - expected).abs() < 1e-6));
    /// # Ok::<(), gradus::Error>(())
    /// ```
    pub fn sigmoid_crossentropy(self, targets: Var<'r>) -> Var<'r> {
        self.sigmoid_crossentropy_of(targets, None)
    }

    pub(crate) fn sigmoid_crossentropy_of(self, targets: Var<'r>, weights: Option<Var<'r>>) -> Var<'r> {
        pointwise::record(SigmoidCrossentropy, self, targets, weights)
    }
}

#[cfg(test)]
pub(in crate::ops) mod tests {
    use crate::testing::Sample;
    use ndarray::{arr1, arr2};

    pub(crate) fn samples() -> Vec<Sample> {
        let targets = || arr2(&[[0.0, 1.0, 0.25], [1.0, 0.0, 0.5]]);
        vec![
            Sample::new(|x| (x[0] * 9.0).sigmoid_crossentropy(x[1])).variable([2, 3]).input(targets()),
            Sample::new(|x| x[0].sigmoid_crossentropy_of(x[1], Some(x[2])))
                .variable([2, 3])
                .input(targets())
                .input(arr1(&[0.5, 2.0])),
        ]
    }
}
