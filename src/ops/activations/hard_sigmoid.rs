//! y = min(max(x + 3, 0), 6) / 6, dx = dy / 6 between −3 and 3, and 0 outside; its form in Keras 2; and its
//! counterparts of tanh and silu.

use crate::ops::unary::unary;

unary! {
    /// The piecewise linear approximation of the sigmoid in Keras 3: x / 6 + ½, limited to 0 … 1.
    ///
    /// ```
    /// use gradus::{Key, tape::*};
    /// let recorder = Recorder::new(Mode::Inference);
    /// let x = recorder.input([3]);
    /// let y = x.hard_sigmoid();
    /// let (x, y) = (x.id(), y.id());
    /// let mut tape = recorder.finish()?;
    /// tape.input_slices([x])[0].copy_from_slice(&[-4.0, 0.0, 4.0]);
    /// tape.run(&Params::new(), Key::from_seed(0))?;
    /// let expected = [0.0, 0.5, 1.0];
    /// assert!(tape.view(y).data().iter().zip(expected).all(|(y, expected): (&f32, f32)| (y - expected).abs() < 1e-6));
    /// # Ok::<(), gradus::Error>(())
    /// ```
    HardSigmoid = hard_sigmoid(), 1 ns;
    y = |x| {
        let above = if x + 3.0 < 0.0 { 0.0 } else { x + 3.0 };
        (if above > 6.0 { 6.0 } else { above }) * SIXTH
    };
    dx = |dy, x, _y| if x <= -3.0 || x >= 3.0 { 0.0 } else { dy * SIXTH };
}

unary! {
    /// The hard sigmoid of Keras 1 and 2, which is also the default of ONNX: 0.2 · x + ½, limited to 0 … 1.
    ///
    /// ```
    /// use gradus::{Key, tape::*};
    /// let recorder = Recorder::new(Mode::Inference);
    /// let x = recorder.input([3]);
    /// let y = x.legacy_hard_sigmoid();
    /// let (x, y) = (x.id(), y.id());
    /// let mut tape = recorder.finish()?;
    /// tape.input_slices([x])[0].copy_from_slice(&[-3.0, 0.0, 3.0]);
    /// tape.run(&Params::new(), Key::from_seed(0))?;
    /// assert_eq!(tape.view(y).data(), [0.0, 0.5, 1.0]);
    /// # Ok::<(), gradus::Error>(())
    /// ```
    LegacyHardSigmoid = legacy_hard_sigmoid(), 1 ns;
    y = |x| {
        let line = 0.2 * x + 0.5;
        let above = if line < 0.0 { 0.0 } else { line };
        if above > 1.0 { 1.0 } else { above }
    };
    dx = |dy, x, _y| if x <= -2.5 || x >= 2.5 { 0.0 } else { dy * 0.2 };
}

unary! {
    /// x, limited to −1 … 1. Keras' `hard_tanh`.
    ///
    /// ```
    /// use gradus::{Key, tape::*};
    /// let recorder = Recorder::new(Mode::Inference);
    /// let x = recorder.input([3]);
    /// let y = x.hard_tanh();
    /// let (x, y) = (x.id(), y.id());
    /// let mut tape = recorder.finish()?;
    /// tape.input_slices([x])[0].copy_from_slice(&[-4.0, 0.5, 4.0]);
    /// tape.run(&Params::new(), Key::from_seed(0))?;
    /// let expected = [-1.0, 0.5, 1.0];
    /// assert!(tape.view(y).data().iter().zip(expected).all(|(y, expected): (&f32, f32)| (y - expected).abs() < 1e-6));
    /// # Ok::<(), gradus::Error>(())
    /// ```
    HardTanh = hard_tanh(), 1 ns;
    y = |x| {
        let above = if x < -1.0 { -1.0 } else { x };
        if above > 1.0 { 1.0 } else { above }
    };
    dx = |dy, x, _y| if x <= -1.0 || x >= 1.0 { 0.0 } else { dy };
}

unary! {
    /// x times the hard sigmoid of Keras 3, x · (x / 6 + ½) between −3 and 3, also known as hard swish.
    ///
    /// ```
    /// use gradus::{Key, tape::*};
    /// let recorder = Recorder::new(Mode::Inference);
    /// let x = recorder.input([3]);
    /// let y = x.hard_silu();
    /// let (x, y) = (x.id(), y.id());
    /// let mut tape = recorder.finish()?;
    /// tape.input_slices([x])[0].copy_from_slice(&[-4.0, 0.0, 3.0]);
    /// tape.run(&Params::new(), Key::from_seed(0))?;
    /// let expected = [0.0, 0.0, 3.0];
    /// assert!(tape.view(y).data().iter().zip(expected).all(|(y, expected): (&f32, f32)| (y - expected).abs() < 1e-6));
    /// # Ok::<(), gradus::Error>(())
    /// ```
    HardSilu = hard_silu(), 1 ns;
    y = |x| {
        let above = if x + 3.0 < 0.0 { 0.0 } else { x + 3.0 };
        x * ((if above > 6.0 { 6.0 } else { above }) * SIXTH)
    };
    dx = |dy, x, _y| {
        let inside = dy * (x * (2.0 * SIXTH) + 0.5);
        let below = if x <= -3.0 { 0.0 } else { inside };
        if x >= 3.0 { dy } else { below }
    };
}

const SIXTH: f32 = 1.0 / 6.0;

#[cfg(test)]
pub(in crate::ops) mod tests {
    use crate::testing::Sample;

    pub(crate) fn samples() -> Vec<Sample> {
        vec![
            Sample::new(|x| (x[0] * 10.0).hard_sigmoid()).variable([3, 5]),
            Sample::new(|x| x[0].hard_sigmoid()).variable([1]),
            Sample::new(|x| (x[0] * 10.0).hard_silu()).variable([3, 5]),
            Sample::new(|x| (x[0] * 3.0).hard_tanh()).variable([3, 5]),
            Sample::new(|x| (x[0] * 12.0).legacy_hard_sigmoid()).variable([3, 5]),
        ]
    }
}
