//! y = a · b, da = dy · bᵀ, db = aᵀ · dy.

use super::batch_matmul;
use crate::error::{Error, Result};
use crate::kernels::matmul::{self, Epilogue, Matrix};
use crate::shape::Shape;
use crate::tape::{Context, Gradients, Inputs, Op, Var, arity};

struct Matmul;

impl Op for Matmul {
    fn name(&self) -> &'static str {
        "matmul"
    }

    fn prepare(&mut self, inputs: &[Shape]) -> Result<Shape> {
        let [a, b] = arity(inputs)?;
        if a.rank() != 2 || b.rank() != 2 || a.axis(1) != b.axis(0) {
            return Err(Error::expected("two matrices, n × k and k × m"));
        }
        Ok(Shape::from([a.axis(0), b.axis(1)]))
    }

    fn forward(&mut self, inputs: Inputs<'_>, y: &mut [f32], _context: Context<'_>) {
        let [a, b] = inputs.each();
        matmul::matmul(matrix(a.shape(), &a), matrix(b.shape(), &b), y, Epilogue::None);
    }

    fn backward(&mut self, inputs: Inputs<'_>, _y: &[f32], dy: &mut [f32], gradients: Gradients<'_>) {
        let ([a, b], [da, db]) = (inputs.each(), gradients.each());
        let [rows, inner, columns] = [a.shape().axis(0), a.shape().axis(1), b.shape().axis(1)];
        if let Some(db) = db {
            matmul::matmul_over_rows(&a, dy, [rows, inner, columns], db);
        }
        if let Some(da) = da {
            matmul::matmul(Matrix::new(dy, rows, columns), matrix(b.shape(), &b).t(), da, Epilogue::None);
        }
    }
}

fn matrix(shape: Shape, data: &[f32]) -> Matrix<'_> {
    Matrix::new(data, shape.axis(0), shape.axis(1))
}

impl<'r> Var<'r> {
    /// The matrix product of n × k and k × m. Arrays with more axes are stacks of matrices in the last two axes, whose
    /// other axes broadcast.
    ///
    /// ```
    /// use gradus::{Key, tape::*};
    /// let recorder = Recorder::new(Mode::Inference);
    /// let (a, b) = (recorder.input([1, 2]), recorder.input([2, 1]));
    /// let y = a.matmul(b);
    /// let (a, b, y) = (a.id(), b.id(), y.id());
    /// let mut tape = recorder.finish()?;
    /// tape.input_slices([a])[0].copy_from_slice(&[1.0, 2.0]);
    /// tape.input_slices([b])[0].copy_from_slice(&[3.0, 4.0]);
    /// tape.run(&Params::new(), Key::from_seed(0))?;
    /// assert_eq!(tape.view(y).data(), [11.0]);
    /// # Ok::<(), gradus::Error>(())
    /// ```
    pub fn matmul(self, other: Var<'r>) -> Var<'r> {
        let (a, b) = (self.shape(), other.shape());
        match (a.rank(), b.rank()) {
            (..3, ..3) => self.recorder().apply(Matmul, &[self, other]),
            (_, 2) if a.last() == b.axis(0) => self.by_rows("matmul", |rows| rows.matmul(other)),
            _ => batch_matmul::record(self, other),
        }
    }

    /// Records an operation on a matrix for an array with more axes: all axes but the last are merged into rows, and
    /// restored in the result, without a copy.
    pub(in crate::ops) fn by_rows(self, name: &str, record: impl FnOnce(Var<'r>) -> Var<'r>) -> Var<'r> {
        let x = self.shape();
        let y = record(self.reshape([x.rows(), x.last()]));
        let sizes = [&x.sizes()[..x.rank() - 1], &[y.shape().last()]].concat();
        self.recorder().alias(y, name, Shape::new(&sizes))
    }
}

#[cfg(test)]
pub(in crate::ops) mod tests {
    use crate::tape::{Mode, Recorder};
    use crate::testing::Sample;

    pub(crate) fn samples() -> Vec<Sample> {
        vec![
            Sample::new(|x| x[0].matmul(x[1])).variable([5, 7]).variable([7, 3]),
            Sample::new(|x| x[0].matmul(x[0])).variable([3, 3]),
            Sample::new(|x| x[0].matmul(x[1])).variable([1, 1]).variable([1, 17]),
        ]
    }

    #[test]
    fn wrong_shapes_are_rejected() {
        let recorder = Recorder::new(Mode::Training);
        let _ = recorder.input([2, 3]).matmul(recorder.input([4, 5]));
        let message = recorder.finish().unwrap_err().to_string();
        assert_eq!(message, "matmul: found shapes 2 × 3 and 4 × 5, expected two matrices, n × k and k × m");
    }
}
