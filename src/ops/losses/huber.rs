//! Mean of ½ · e² where |e| ≤ delta, and delta · |e| − ½ · delta² otherwise, with e = p − t; dp = e, clipped to ± delta, /
//! n · dy.

use crate::ops::pointwise::{self, Pointwise};
use crate::tape::Var;

struct Huber {
    delta: f64,
}

impl Pointwise for Huber {
    const NAME: &'static str = "huber";

    fn value(&self, p: f32, t: f32) -> f64 {
        let error = f64::from(p) - f64::from(t);
        let far = error.abs() > self.delta;
        if far { self.delta * error.abs() - 0.5 * self.delta * self.delta } else { 0.5 * error * error }
    }

    fn slope(&self, p: f32, t: f32) -> f64 {
        (f64::from(p) - f64::from(t)).clamp(-self.delta, self.delta)
    }
}

impl<'r> Var<'r> {
    /// The mean Huber loss: quadratic for differences to `targets` up to `delta`, and linear otherwise. `delta` must be >
    /// 0. Targets get no gradient.
    ///
    /// ```
    /// use gradus::{Key, tape::*};
    /// let recorder = Recorder::new(Mode::Inference);
    /// let (x, targets) = (recorder.input([2]), recorder.input([2]));
    /// let y = x.huber(targets, 1.0);
    /// let (x, targets, y) = (x.id(), targets.id(), y.id());
    /// let mut tape = recorder.finish()?;
    /// tape.input_slices([x])[0].copy_from_slice(&[1.0, 2.0]);
    /// tape.input_slices([targets])[0].copy_from_slice(&[1.0, 4.0]);
    /// tape.run(&Params::new(), Key::from_seed(0))?;
    /// assert_eq!(tape.view(y).data(), [0.75]);
    /// # Ok::<(), gradus::Error>(())
    /// ```
    pub fn huber(self, targets: Var<'r>, delta: f32) -> Var<'r> {
        self.huber_of(targets, delta, None)
    }

    pub(crate) fn huber_of(self, targets: Var<'r>, delta: f32, weights: Option<Var<'r>>) -> Var<'r> {
        // An invalid delta is treated as infinite. The loss class rejects it.
        let delta = if delta > 0.0 { f64::from(delta) } else { f64::INFINITY };
        pointwise::record(Huber { delta }, self, targets, weights)
    }
}

#[cfg(test)]
pub(in crate::ops) mod tests {
    use crate::testing::{Sample, spread};
    use ndarray::arr1;

    pub(crate) fn samples() -> Vec<Sample> {
        let targets = || spread([3, 5].into(), 7);
        vec![
            Sample::new(|x| x[0].huber(x[1], 0.39)).variable([3, 5]).input(targets()),
            Sample::new(|x| x[0].huber_of(x[1], 0.39, Some(x[2])))
                .variable([3, 5])
                .input(targets())
                .input(arr1(&[0.5, 0.0, 2.0])),
        ]
    }
}
