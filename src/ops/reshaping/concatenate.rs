//! Arrays side by side along an axis; each gets its own part of the gradient.

use crate::error::{Error, Result};
use crate::ops::axes;
use crate::shape::Shape;
use crate::sizes;
use crate::tape::{Context, Gradients, Inputs, Op, Var};

struct Concatenate {
    axis: isize,
    /// Elements that each input brings at a time, and all together.
    widths: Vec<usize>,
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

/// The shape of arrays side by side.
pub(crate) fn concatenated(inputs: &[Shape], axis: isize) -> Result<Shape> {
    let [first, ..] = inputs else { return Err(Error::expected("at least one array")) };
    let axis = axes::find(*first, axis)?;
    let alike = |shape: &Shape| {
        shape.rank() == first.rank() && (0..first.rank()).all(|at| at == axis || shape.axis(at) == first.axis(at))
    };
    if !inputs.iter().all(alike) {
        return Err(Error::expected(format!("arrays whose sizes are equal but along axis {axis}")));
    }
    let mut sizes = first.sizes().to_vec();
    sizes[axis] = inputs.iter().fold(0, |sum: usize, shape| sum.saturating_add(shape.axis(axis)));
    Shape::new(&sizes)
}

impl<'r> Var<'r> {
    /// This array and others side by side along an axis, which is counted from the first, or below 0 from the last, which
    /// is −1.
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
    fn arrays_that_differ_elsewhere_are_told() {
        let recorder = Recorder::new(Mode::Training);
        let (a, b) = (recorder.input([2, 3]), recorder.input([3, 3]));
        let _ = recorder.scope("concatenate_1", || a.concatenate(&[b], -1));
        let expected = "concatenate_1: concatenate: found shapes 2 × 3 and 3 × 3, expected arrays whose sizes are equal \
                        but along axis 1";
        assert_eq!(recorder.finish().unwrap_err().to_string(), expected);
    }
}
