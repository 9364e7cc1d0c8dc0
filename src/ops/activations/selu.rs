//! y = scale · x where x > 0 and scale · alpha · (eˣ − 1) elsewhere (Klambauer et al. 2017); dx = scale · dy, and
//! dy · (y + scale · alpha) elsewhere.

use crate::kernels::double;
use crate::ops::unary::unary;

unary! {
    /// The scaled exponential linear unit. Its two constants preserve a mean of 0 and a variance of 1.
    ///
    /// ```
    /// use gradus::{Key, tape::*};
    /// let recorder = Recorder::new(Mode::Inference);
    /// let x = recorder.input([2]);
    /// let y = x.selu();
    /// let (x, y) = (x.id(), y.id());
    /// let mut tape = recorder.finish()?;
    /// tape.input_slices([x])[0].copy_from_slice(&[-1.0, 1.0]);
    /// tape.run(&Params::new(), Key::from_seed(0))?;
    /// let expected = [-1.111_330_7, 1.050_701];
    /// assert!(tape.view(y).data().iter().zip(expected).all(|(y, expected): (&f32, f32)| (y - expected).abs() < 1e-6));
    /// # Ok::<(), gradus::Error>(())
    /// ```
    Selu = selu(), 3 ns;
    y = |x| if x > 0.0 { SCALE * x } else { (SCALED_ALPHA * double::exp_m1(f64::from(x))) as f32 };
    dx = |dy, x, y| if x > 0.0 { SCALE * dy } else { dy * (y + SCALED_ALPHA as f32) };
}

const SCALE: f32 = 1.050_701;

/// 1.0507009873554805 · 1.6732632423543772
const SCALED_ALPHA: f64 = 1.050_700_987_355_480_5 * 1.673_263_242_354_377_2;

#[cfg(test)]
pub(in crate::ops) mod tests {
    use crate::testing::Sample;

    pub(crate) fn samples() -> Vec<Sample> {
        vec![Sample::new(|x| x[0].selu()).variable([3, 5]), Sample::new(|x| x[0].selu()).variable([1])]
    }
}
