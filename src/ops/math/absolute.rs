//! y = |x|, dx = dy · sign x, which is 0 at 0.

use crate::ops::unary::unary;

unary! {
    /// The absolute value of each element.
    ///
    /// ```
    /// use gradus::{Key, tape::*};
    /// let recorder = Recorder::new(Mode::Inference);
    /// let x = recorder.input([3]);
    /// let y = x.absolute();
    /// let (x, y) = (x.id(), y.id());
    /// let mut tape = recorder.finish()?;
    /// tape.input_slices([x])[0].copy_from_slice(&[-1.5, 0.0, 2.0]);
    /// tape.run(&Params::new(), Key::from_seed(0))?;
    /// assert_eq!(tape.view(y).data(), [1.5, 0.0, 2.0]);
    /// # Ok::<(), gradus::Error>(())
    /// ```
    Absolute = absolute(), 1 ns;
    y = |x| x.abs();
    dx = |dy, x, _y| if x == 0.0 { 0.0 } else { dy * 1f32.copysign(x) };
}

#[cfg(test)]
pub(in crate::ops) mod tests {
    use crate::testing::Sample;

    pub(crate) fn samples() -> Vec<Sample> {
        vec![Sample::new(|x| x[0].absolute()).variable([3, 5]), Sample::new(|x| x[0].absolute()).variable([])]
    }
}
