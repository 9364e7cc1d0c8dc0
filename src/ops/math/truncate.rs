//! y = x rounded toward 0, dx = 0.

use crate::ops::unary::unary;

unary! {
    /// Rounds each element toward 0 to an integer.
    ///
    /// ```
    /// use gradus::{Key, tape::*};
    /// let recorder = Recorder::new(Mode::Inference);
    /// let x = recorder.input([3]);
    /// let y = x.truncate();
    /// let (x, y) = (x.id(), y.id());
    /// let mut tape = recorder.finish()?;
    /// tape.input_slices([x])[0].copy_from_slice(&[-1.7, 0.5, 2.9]);
    /// tape.run(&Params::new(), Key::from_seed(0))?;
    /// assert_eq!(tape.view(y).data(), [-1.0, 0.0, 2.0]);
    /// # Ok::<(), gradus::Error>(())
    /// ```
    Truncate = truncate(), 1 ns;
    y = |x| x.trunc();
    dx = |_dy, _x, _y| 0.0;
}

#[cfg(test)]
pub(in crate::ops) mod tests {
    use crate::testing::Sample;

    pub(crate) fn samples() -> Vec<Sample> {
        vec![Sample::new(|x| (x[0] + 1.5).truncate() * x[0]).variable([3, 5])]
    }
}
