//! y = x where x > 0 and negative_slope · x elsewhere (Maas et al. 2013); dx = dy, and negative_slope · dy elsewhere.

use crate::ops::unary::unary;

unary! {
    /// The leaky rectified linear unit: x, and negative_slope · x for x < 0. In Keras, the slope defaults to 0.2 in the
    /// activation and 0.3 in the layer.
    ///
    /// ```
    /// use gradus::{Key, tape::*};
    /// let recorder = Recorder::new(Mode::Inference);
    /// let x = recorder.input([2]);
    /// let y = x.leaky_relu(0.25);
    /// let (x, y) = (x.id(), y.id());
    /// let mut tape = recorder.finish()?;
    /// tape.input_slices([x])[0].copy_from_slice(&[-1.0, 2.0]);
    /// tape.run(&Params::new(), Key::from_seed(0))?;
    /// assert_eq!(tape.view(y).data(), [-0.25, 2.0]);
    /// # Ok::<(), gradus::Error>(())
    /// ```
    LeakyRelu = leaky_relu(negative_slope: f32 = 0.2), 1 ns;
    y = |x| if x > 0.0 { x } else { negative_slope * x };
    dx = |dy, x, _y| if x > 0.0 { dy } else { negative_slope * dy };
}

#[cfg(test)]
pub(in crate::ops) mod tests {
    use crate::testing::Sample;

    pub(crate) fn samples() -> Vec<Sample> {
        vec![
            Sample::new(|x| x[0].leaky_relu(0.2)).variable([3, 5]),
            Sample::new(|x| x[0].leaky_relu(0.0)).variable([1]),
        ]
    }
}
