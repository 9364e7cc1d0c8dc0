//! y = √x, dx = dy / (2y).

use crate::ops::unary::unary;

unary! {
    /// The square root of each element. NaN for negative elements.
    ///
    /// ```
    /// use gradus::{Key, tape::*};
    /// let recorder = Recorder::new(Mode::Inference);
    /// let x = recorder.input([2]);
    /// let y = x.sqrt();
    /// let (x, y) = (x.id(), y.id());
    /// let mut tape = recorder.finish()?;
    /// tape.input_slices([x])[0].copy_from_slice(&[4.0, 9.0]);
    /// tape.run(&Params::new(), Key::from_seed(0))?;
    /// assert_eq!(tape.view(y).data(), [2.0, 3.0]);
    /// # Ok::<(), gradus::Error>(())
    /// ```
    Sqrt = sqrt(), 1 ns;
    y = |x| x.sqrt();
    dx = |dy, _x, y| 0.5 * dy / y;
}

#[cfg(test)]
pub(in crate::ops) mod tests {
    use crate::testing::Sample;

    pub(crate) fn samples() -> Vec<Sample> {
        vec![
            Sample::new(|x| (x[0] * x[0] + 0.5).sqrt()).variable([3, 5]),
            Sample::new(|x| (x[0] + 2.0).sqrt()).variable([1]),
        ]
    }
}
