//! The same elements with the axes in another order; the gradient goes back in the order before.

use crate::error::{Error, Result};
use crate::kernels::axes::{self, Permutation};
use crate::shape::Shape;
use crate::tape::{Context, Gradients, Inputs, Op, Var, arity};

struct Transpose {
    axes: Vec<usize>,
    there: Permutation,
    back: Permutation,
}

impl Op for Transpose {
    fn name(&self) -> &'static str {
        "transpose"
    }

    fn prepare(&mut self, inputs: &[Shape]) -> Result<Shape> {
        let [x] = arity(inputs)?;
        let place = |axis: usize| self.axes.iter().position(|named| *named == axis);
        let back: Option<Vec<usize>> = (0..x.rank()).map(place).collect();
        let Some(back) = back.filter(|_| self.axes.len() == x.rank()) else {
            return Err(Error::expected(format!("each of the {} axes once, found {:?}", x.rank(), self.axes)));
        };
        self.there = Permutation::new(x.sizes(), &self.axes);
        self.back = Permutation::new(self.there.sizes(), &back);
        Shape::new(self.there.sizes())
    }

    fn forward(&mut self, inputs: Inputs<'_>, y: &mut [f32], _context: Context<'_>) {
        let [x] = inputs.each();
        axes::permute(&self.there, &x, y);
    }

    fn backward(&mut self, _inputs: Inputs<'_>, _y: &[f32], dy: &mut [f32], gradients: Gradients<'_>) {
        if let [Some(dx)] = gradients.each() {
            axes::permute(&self.back, dy, dx);
        }
    }
}

impl<'r> Var<'r> {
    /// The axes in another order: axis `i` of the result is axis `axes[i]`.
    pub fn transpose(self, axes: &[usize]) -> Var<'r> {
        let op = Transpose { axes: axes.to_vec(), there: Permutation::default(), back: Permutation::default() };
        self.recorder().apply(op, &[self])
    }

    /// Two axes change places.
    pub(in crate::ops) fn swap_axes(self, a: usize, b: usize) -> Var<'r> {
        let mut axes: Vec<usize> = (0..self.shape().rank()).collect();
        axes.swap(a, b);
        self.transpose(&axes)
    }
}

#[cfg(test)]
pub(in crate::ops) mod tests {
    use crate::tape::{Mode, Recorder};
    use crate::testing::Sample;

    pub(crate) fn samples() -> Vec<Sample> {
        vec![
            Sample::new(|x| x[0].transpose(&[1, 0])).variable([3, 5]),
            Sample::new(|x| x[0].transpose(&[2, 0, 1])).variable([2, 3, 4]),
            Sample::new(|x| x[0].transpose(&[0, 2, 1, 3])).variable([2, 1, 3, 2]),
            Sample::new(|x| x[0].transpose(&[])).variable([]),
        ]
    }

    #[test]
    fn an_order_that_is_none_is_told() {
        for axes in [&[0][..], &[0, 0], &[0, 2], &[0, 1, 2]] {
            let recorder = Recorder::new(Mode::Training);
            let _ = recorder.scope("permute", || recorder.input([2, 3]).transpose(axes));
            let expected =
                format!("permute: transpose: found shape 2 × 3, expected each of the 2 axes once, found {axes:?}");
            assert_eq!(recorder.finish().unwrap_err().to_string(), expected);
        }
    }
}
