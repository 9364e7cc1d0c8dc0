//! y = (x + √(x² + 4)) / 2 (Barron 2021), dx = dy · (1 + x / √(x² + 4)) / 2.

use crate::ops::unary::unary;

unary! {
    /// (x + √(x² + 4)) / 2, a smooth rectifier without exponentials. Keras' `squareplus`.
    ///
    /// ```
    /// use gradus::{Key, tape::*};
    /// let recorder = Recorder::new(Mode::Inference);
    /// let x = recorder.input([2]);
    /// let y = x.squareplus();
    /// let (x, y) = (x.id(), y.id());
    /// let mut tape = recorder.finish()?;
    /// tape.input_slices([x])[0].copy_from_slice(&[0.0, 1.5]);
    /// tape.run(&Params::new(), Key::from_seed(0))?;
    /// let expected = [1.0, 2.0];
    /// assert!(tape.view(y).data().iter().zip(expected).all(|(y, expected): (&f32, f32)| (y - expected).abs() < 1e-6));
    /// # Ok::<(), gradus::Error>(())
    /// ```
    Squareplus = squareplus(), 1 ns;
    y = |x| (x + (x * x + 4.0).sqrt()) * 0.5;
    dx = |dy, x, _y| dy * (0.5 + 0.5 * x / (x * x + 4.0).sqrt());
}

#[cfg(test)]
pub(in crate::ops) mod tests {
    use crate::testing::Sample;

    pub(crate) fn samples() -> Vec<Sample> {
        vec![
            Sample::new(|x| (x[0] * 8.3).squareplus()).variable([3, 5]),
            Sample::new(|x| x[0].squareplus()).variable([4]),
        ]
    }
}
