//! y = x · t with t = tanh(ln(1 + eˣ)) (Misra 2019), dx = dy · (t + x · (1 − t²) · σ(x)).

use crate::kernels::{double, math};
use crate::ops::unary::unary;

unary! {
    /// x · tanh(ln(1 + eˣ)).
    ///
    /// ```
    /// use gradus::{Key, tape::*};
    /// let recorder = Recorder::new(Mode::Inference);
    /// let x = recorder.input([2]);
    /// let y = x.mish();
    /// let (x, y) = (x.id(), y.id());
    /// let mut tape = recorder.finish()?;
    /// tape.input_slices([x])[0].copy_from_slice(&[0.0, 1.0]);
    /// tape.run(&Params::new(), Key::from_seed(0))?;
    /// let expected = [0.0, 0.865_098_4];
    /// assert!(tape.view(y).data().iter().zip(expected).all(|(y, expected): (&f32, f32)| (y - expected).abs() < 1e-6));
    /// # Ok::<(), gradus::Error>(())
    /// ```
    Mish = mish(), 6 ns;
    y = |x| x * math::tanh::<F>(double::softplus(f64::from(x)) as f32);
    dx = |dy, x, _y| {
        let t = math::tanh::<F>(double::softplus(f64::from(x)) as f32);
        dy * (t + x * (1.0 - t * t) * math::sigmoid::<F>(x))
    };
}

#[cfg(test)]
pub(in crate::ops) mod tests {
    use crate::testing::Sample;

    pub(crate) fn samples() -> Vec<Sample> {
        vec![Sample::new(|x| (x[0] * 8.3).mish()).variable([3, 5]), Sample::new(|x| x[0].mish()).variable([4])]
    }
}
