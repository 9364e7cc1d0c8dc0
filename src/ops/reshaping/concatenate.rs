//! Concatenation of arrays along an axis; the gradient is split into that of each array.

use crate::error::{Error, Result};
use crate::ops::axes;
use crate::shape::Shape;
use crate::sizes;
use crate::tape::{Context, Gradients, Inputs, Op, Var};

struct Concatenate {
    axis: isize,
    /// The number of consecutive elements of each input.
    widths: Vec<usize>,
    /// The sum of the widths.
    width: usize,
}

impl Op for Concatenate {
    fn name(&self) -> &'static str {
        "concatenate"
    }

    fn prepare(&mut self, inputs: &[Shape]) -> Result<Shape> {
        let shape = concatenated(inputs, self.axis)?;
        let axis = axes::find(shape, self.axis)?;
        self.widths = inputs.iter().map(|shape| sizes::product(&shape.sizes()[axis..])).collect::<Result<_>>()?;
        self.width = sizes::sum(&self.widths)?;
        Ok(shape)
    }

    fn forward(&mut self, inputs: Inputs<'_>, y: &mut [f32], _context: Context<'_>) {
        let mut start = 0;
        for (position, width) in self.widths.iter().enumerate() {
            let x = inputs.get(position);
            for (y, x) in y.chunks_exact_mut(self.width).zip(x.chunks_exact(*width)) {
                y[start..start + width].copy_from_slice(x);
            }
            start += width;
        }
    }

    fn backward(&mut self, _inputs: Inputs<'_>, _y: &[f32], dy: &mut [f32], gradients: Gradients<'_>) {
        gradients.for_each(|position, dx| {
            let (start, width) = (self.widths[..position].iter().sum::<usize>(), self.widths[position]);
            for (dy, dx) in dy.chunks_exact(self.width).zip(dx.chunks_exact_mut(width)) {
                dx.copy_from_slice(&dy[start..start + width]);
            }
        });
    }
}

/// The shape of the concatenated arrays.
pub(crate) fn concatenated(inputs: &[Shape], axis: isize) -> Result<Shape> {
    let [first, ..] = inputs else { return Err(Error::expected("at least one array")) };
    let axis = axes::find(*first, axis)?;
    let alike = |shape: &Shape| {
        shape.rank() == first.rank() && (0..first.rank()).all(|at| at == axis || shape.axis(at) == first.axis(at))
    };
    if !inputs.iter().all(alike) {
        return Err(Error::expected(format!("arrays with equal sizes along all axes but {axis}")));
    }
    let mut sizes = first.sizes().to_vec();
    sizes[axis] = inputs.iter().fold(0, |sum: usize, shape| sum.saturating_add(shape.axis(axis)));
    Shape::new(&sizes)
}

impl<'r> Var<'r> {
    /// Concatenates this array and others along an axis. A negative axis is counted from the end: −1 is the last axis.
    ///
    /// ```
    /// use gradus::{Key, tape::*};
    /// let recorder = Recorder::new(Mode::Inference);
    /// let (a, b) = (recorder.input([1, 2]), recorder.input([1, 1]));
    /// let y = a.concatenate(&[b], -1);
    /// let (a, b, y) = (a.id(), b.id(), y.id());
    /// let mut tape = recorder.finish()?;
    /// tape.input_slices([a])[0].copy_from_slice(&[1.0, 2.0]);
    /// tape.input_slices([b])[0].copy_from_slice(&[3.0]);
    /// tape.run(&Params::new(), Key::from_seed(0))?;
    /// assert_eq!(tape.view(y).data(), [1.0, 2.0, 3.0]);
    /// # Ok::<(), gradus::Error>(())
    /// ```
    pub fn concatenate(self, others: &[Var<'r>], axis: isize) -> Var<'r> {
        let mut all = vec![self];
        all.extend_from_slice(others);
        self.recorder().apply(Concatenate { axis, widths: Vec::new(), width: 0 }, &all)
    }
}

#[cfg(test)]
pub(in crate::ops) mod tests {
    use crate::tape::{Mode, Recorder};
    use crate::testing::Sample;

    pub(crate) fn samples() -> Vec<Sample> {
        vec![
            Sample::new(|x| x[0].concatenate(&[x[1]], -1)).variable([2, 3]).variable([2, 2]),
            Sample::new(|x| x[0].concatenate(&[x[1], x[0]], 1)).variable([2, 1, 3]).variable([2, 4, 3]),
            Sample::new(|x| x[0].concatenate(&[], 0)).variable([5]),
            Sample::new(|x| x[0].concatenate(&x[1..], 0)).variable([1]).variable([3]).variable([2]),
        ]
    }

    #[test]
    fn arrays_that_differ_along_other_axes_are_rejected() {
        let recorder = Recorder::new(Mode::Training);
        let (a, b) = (recorder.input([2, 3]), recorder.input([3, 3]));
        let _ = recorder.scope("concatenate_1", || a.concatenate(&[b], -1));
        let expected = "concatenate_1: concatenate: found shapes 2 × 3 and 3 × 3, expected arrays with equal sizes along \
                        all axes but 1";
        assert_eq!(recorder.finish().unwrap_err().to_string(), expected);
    }
}
