//! Repetition of each element along an axis; dx is the sum of the gradients of the copies.

use crate::error::{Error, Result};
use crate::kernels::axes;
use crate::shape::Shape;
use crate::sizes;
use crate::tape::{Context, Gradients, Inputs, Op, Var, arity};

struct Repeat {
    axis: usize,
    times: usize,
    /// The number of elements in the axes up to this one, of copies, and of elements in the axes after it.
    parts: [usize; 3],
}

impl Op for Repeat {
    fn name(&self) -> &'static str {
        "repeat"
    }

    fn prepare(&mut self, inputs: &[Shape]) -> Result<Shape> {
        let [x] = arity(inputs)?;
        if self.axis >= x.rank() || self.times == 0 {
            return Err(Error::expected(format!("an axis {} and at least one repetition", self.axis)));
        }
        let mut repeated = x.sizes().to_vec();
        repeated[self.axis] = sizes::product(&[repeated[self.axis], self.times])?;
        let (outer, inner) = x.sizes().split_at(self.axis + 1);
        self.parts = [outer.iter().product(), self.times, inner.iter().product()];
        Shape::new(&repeated)
    }

    fn forward(&mut self, inputs: Inputs<'_>, y: &mut [f32], _context: Context<'_>) {
        let [x] = inputs.each();
        axes::repeat(&x, self.parts, 1.0, y);
    }

    fn backward(&mut self, _inputs: Inputs<'_>, _y: &[f32], dy: &mut [f32], gradients: Gradients<'_>) {
        if let [Some(dx)] = gradients.each() {
            axes::sum(dy, self.parts, dx);
        }
    }
}

impl<'r> Var<'r> {
    /// Repeats each element along `axis` `times` times, at least once: 1, 2 becomes 1, 1, 2, 2. Keras' `repeat`.
    ///
    /// ```
    /// use gradus::tape::{Mode, Params, Recorder};
    /// let recorder = Recorder::new(Mode::Inference);
    /// let x = recorder.input([2]);
    /// let (x, y) = (x.id(), x.repeat(0, 2).id());
    /// let mut tape = recorder.finish()?;
    /// tape.input_mut(x).assign(&ndarray::arr1(&[1.0, 2.0]));
    /// tape.run(&Params::new(), gradus::Key::from_seed(0))?;
    /// assert_eq!(tape.value(y).as_slice().unwrap(), [1.0, 1.0, 2.0, 2.0]);
    /// # Ok::<(), gradus::Error>(())
    /// ```
    pub fn repeat(self, axis: usize, times: usize) -> Var<'r> {
        self.recorder().apply(Repeat { axis, times, parts: [0; 3] }, &[self])
    }
}

#[cfg(test)]
pub(in crate::ops) mod tests {
    use crate::tape::{Mode, Recorder};
    use crate::testing::Sample;

    pub(crate) fn samples() -> Vec<Sample> {
        vec![
            Sample::new(|x| x[0].repeat(1, 3)).variable([2, 3, 2]),
            Sample::new(|x| x[0].repeat(0, 2)).variable([5]),
            Sample::new(|x| x[0].repeat(1, 1)).variable([1, 1]),
        ]
    }

    #[test]
    fn a_missing_axis_and_no_repetition_are_rejected() {
        for (axis, times) in [(2, 1), (0, 0), (0, usize::MAX)] {
            let recorder = Recorder::new(Mode::Training);
            let _ = recorder.input([3, 3]).repeat(axis, times);
            assert!(recorder.finish().is_err(), "axis {axis}, {times} times");
        }
    }
}
