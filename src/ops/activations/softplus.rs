//! y = ln(1 + eˣ), dx = dy · σ(x); and y = ln σ(x) = −ln(1 + e⁻ˣ), dx = dy · σ(−x).

use crate::kernels::{double, math};
use crate::ops::unary::unary;

unary! {
    /// The softplus function, ln(1 + eˣ).
    ///
    /// ```
    /// use gradus::{Key, tape::*};
    /// let recorder = Recorder::new(Mode::Inference);
    /// let x = recorder.input([2]);
    /// let y = x.softplus();
    /// let (x, y) = (x.id(), y.id());
    /// let mut tape = recorder.finish()?;
    /// tape.input_slices([x])[0].copy_from_slice(&[0.0, 1.0]);
    /// tape.run(&Params::new(), Key::from_seed(0))?;
    /// let expected = [0.693_147_2, 1.313_261_7];
    /// assert!(tape.view(y).data().iter().zip(expected).all(|(y, expected): (&f32, f32)| (y - expected).abs() < 1e-6));
    /// # Ok::<(), gradus::Error>(())
    /// ```
    Softplus = softplus(), 5 ns;
    y = |x| double::softplus(f64::from(x)) as f32;
    dx = |dy, x, _y| dy * math::sigmoid::<F>(x);
}

unary! {
    /// The logarithm of the sigmoid, −ln(1 + e⁻ˣ).
    ///
    /// ```
    /// use gradus::{Key, tape::*};
    /// let recorder = Recorder::new(Mode::Inference);
    /// let x = recorder.input([2]);
    /// let y = x.log_sigmoid();
    /// let (x, y) = (x.id(), y.id());
    /// let mut tape = recorder.finish()?;
    /// tape.input_slices([x])[0].copy_from_slice(&[0.0, -1.0]);
    /// tape.run(&Params::new(), Key::from_seed(0))?;
    /// let expected = [-0.693_147_2, -1.313_261_7];
    /// assert!(tape.view(y).data().iter().zip(expected).all(|(y, expected): (&f32, f32)| (y - expected).abs() < 1e-6));
    /// # Ok::<(), gradus::Error>(())
    /// ```
    LogSigmoid = log_sigmoid(), 5 ns;
    y = |x| -(double::softplus(f64::from(-x)) as f32);
    dx = |dy, x, _y| dy * math::sigmoid::<F>(-x);
}

#[cfg(test)]
pub(in crate::ops) mod tests {
    use crate::testing::Sample;

    pub(crate) fn samples() -> Vec<Sample> {
        vec![
            Sample::new(|x| (x[0] * 5.0).log_sigmoid()).variable([9]),
            Sample::new(|x| x[0].softplus()).variable([3, 5]),
            Sample::new(|x| (x[0] * 5.0).softplus()).variable([17]),
        ]
    }
}
