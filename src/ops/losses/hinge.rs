//! Mean of max(1 − t · p, 0) for targets −1 and 1; dp = −t / n · dy where that is above 0. Where all targets of a batch are
//! 0 or 1, they are converted to −1 and 1.

use crate::ops::pointwise::{self, Pointwise};
use crate::tape::Var;

#[derive(Default)]
struct Hinge {
    zeros_and_ones: bool,
}

impl Hinge {
    fn signed_target(&self, t: f32) -> f64 {
        let t = f64::from(t);
        if self.zeros_and_ones { 2.0 * t - 1.0 } else { t }
    }
}

impl Pointwise for Hinge {
    const NAME: &'static str = "hinge";

    fn inspect_targets(&mut self, targets: &[f32]) {
        self.zeros_and_ones = targets.iter().all(|t| *t == 0.0 || *t == 1.0);
    }

    fn value(&self, p: f32, t: f32) -> f64 {
        let margin = 1.0 - self.signed_target(t) * f64::from(p);
        if margin < 0.0 { 0.0 } else { margin }
    }

    fn slope(&self, p: f32, t: f32) -> f64 {
        let target = self.signed_target(t);
        if 1.0 - target * f64::from(p) <= 0.0 { 0.0 } else { -target }
    }
}

impl<'r> Var<'r> {
    /// The mean hinge loss for `targets` of −1 and 1, or of 0 and 1. Targets get no gradient.
    ///
    /// ```
    /// use gradus::{Key, tape::*};
    /// let recorder = Recorder::new(Mode::Inference);
    /// let (x, targets) = (recorder.input([2]), recorder.input([2]));
    /// let y = x.hinge(targets);
    /// let (x, targets, y) = (x.id(), targets.id(), y.id());
    /// let mut tape = recorder.finish()?;
    /// tape.input_slices([x])[0].copy_from_slice(&[0.5, 2.0]);
    /// tape.input_slices([targets])[0].copy_from_slice(&[1.0, -1.0]);
    /// tape.run(&Params::new(), Key::from_seed(0))?;
    /// assert_eq!(tape.view(y).data(), [1.75]);
    /// # Ok::<(), gradus::Error>(())
    /// ```
    pub fn hinge(self, targets: Var<'r>) -> Var<'r> {
        self.hinge_of(targets, None)
    }

    pub(crate) fn hinge_of(self, targets: Var<'r>, weights: Option<Var<'r>>) -> Var<'r> {
        pointwise::record(Hinge::default(), self, targets, weights)
    }
}

#[cfg(test)]
pub(in crate::ops) mod tests {
    use crate::testing::Sample;
    use ndarray::{arr1, arr2};

    pub(crate) fn samples() -> Vec<Sample> {
        vec![
            Sample::new(|x| (x[0] * 11.0).hinge(x[1]))
                .variable([2, 3])
                .input(arr2(&[[-1.0, 1.0, 1.0], [1.0, -1.0, 1.0]])),
            Sample::new(|x| x[0].hinge_of(x[1], Some(x[2])))
                .variable([2, 3])
                .input(arr2(&[[0.0, 1.0, 1.0], [1.0, 0.0, 0.0]]))
                .input(arr1(&[0.5, 2.0])),
        ]
    }
}
