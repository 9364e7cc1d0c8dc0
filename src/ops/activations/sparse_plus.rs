//! y = 0, (x + 1)² / 4 or x below −1, between, and above 1, with dx = dy · its derivative, which is the function
//! `sparse_sigmoid`.

use crate::ops::unary::unary;

unary! {
    /// x for x ≥ 1, (x + 1)² / 4 between −1 and 1, and 0 for x ≤ −1. Keras' `sparse_plus`.
    ///
    /// ```
    /// use gradus::{Key, tape::*};
    /// let recorder = Recorder::new(Mode::Inference);
    /// let x = recorder.input([3]);
    /// let y = x.sparse_plus();
    /// let (x, y) = (x.id(), y.id());
    /// let mut tape = recorder.finish()?;
    /// tape.input_slices([x])[0].copy_from_slice(&[-2.0, 0.0, 3.0]);
    /// tape.run(&Params::new(), Key::from_seed(0))?;
    /// let expected = [0.0, 0.25, 3.0];
    /// assert!(tape.view(y).data().iter().zip(expected).all(|(y, expected): (&f32, f32)| (y - expected).abs() < 1e-6));
    /// # Ok::<(), gradus::Error>(())
    /// ```
    SparsePlus = sparse_plus(), 1 ns;
    y = |x| {
        let inside = (x + 1.0) * (x + 1.0) * 0.25;
        let below = if x <= -1.0 { 0.0 } else { inside };
        if x >= 1.0 { x } else { below }
    };
    dx = |dy, x, _y| {
        let inside = dy * ((x + 1.0) * 0.5);
        let below = if x <= -1.0 { 0.0 } else { inside };
        if x >= 1.0 { dy } else { below }
    };
}

unary! {
    /// (x + 1) / 2, limited to 0 … 1: the derivative of [`sparse_plus`](crate::tape::Var::sparse_plus). Keras' `sparse_sigmoid`.
    ///
    /// ```
    /// use gradus::{Key, tape::*};
    /// let recorder = Recorder::new(Mode::Inference);
    /// let x = recorder.input([3]);
    /// let y = x.sparse_sigmoid();
    /// let (x, y) = (x.id(), y.id());
    /// let mut tape = recorder.finish()?;
    /// tape.input_slices([x])[0].copy_from_slice(&[-2.0, 0.0, 3.0]);
    /// tape.run(&Params::new(), Key::from_seed(0))?;
    /// let expected = [0.0, 0.5, 1.0];
    /// assert!(tape.view(y).data().iter().zip(expected).all(|(y, expected): (&f32, f32)| (y - expected).abs() < 1e-6));
    /// # Ok::<(), gradus::Error>(())
    /// ```
    SparseSigmoid = sparse_sigmoid(), 1 ns;
    y = |x| {
        let below = if x <= -1.0 { 0.0 } else { 0.5 * (x + 1.0) };
        if x >= 1.0 { 1.0 } else { below }
    };
    dx = |dy, x, _y| if x <= -1.0 || x >= 1.0 { 0.0 } else { dy * 0.5 };
}

#[cfg(test)]
pub(in crate::ops) mod tests {
    use crate::testing::Sample;

    pub(crate) fn samples() -> Vec<Sample> {
        vec![
            Sample::new(|x| (x[0] * 8.3).sparse_plus()).variable([3, 5]),
            Sample::new(|x| x[0].sparse_plus()).variable([4]),
            Sample::new(|x| (x[0] * 8.3).sparse_sigmoid()).variable([3, 5]),
            Sample::new(|x| x[0].sparse_sigmoid()).variable([4]),
        ]
    }
}
