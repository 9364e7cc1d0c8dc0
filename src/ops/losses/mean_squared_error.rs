//! Mean of (p − t)²; dp = 2 · (p − t) / n · dy.

use crate::ops::pointwise::{self, Pointwise};
use crate::tape::Var;

struct SquaredError;

impl Pointwise for SquaredError {
    const NAME: &'static str = "mean_squared_error";

    fn value(&self, p: f32, t: f32) -> f64 {
        let error = f64::from(p) - f64::from(t);
        error * error
    }

    fn slope(&self, p: f32, t: f32) -> f64 {
        2.0 * (f64::from(p) - f64::from(t))
    }
}

impl<'r> Var<'r> {
    /// The mean squared error for `targets`. Targets get no gradient.
    ///
    /// ```
    /// use gradus::{Key, tape::*};
    /// let recorder = Recorder::new(Mode::Inference);
    /// let (x, targets) = (recorder.input([2]), recorder.input([2]));
    /// let y = x.mean_squared_error(targets);
    /// let (x, targets, y) = (x.id(), targets.id(), y.id());
    /// let mut tape = recorder.finish()?;
    /// tape.input_slices([x])[0].copy_from_slice(&[1.0, 2.0]);
    /// tape.input_slices([targets])[0].copy_from_slice(&[1.0, 4.0]);
    /// tape.run(&Params::new(), Key::from_seed(0))?;
    /// assert_eq!(tape.view(y).data(), [2.0]);
    /// # Ok::<(), gradus::Error>(())
    /// ```
    pub fn mean_squared_error(self, targets: Var<'r>) -> Var<'r> {
        self.mean_squared_error_of(targets, None)
    }

    pub(crate) fn mean_squared_error_of(self, targets: Var<'r>, weights: Option<Var<'r>>) -> Var<'r> {
        pointwise::record(SquaredError, self, targets, weights)
    }
}

#[cfg(test)]
pub(in crate::ops) mod tests {
    use crate::testing::{Sample, spread};
    use ndarray::arr1;

    pub(crate) fn samples() -> Vec<Sample> {
        let targets = || spread([3, 5].into(), 7);
        vec![
            Sample::new(|x| x[0].mean_squared_error(x[1])).variable([3, 5]).input(targets()),
            Sample::new(|x| x[0].mean_squared_error(x[1])).variable([4, 1]).input(arr1(&[0.5, -1.0, 2.0, 0.0])),
            Sample::new(|x| x[0].mean_squared_error_of(x[1], Some(x[2])))
                .variable([3, 5])
                .input(targets())
                .input(arr1(&[0.5, 0.0, 2.0])),
        ]
    }
}
