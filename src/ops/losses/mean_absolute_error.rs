//! Mean of |p − t|; dp = sign(p − t) / n · dy, and 0 for p = t.

use crate::ops::pointwise::{self, Pointwise};
use crate::tape::Var;

struct AbsoluteError;

impl Pointwise for AbsoluteError {
    const NAME: &'static str = "mean_absolute_error";

    fn value(&self, p: f32, t: f32) -> f64 {
        (f64::from(p) - f64::from(t)).abs()
    }

    fn slope(&self, p: f32, t: f32) -> f64 {
        let error = f64::from(p) - f64::from(t);
        if error == 0.0 { 0.0 } else { error.signum() }
    }
}

impl<'r> Var<'r> {
    /// The mean absolute error for `targets`. Targets get no gradient.
    ///
    /// ```
    /// use gradus::{Key, tape::*};
    /// let recorder = Recorder::new(Mode::Inference);
    /// let (x, targets) = (recorder.input([2]), recorder.input([2]));
    /// let y = x.mean_absolute_error(targets);
    /// let (x, targets, y) = (x.id(), targets.id(), y.id());
    /// let mut tape = recorder.finish()?;
    /// tape.input_slices([x])[0].copy_from_slice(&[1.0, 2.0]);
    /// tape.input_slices([targets])[0].copy_from_slice(&[1.0, 4.0]);
    /// tape.run(&Params::new(), Key::from_seed(0))?;
    /// assert_eq!(tape.view(y).data(), [1.0]);
    /// # Ok::<(), gradus::Error>(())
    /// ```
    pub fn mean_absolute_error(self, targets: Var<'r>) -> Var<'r> {
        self.mean_absolute_error_of(targets, None)
    }

    pub(crate) fn mean_absolute_error_of(self, targets: Var<'r>, weights: Option<Var<'r>>) -> Var<'r> {
        pointwise::record(AbsoluteError, self, targets, weights)
    }
}

#[cfg(test)]
pub(in crate::ops) mod tests {
    use crate::testing::Sample;
    use ndarray::{Array2, arr1};

    pub(crate) fn samples() -> Vec<Sample> {
        // Far enough from the values that no finite difference crosses the kink.
        let targets =
            || Array2::from_shape_fn((3, 5), |(row, column)| if (row + column) % 2 == 0 { 9.0 } else { -9.0 });
        vec![
            Sample::new(|x| x[0].mean_absolute_error(x[1])).variable([3, 5]).input(targets()),
            Sample::new(|x| x[0].mean_absolute_error_of(x[1], Some(x[2])))
                .variable([3, 5])
                .input(targets())
                .input(arr1(&[0.5, 0.0, 2.0])),
        ]
    }
}
