//! y = min(max(x, minimum), maximum), dx = dy where minimum ≤ x ≤ maximum and 0 otherwise.

use crate::error::check_setting;
use crate::ops::unary::unary;

unary! {
    /// Limits each element to `minimum` … `maximum`.
    ///
    /// ```
    /// use gradus::{Key, tape::*};
    /// let recorder = Recorder::new(Mode::Inference);
    /// let x = recorder.input([3]);
    /// let y = x.clip(-1.0, 1.0);
    /// let (x, y) = (x.id(), y.id());
    /// let mut tape = recorder.finish()?;
    /// tape.input_slices([x])[0].copy_from_slice(&[-3.0, 0.5, 2.0]);
    /// tape.run(&Params::new(), Key::from_seed(0))?;
    /// assert_eq!(tape.view(y).data(), [-1.0, 0.5, 1.0]);
    /// # Ok::<(), gradus::Error>(())
    /// ```
    Clip = clip(minimum: f32 = -0.5, maximum: f32 = 1.5), 1 ns;
    check = check_setting(minimum <= maximum, "clip", "maximum", f64::from(maximum), "≥ minimum");
    y = |x| {
        let above = if x < minimum { minimum } else { x };
        if above > maximum { maximum } else { above }
    };
    dx = |dy, x, _y| if x < minimum || x > maximum { 0.0 } else { dy };
}

#[cfg(test)]
pub(in crate::ops) mod tests {
    use crate::tape::{Mode, Recorder};
    use crate::testing::Sample;

    pub(crate) fn samples() -> Vec<Sample> {
        vec![
            Sample::new(|x| x[0].clip(-0.045, 0.075)).variable([3, 5]),
            Sample::new(|x| x[0].clip(f32::NEG_INFINITY, 0.0)).variable([1]),
        ]
    }

    #[test]
    fn limits_in_the_wrong_order_are_rejected() {
        let recorder = Recorder::new(Mode::Training);
        let _ = recorder.variable([2]).clip(1.0, 0.5);
        assert_eq!(recorder.finish().unwrap_err().to_string(), "clip: maximum must be ≥ minimum, got 0.5");
    }
}
