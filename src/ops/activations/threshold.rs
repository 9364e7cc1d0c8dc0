//! y = x where x > threshold, and another value elsewhere; dx = dy, and 0 elsewhere.

use crate::ops::unary::unary;

unary! {
    /// Each element above `threshold`, and `value` instead of the others. Keras' `threshold`.
    ///
    /// ```
    /// use gradus::{Key, tape::*};
    /// let recorder = Recorder::new(Mode::Inference);
    /// let x = recorder.input([3]);
    /// let y = x.threshold(0.5, -1.0);
    /// let (x, y) = (x.id(), y.id());
    /// let mut tape = recorder.finish()?;
    /// tape.input_slices([x])[0].copy_from_slice(&[0.25, 0.5, 2.0]);
    /// tape.run(&Params::new(), Key::from_seed(0))?;
    /// assert_eq!(tape.view(y).data(), [-1.0, -1.0, 2.0]);
    /// # Ok::<(), gradus::Error>(())
    /// ```
    Threshold = threshold(threshold: f32 = 0.2, value: f32 = -1.0), 1 ns;
    // The negation keeps NaN.
    y = |x| if x <= threshold { value } else { x };
    dx = |dy, x, _y| {
        let _constant = value;
        if x <= threshold { 0.0 } else { dy }
    };
}

#[cfg(test)]
pub(in crate::ops) mod tests {
    use crate::testing::Sample;

    pub(crate) fn samples() -> Vec<Sample> {
        vec![
            Sample::new(|x| x[0].threshold(0.075, -0.5)).variable([3, 5]),
            Sample::new(|x| x[0].threshold(-9.0, 0.0)).variable([1]),
        ]
    }
}
