//! y = x · σ(x) (Ramachandran et al. 2017), dx = dy · σ(x) · (1 + x · (1 − σ(x))).

use crate::kernels::math;
use crate::ops::unary::unary;

unary! {
    /// The sigmoid linear unit, x / (1 + e⁻ˣ), also known as swish.
    ///
    /// ```
    /// use gradus::{Key, tape::*};
    /// let recorder = Recorder::new(Mode::Inference);
    /// let x = recorder.input([2]);
    /// let y = x.silu();
    /// let (x, y) = (x.id(), y.id());
    /// let mut tape = recorder.finish()?;
    /// tape.input_slices([x])[0].copy_from_slice(&[0.0, 2.0]);
    /// tape.run(&Params::new(), Key::from_seed(0))?;
    /// let expected = [0.0, 1.761_594_2];
    /// assert!(tape.view(y).data().iter().zip(expected).all(|(y, expected): (&f32, f32)| (y - expected).abs() < 1e-6));
    /// # Ok::<(), gradus::Error>(())
    /// ```
    Silu = silu(), 1 ns;
    y = |x| x * math::sigmoid::<F>(x);
    dx = |dy, x, _y| {
        let s = math::sigmoid::<F>(x);
        dy * (s * (1.0 + x * (1.0 - s)))
    };
}

#[cfg(test)]
pub(in crate::ops) mod tests {
    use crate::testing::Sample;

    pub(crate) fn samples() -> Vec<Sample> {
        vec![Sample::new(|x| x[0].silu()).variable([3, 5]), Sample::new(|x| (x[0] * 5.0).silu()).variable([17])]
    }
}
