//! Slicing; the gradient is dy inside the slice and 0 outside.

use crate::error::{Error, Result};
use crate::kernels::window::Window;
use crate::shape::Shape;
use crate::tape::{Context, Gradients, Inputs, Op, Var, arity};

struct Slice {
    starts: Vec<usize>,
    size: Shape,
    window: Option<Window>,
}

impl Op for Slice {
    fn name(&self) -> &'static str {
        "slice"
    }

    fn prepare(&mut self, inputs: &[Shape]) -> Result<Shape> {
        let [x] = arity(inputs)?;
        let ends = self.starts.iter().zip(self.size.sizes()).map(|(start, size)| start.checked_add(*size));
        let inside = ends.zip(x.sizes()).all(|(end, size)| end.is_some_and(|end| end <= *size));
        if self.starts.len() != x.rank() || self.size.rank() != x.rank() || !inside {
            let starts = &self.starts;
            return Err(Error::expected(format!("an array that contains a slice of {} at {starts:?}", self.size)));
        }
        self.window = Some(Window::new(x, self.size, &self.starts));
        Ok(self.size)
    }

    fn forward(&mut self, inputs: Inputs<'_>, y: &mut [f32], _context: Context<'_>) {
        let ([x], Some(window)) = (inputs.each(), &self.window) else { return };
        window.cut(&x, y);
    }

    fn backward(&mut self, _inputs: Inputs<'_>, _y: &[f32], dy: &mut [f32], gradients: Gradients<'_>) {
        let ([Some(dx)], Some(window)) = (gradients.each(), &self.window) else { return };
        window.fill(dx, dy, 0.0);
    }
}

impl<'r> Var<'r> {
    /// The slice of this size from `starts`, the first index along each axis. Keras' `slice`.
    ///
    /// ```
    /// use gradus::{Key, tape::*};
    /// let recorder = Recorder::new(Mode::Inference);
    /// let x = recorder.input([2, 3]);
    /// let y = x.slice(&[0, 1], [2, 2]);
    /// let (x, y) = (x.id(), y.id());
    /// let mut tape = recorder.finish()?;
    /// tape.input_slices([x])[0].copy_from_slice(&[1.0, 2.0, 3.0, 4.0, 5.0, 6.0]);
    /// tape.run(&Params::new(), Key::from_seed(0))?;
    /// assert_eq!(tape.view(y).data(), [2.0, 3.0, 5.0, 6.0]);
    /// # Ok::<(), gradus::Error>(())
    /// ```
    pub fn slice(self, starts: &[usize], size: impl Into<Shape>) -> Var<'r> {
        self.recorder().apply(Slice { starts: starts.to_vec(), size: size.into(), window: None }, &[self])
    }
}

#[cfg(test)]
pub(in crate::ops) mod tests {
    use crate::tape::{Mode, Recorder};
    use crate::testing::Sample;

    pub(crate) fn samples() -> Vec<Sample> {
        vec![
            Sample::new(|x| x[0].slice(&[1, 0], [2, 3])).variable([3, 5]),
            Sample::new(|x| x[0].slice(&[0, 1, 2], [2, 1, 1])).variable([2, 3, 4]),
            Sample::new(|x| x[0].slice(&[0, 1, 0], [1, 2, 1])).variable([1, 4, 1]),
            Sample::new(|x| x[0].slice(&[], [])).variable([]),
            Sample::new(|x| x[0].slice(&[0], [1]) + x[0].slice(&[4], [1])).variable([5]),
        ]
    }

    #[test]
    fn a_slice_outside_the_array_is_rejected() {
        for (starts, size) in [(&[1, 0][..], [2, 4]), (&[usize::MAX, 0], [1, 1]), (&[0], [1, 1])] {
            let recorder = Recorder::new(Mode::Training);
            let _ = recorder.scope("crop", || recorder.input([3, 3]).slice(starts, size));
            let message = recorder.finish().unwrap_err().to_string();
            assert!(
                message.starts_with("crop: slice: found shape 3 × 3, expected an array that contains a slice of"),
                "{message}"
            );
        }
    }
}
