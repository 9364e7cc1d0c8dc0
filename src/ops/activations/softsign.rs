//! y = x / (1 + |x|), dx = dy / (1 + |x|)².

use crate::ops::unary::unary;

unary! {
    /// The softsign function, x / (1 + |x|).
    ///
    /// ```
    /// use gradus::{Key, tape::*};
    /// let recorder = Recorder::new(Mode::Inference);
    /// let x = recorder.input([2]);
    /// let y = x.softsign();
    /// let (x, y) = (x.id(), y.id());
    /// let mut tape = recorder.finish()?;
    /// tape.input_slices([x])[0].copy_from_slice(&[-1.0, 3.0]);
    /// tape.run(&Params::new(), Key::from_seed(0))?;
    /// assert_eq!(tape.view(y).data(), [-0.5, 0.75]);
    /// # Ok::<(), gradus::Error>(())
    /// ```
    Softsign = softsign(), 1 ns;
    y = |x| x / (1.0 + x.abs());
    dx = |dy, x, _y| {
        let size = 1.0 + x.abs();
        dy / (size * size)
    };
}

#[cfg(test)]
pub(in crate::ops) mod tests {
    use crate::testing::Sample;

    pub(crate) fn samples() -> Vec<Sample> {
        vec![Sample::new(|x| x[0].softsign()).variable([3, 5]), Sample::new(|x| x[0].softsign()).variable([1])]
    }
}
