//! Permutation of axes; the gradient is permuted back.

use crate::error::{Error, Result};
use crate::kernels::axes::{self, Permutation};
use crate::shape::Shape;
use crate::tape::{Context, Gradients, Inputs, Op, Var, arity};

struct Transpose {
    axes: Vec<usize>,
    forward: Permutation,
    backward: Permutation,
}

impl Op for Transpose {
    fn name(&self) -> &'static str {
        "transpose"
    }

    fn prepare(&mut self, inputs: &[Shape]) -> Result<Shape> {
        let [x] = arity(inputs)?;
        let position = |axis: usize| self.axes.iter().position(|named| *named == axis);
        let back: Option<Vec<usize>> = (0..x.rank()).map(position).collect();
        let Some(back) = back.filter(|_| self.axes.len() == x.rank()) else {
            return Err(Error::expected(format!("each of the {} axes once, got {:?}", x.rank(), self.axes)));
        };
        self.forward = Permutation::new(x.sizes(), &self.axes);
        self.backward = Permutation::new(self.forward.sizes(), &back);
        Shape::new(self.forward.sizes())
    }

    fn forward(&mut self, inputs: Inputs<'_>, y: &mut [f32], _context: Context<'_>) {
        let [x] = inputs.each();
        axes::permute(&self.forward, &x, y);
    }

    fn backward(&mut self, _inputs: Inputs<'_>, _y: &[f32], dy: &mut [f32], gradients: Gradients<'_>) {
        if let [Some(dx)] = gradients.each() {
            axes::permute(&self.backward, dy, dx);
        }
    }
}

impl<'r> Var<'r> {
    /// Permutes the axes: axis `i` of the result is axis `axes[i]`.
    ///
    /// ```
    /// use gradus::{Key, tape::*};
    /// let recorder = Recorder::new(Mode::Inference);
    /// let x = recorder.input([2, 3]);
    /// let y = x.transpose(&[1, 0]);
    /// let (x, y) = (x.id(), y.id());
    /// let mut tape = recorder.finish()?;
    /// tape.input_slices([x])[0].copy_from_slice(&[1.0, 2.0, 3.0, 4.0, 5.0, 6.0]);
    /// tape.run(&Params::new(), Key::from_seed(0))?;
    /// assert_eq!(tape.value(y).shape(), [3, 2]);
    /// assert_eq!(tape.view(y).data(), [1.0, 4.0, 2.0, 5.0, 3.0, 6.0]);
    /// # Ok::<(), gradus::Error>(())
    /// ```
    pub fn transpose(self, axes: &[usize]) -> Var<'r> {
        let op = Transpose { axes: axes.to_vec(), forward: Permutation::default(), backward: Permutation::default() };
        self.recorder().apply(op, &[self])
    }

    /// Swaps two axes.
    pub(crate) fn swap_axes(self, a: usize, b: usize) -> Var<'r> {
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
    fn an_invalid_order_is_rejected() {
        for axes in [&[0][..], &[0, 0], &[0, 2], &[0, 1, 2]] {
            let recorder = Recorder::new(Mode::Training);
            let _ = recorder.scope("permute", || recorder.input([2, 3]).transpose(axes));
            let expected =
                format!("permute: transpose: found shape 2 × 3, expected each of the 2 axes once, got {axes:?}");
            assert_eq!(recorder.finish().unwrap_err().to_string(), expected);
        }
    }
}
