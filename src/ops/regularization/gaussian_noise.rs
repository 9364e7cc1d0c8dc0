//! y = x + n, dx = dy, with normal numbers n of mean 0 in training.

use crate::error::{Result, check_setting};
use crate::kernels::noise;
use crate::shape::Shape;
use crate::tape::{Context, Gradients, Inputs, Mode, Op, Var, arity};

struct GaussianNoise {
    stddev: f32,
}

impl Op for GaussianNoise {
    fn name(&self) -> &'static str {
        "gaussian_noise"
    }

    fn prepare(&mut self, inputs: &[Shape]) -> Result<Shape> {
        let [x] = arity(inputs)?;
        check_stddev(self.stddev)?;
        Ok(x)
    }

    fn forward(&mut self, inputs: Inputs<'_>, y: &mut [f32], context: Context<'_>) {
        let [x] = inputs.each();
        let first = context.first_row() * x.shape().sample().len();
        noise::normal(context.key(), self.stddev, first, y);
        y.iter_mut().zip(x.data()).for_each(|(y, x)| *y += x);
    }

    fn backward(&mut self, _inputs: Inputs<'_>, _y: &[f32], dy: &mut [f32], gradients: Gradients<'_>) {
        if let [Some(dx)] = gradients.each() {
            dx.copy_from_slice(dy);
        }
    }
}

/// Checks the standard deviation.
pub(crate) fn check_stddev(stddev: f32) -> Result<()> {
    check_setting(stddev.is_finite() && stddev >= 0.0, "GaussianNoise", "stddev", f64::from(stddev), "finite and ≥ 0")
}

impl<'r> Var<'r> {
    /// In training, adds normal random numbers of mean 0 and standard deviation `stddev`, finite and ≥ 0. In inference,
    /// returns the value unchanged. The elements along the first axis belong to the rows of the batch, as in
    /// [`dropout`](Var::dropout).
    ///
    /// ```
    /// use gradus::{Key, tape::*};
    /// let recorder = Recorder::new(Mode::Training);
    /// let x = recorder.input([4]);
    /// let y = x.gaussian_noise(0.1);
    /// let (x, y) = (x.id(), y.id());
    /// let mut tape = recorder.finish()?;
    /// tape.input_slices([x])[0].copy_from_slice(&[1.0; 4]);
    /// tape.run(&Params::new(), Key::from_seed(0))?;
    /// assert!(tape.view(y).data().iter().all(|y| *y != 1.0 && (y - 1.0).abs() < 1.0));
    /// # Ok::<(), gradus::Error>(())
    /// ```
    pub fn gaussian_noise(self, stddev: f32) -> Var<'r> {
        match self.recorder().mode() {
            Mode::Inference => self,
            Mode::Training => self.recorder().apply(GaussianNoise { stddev }, &[self]),
        }
    }
}

#[cfg(test)]
pub(in crate::ops) mod tests {
    use crate::testing::Sample;

    pub(crate) fn samples() -> Vec<Sample> {
        vec![
            Sample::new(|x| x[0].gaussian_noise(0.3)).variable([5, 7]),
            Sample::new(|x| x[0].gaussian_noise(0.0)).variable([3]),
        ]
    }
}
