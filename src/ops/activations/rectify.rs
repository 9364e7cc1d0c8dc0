//! y = x between a threshold and a maximum, y = maximum above, and y = slope · (x − threshold) below the threshold; dx = dy,
//! 0 and slope · dy.

use crate::error::check_setting;
use crate::ops::unary::unary;

unary! {
    /// Rectifies each element: x between `threshold` and `max_value`, `max_value` above, and negative_slope · (x −
    /// threshold) below the threshold. Keras' `ReLU` layer; [`relu`](crate::tape::Var::relu) has no options.
    ///
    /// ```
    /// use gradus::tape::{Mode, Params, Recorder};
    /// let recorder = Recorder::new(Mode::Inference);
    /// let x = recorder.input([4]);
    /// let (x, y) = (x.id(), x.rectify(6.0, 0.5, 1.0).id());
    /// let mut tape = recorder.finish()?;
    /// tape.input_mut(x).assign(&ndarray::arr1(&[-1.0, 1.0, 3.0, 9.0]));
    /// tape.run(&Params::new(), gradus::Key::from_seed(0))?;
    /// assert_eq!(tape.value(y).as_slice().unwrap(), [-1.0, 1.0, 3.0, 6.0]);
    /// # Ok::<(), gradus::Error>(())
    /// ```
    Rectify = rectify(max_value: f32 = 1.5, negative_slope: f32 = 0.1, threshold: f32 = 0.2), 1 ns;
    check = check_setting(max_value >= 0.0, "rectify", "max_value", f64::from(max_value), "≥ 0");
    y = |x| {
        let passed = if x < threshold { negative_slope * (x - threshold) } else { x };
        if passed > max_value { max_value } else { passed }
    };
    dx = |dy, x, _y| {
        if x < threshold {
            negative_slope * dy
        } else if x > max_value {
            0.0
        } else {
            dy
        }
    };
}

#[cfg(test)]
pub(in crate::ops) mod tests {
    use crate::testing::Sample;

    pub(crate) fn samples() -> Vec<Sample> {
        vec![
            Sample::new(|x| x[0].rectify(0.075, 0.3, 0.0)).variable([3, 5]),
            Sample::new(|x| x[0].rectify(f32::INFINITY, 0.0, 0.0)).variable([4]),
        ]
    }
}
