//! y = x where x > 0 and alpha · (eˣ − 1) elsewhere (Clevert et al. 2016); dx = dy, and dy · (y + alpha) elsewhere.

use crate::kernels::double;
use crate::ops::unary::unary;

unary! {
    /// The exponential linear unit: x, and alpha · (eˣ − 1) for x < 0. In Keras, alpha defaults to 1.
    ///
    /// ```
    /// use gradus::{Key, tape::*};
    /// let recorder = Recorder::new(Mode::Inference);
    /// let x = recorder.input([2]);
    /// let y = x.elu(1.0);
    /// let (x, y) = (x.id(), y.id());
    /// let mut tape = recorder.finish()?;
    /// tape.input_slices([x])[0].copy_from_slice(&[-1.0, 2.0]);
    /// tape.run(&Params::new(), Key::from_seed(0))?;
    /// let expected = [-0.632_120_6, 2.0];
    /// assert!(tape.view(y).data().iter().zip(expected).all(|(y, expected): (&f32, f32)| (y - expected).abs() < 1e-6));
    /// # Ok::<(), gradus::Error>(())
    /// ```
    Elu = elu(alpha: f32 = 1.0), 3 ns;
    y = |x| if x > 0.0 { x } else { (f64::from(alpha) * double::exp_m1(f64::from(x))) as f32 };
    dx = |dy, x, y| if x > 0.0 { dy } else { dy * (y + alpha) };
}

#[cfg(test)]
pub(in crate::ops) mod tests {
    use crate::testing::Sample;

    pub(crate) fn samples() -> Vec<Sample> {
        vec![Sample::new(|x| x[0].elu(1.0)).variable([3, 5]), Sample::new(|x| x[0].elu(0.2)).variable([1])]
    }
}
