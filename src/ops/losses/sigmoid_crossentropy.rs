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
    /// The mean binary cross-entropy of sigmoid(self) against `targets` between 0 and 1, which get no gradient.
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
