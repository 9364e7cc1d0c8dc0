//! Operations along axes: the lookup of axes, and the sum over several axes.

use crate::error::{Error, Result};
use crate::kernels::axes;
use crate::shape::MAX_RANK;
use crate::shape::Shape;
use crate::sizes;
use crate::tape::{Context, Gradients, Inputs, Op, Var, arity};

/// The index of an axis, which is negative if counted from the end: −1 is the last axis.
pub(crate) fn find(shape: Shape, axis: isize) -> Result<usize> {
    let rank = shape.rank();
    let found = if axis < 0 { axis.checked_add_unsigned(rank) } else { Some(axis) };
    let found = found.and_then(|axis| usize::try_from(axis).ok()).filter(|axis| *axis < rank);
    found.ok_or_else(|| Error::expected(format!("an array with an axis {axis}")))
}

/// Records the sum of x over axes, or the mean.
pub(super) fn record<'r>(x: Var<'r>, name: &'static str, mean: bool, axes: &[isize], keepdims: bool) -> Var<'r> {
    let op = Reduce { name, mean, axes: axes.to_vec(), keepdims, stages: Vec::new(), partial_sums: Vec::new() };
    x.recorder().apply(op, &[x])
}

/// Records an operation over the last axis along another axis, by transposing.
pub(super) fn along<'r>(x: Var<'r>, name: &str, axis: isize, record: impl FnOnce(Var<'r>) -> Var<'r>) -> Var<'r> {
    match find(x.shape(), axis) {
        Err(error) => x.recorder().alias(x, name, Err(error)),
        Ok(axis) if axis + 1 == x.shape().rank() => record(x),
        Ok(axis) => {
            let last = x.shape().rank() - 1;
            record(x.swap_axes(axis, last)).swap_axes(axis, last)
        }
    }
}

struct Reduce {
    name: &'static str,
    mean: bool,
    axes: Vec<isize>,
    keepdims: bool,
    /// The stages of the sum, one for each group of adjacent axes, the last group first: the array as three axes, of which
    /// the second is summed.
    stages: Vec<[usize; 3]>,
    /// The results of all stages but the last.
    partial_sums: Vec<Vec<f32>>,
}

impl Reduce {
    /// Whether each axis is summed.
    fn summed(&self, x: Shape) -> Result<[bool; MAX_RANK]> {
        let mut summed = [false; MAX_RANK];
        for axis in &self.axes {
            let axis = find(x, *axis)?;
            if std::mem::replace(&mut summed[axis], true) {
                return Err(Error::expected(format!("each axis at most once, but axis {axis} occurs twice")));
            }
        }
        if self.axes.is_empty() { Err(Error::expected("at least one axis to sum over")) } else { Ok(summed) }
    }

    /// The number of elements in each sum.
    fn count(&self) -> usize {
        self.stages.iter().map(|[_, n, _]| n).product()
    }
}

impl Op for Reduce {
    fn name(&self) -> &'static str {
        self.name
    }

    fn prepare(&mut self, inputs: &[Shape]) -> Result<Shape> {
        let [x] = arity(inputs)?;
        let summed = self.summed(x)?;
        let (mut sizes, mut end) = (x.sizes().to_vec(), x.rank());
        while let Some(last) = (0..end).rev().find(|axis| summed[*axis]) {
            let first = (0..last).rev().take_while(|axis| summed[*axis]).last().unwrap_or(last);
            let product = |sizes: &[usize]| sizes.iter().product::<usize>();
            let stage = [product(&sizes[..first]), product(&sizes[first..=last]), product(&sizes[last + 1..])];
            self.stages.push(stage);
            sizes[first..=last].fill(1);
            end = first;
        }
        let earlier = self.stages.split_last().map_or(&[][..], |(_, earlier)| earlier);
        self.partial_sums =
            earlier.iter().map(|[outer, _, inner]| sizes::zeros(&[*outer, *inner])).collect::<Result<_>>()?;
        let mut axes = 0..x.rank();
        sizes.retain(|_| axes.next().is_some_and(|axis| self.keepdims || !summed[axis]));
        Shape::new(&sizes)
    }

    fn forward(&mut self, inputs: Inputs<'_>, y: &mut [f32], _context: Context<'_>) {
        let [x] = inputs.each();
        let count = self.count() as f32;
        let mut from = x.data();
        let mut buffers = &mut self.partial_sums[..];
        for stage in &self.stages {
            match std::mem::take(&mut buffers).split_first_mut() {
                Some((buffer, rest)) => {
                    axes::sum(from, *stage, buffer);
                    (from, buffers) = (buffer, rest);
                }
                None => axes::sum(from, *stage, y),
            }
        }
        if self.mean {
            y.iter_mut().for_each(|y| *y /= count);
        }
    }

    fn backward(&mut self, _inputs: Inputs<'_>, _y: &[f32], dy: &mut [f32], gradients: Gradients<'_>) {
        let [Some(dx)] = gradients.each() else { return };
        let count = if self.mean { self.count() as f32 } else { 1.0 };
        let Some((first, later)) = self.stages.split_first() else { return };
        let mut from = &*dy;
        // The backward pass does not need the partial sums, so their buffers take the gradients.
        for (stage, buffer) in later.iter().rev().zip(self.partial_sums.iter_mut().rev()) {
            axes::repeat(from, *stage, 1.0, buffer);
            from = buffer;
        }
        axes::repeat(from, *first, count, dx);
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::tape::{Mode, Recorder};

    #[test]
    fn axes_are_counted_from_the_start_or_the_end() {
        let shape = Shape::from([2, 3, 4]);
        assert_eq!([0, 2, -1, -3].map(|axis| find(shape, axis).unwrap()), [0, 2, 2, 0]);
        assert!([3, -4, isize::MIN, isize::MAX].into_iter().all(|axis| find(shape, axis).is_err()));
    }

    #[test]
    fn invalid_axes_are_rejected() {
        let message = |axes: &[isize]| {
            let recorder = Recorder::new(Mode::Training);
            let _ = recorder.scope("pool_1", || recorder.input([2, 3]).sum_axes(axes, false));
            recorder.finish().unwrap_err().to_string()
        };
        assert_eq!(message(&[2]), "pool_1: sum_axes: found shape 2 × 3, expected an array with an axis 2");
        assert!(message(&[1, -1]).ends_with("expected each axis at most once, but axis 1 occurs twice"));
        assert!(message(&[]).ends_with("expected at least one axis to sum over"));
    }
}
