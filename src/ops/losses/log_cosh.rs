//! Mean of ln cosh e with e = p − t, as |e| + ln(1 + e^(−2·|e|)) − ln 2; dp = tanh(e) / n · dy.

use crate::kernels::{double, math};
use crate::ops::pointwise::{self, Pointwise};
use crate::tape::Var;

struct LogCosh;

impl Pointwise for LogCosh {
    const NAME: &'static str = "log_cosh";

    fn value(&self, p: f32, t: f32) -> f64 {
        let distance = (f64::from(p) - f64::from(t)).abs();
        distance + math::ln(1.0 + double::exp(-2.0 * distance)) - std::f64::consts::LN_2
    }

    fn slope(&self, p: f32, t: f32) -> f64 {
        let error = f64::from(p) - f64::from(t);
        let e = double::exp(-2.0 * error.abs());
        ((1.0 - e) / (1.0 + e)).copysign(error)
    }
}

impl<'r> Var<'r> {
    /// The mean of ln cosh of the difference to `targets`: approximately half the square of small differences and the
    /// absolute value of large ones. Targets get no gradient.
    ///
    /// ```
    /// use gradus::{Key, tape::*};
    /// let recorder = Recorder::new(Mode::Inference);
    /// let (x, targets) = (recorder.input([2]), recorder.input([2]));
    /// let y = x.log_cosh(targets);
    /// let (x, targets, y) = (x.id(), targets.id(), y.id());
    /// let mut tape = recorder.finish()?;
    /// tape.input_slices([x])[0].copy_from_slice(&[1.0, 2.0]);
    /// tape.input_slices([targets])[0].copy_from_slice(&[1.0, 4.0]);
    /// tape.run(&Params::new(), Key::from_seed(0))?;
    /// let expected = [0.662_501_4];
    /// assert!(tape.view(y).data().iter().zip(expected).all(|(y, expected): (&f32, f32)| (y - expected).abs() < 1e-6));
    /// # Ok::<(), gradus::Error>(())
    /// ```
    pub fn log_cosh(self, targets: Var<'r>) -> Var<'r> {
        self.log_cosh_of(targets, None)
    }

    pub(crate) fn log_cosh_of(self, targets: Var<'r>, weights: Option<Var<'r>>) -> Var<'r> {
        pointwise::record(LogCosh, self, targets, weights)
    }
}

#[cfg(test)]
pub(in crate::ops) mod tests {
    use crate::testing::{Sample, spread};
    use ndarray::arr1;

    pub(crate) fn samples() -> Vec<Sample> {
        let targets = || spread([3, 5].into(), 7);
        vec![
            Sample::new(|x| x[0].log_cosh(x[1])).variable([3, 5]).input(targets()),
            Sample::new(|x| x[0].log_cosh_of(x[1], Some(x[2])))
                .variable([3, 5])
                .input(targets())
                .input(arr1(&[0.5, 0.0, 2.0])),
        ]
    }
}
