//! Padding with a constant; the gradient is the part of the output gradient inside the padding.

use crate::error::{Error, Result};
use crate::kernels::window::Window;
use crate::shape::Shape;
use crate::tape::{Context, Gradients, Inputs, Op, Var, arity};

struct Pad {
    around: Vec<[usize; 2]>,
    value: f32,
    window: Option<Window>,
}

impl Op for Pad {
    fn name(&self) -> &'static str {
        "pad"
    }

    fn prepare(&mut self, inputs: &[Shape]) -> Result<Shape> {
        let [x] = arity(inputs)?;
        if self.around.len() != x.rank() {
            return Err(Error::expected(format!("a padding for each axis, got {:?}", self.around)));
        }
        let padded = Shape::new(&padded(x.sizes(), &self.around))?;
        let starts: Vec<usize> = self.around.iter().map(|[before, _]| *before).collect();
        // For a shape too large for memory, the window would overflow. The recorder reports the error.
        self.window = (padded.len() < usize::MAX).then(|| Window::new(padded, x, &starts));
        Ok(padded)
    }

    fn forward(&mut self, inputs: Inputs<'_>, y: &mut [f32], _context: Context<'_>) {
        let ([x], Some(window)) = (inputs.each(), &self.window) else { return };
        window.fill(y, &x, self.value);
    }

    fn zero_padding(&self) -> Option<&[[usize; 2]]> {
        (self.value == 0.0).then_some(&self.around)
    }

    fn backward(&mut self, _inputs: Inputs<'_>, _y: &[f32], dy: &mut [f32], gradients: Gradients<'_>) {
        let ([Some(dx)], Some(window)) = (gradients.each(), &self.window) else { return };
        window.cut(dy, dx);
    }
}

/// The sizes of an array padded with these numbers of elements before and after along each axis.
pub(crate) fn padded(sizes: &[usize], around: &[[usize; 2]]) -> Vec<usize> {
    let size = |(size, [before, after]): (&usize, &[usize; 2])| size.saturating_add(*before).saturating_add(*after);
    sizes.iter().zip(around).map(size).collect()
}

impl<'r> Var<'r> {
    /// Pads the array with `value`: `around` has the number of elements before and after along each axis. Keras' `pad` with
    /// mode `constant`.
    ///
    /// ```
    /// use gradus::{Key, tape::*};
    /// let recorder = Recorder::new(Mode::Inference);
    /// let x = recorder.input([2]);
    /// let y = x.pad(&[[1, 2]], 9.0);
    /// let (x, y) = (x.id(), y.id());
    /// let mut tape = recorder.finish()?;
    /// tape.input_slices([x])[0].copy_from_slice(&[1.0, 2.0]);
    /// tape.run(&Params::new(), Key::from_seed(0))?;
    /// assert_eq!(tape.view(y).data(), [9.0, 1.0, 2.0, 9.0, 9.0]);
    /// # Ok::<(), gradus::Error>(())
    /// ```
    pub fn pad(self, around: &[[usize; 2]], value: f32) -> Var<'r> {
        self.recorder().apply(Pad { around: around.to_vec(), value, window: None }, &[self])
    }
}

#[cfg(test)]
pub(in crate::ops) mod tests {
    use crate::tape::{Mode, Recorder};
    use crate::testing::Sample;

    pub(crate) fn samples() -> Vec<Sample> {
        vec![
            Sample::new(|x| x[0].pad(&[[1, 0], [0, 2]], 0.5)).variable([3, 5]),
            Sample::new(|x| x[0].pad(&[[0, 0], [1, 1], [2, 0]], 0.0)).variable([2, 1, 3]),
            Sample::new(|x| x[0].pad(&[], 0.0)).variable([]),
        ]
    }

    #[test]
    fn invalid_padding_is_rejected() {
        let message = |around: &[[usize; 2]]| {
            let recorder = Recorder::new(Mode::Training);
            let _ = recorder.scope("zero_padding2d", || recorder.input([3, 3]).pad(around, 0.0));
            recorder.finish().unwrap_err().to_string()
        };
        let expected = "zero_padding2d: pad: found shape 3 × 3, expected a padding for each axis, got [[1, 1]]";
        assert_eq!(message(&[[1, 1]]), expected);
        assert!(message(&[[usize::MAX, 1], [0, 0]]).contains("more elements than fit in memory"));
    }
}
