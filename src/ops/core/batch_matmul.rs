//! y = a · b for each pair of matrices in two stacks, da = dy · bᵀ, db = aᵀ · dy; the axes before the last two broadcast as
//! in NumPy, and the gradient of a matrix in several pairs is the sum over the pairs.

use crate::error::{Error, Result};
use crate::kernels::matmul::{self, Epilogue, Matrix};
use crate::kernels::parallel;
use crate::shape::Shape;
use crate::sizes;
use crate::tape::{Context, Gradients, Inputs, Op, Var, arity};

#[derive(Default)]
struct BatchMatmul {
    /// The number of rows, the inner size and the number of columns of a product.
    sizes: [usize; 3],
    /// The indices of the matrices of a and b in each product.
    pairs: Vec<[usize; 2]>,
    /// Scratch for one matrix of a and one of b; empty if no matrix is in several pairs.
    scratch: [Vec<f32>; 2],
}

impl BatchMatmul {
    /// The approximate time of one product on one thread, in nanoseconds.
    fn nanoseconds(&self) -> usize {
        sizes::work(&self.sizes) / 20
    }

    /// Calls `write(pair, gradient)` for each pair, and sums the gradients of pairs with a common matrix.
    fn for_each_gradient(
        &self,
        side: usize,
        scratch: &mut [f32],
        gradient: &mut [f32],
        write: impl Fn(usize, &mut [f32]) + Sync,
    ) {
        let [rows, inner, columns] = self.sizes;
        let length = inner * [rows, columns][side];
        if scratch.is_empty() {
            return parallel::for_each_chunk(gradient, length, self.nanoseconds(), write);
        }
        gradient.fill(0.0);
        for (pair, matrices) in self.pairs.iter().enumerate() {
            write(pair, scratch);
            let sum = &mut gradient[matrices[side] * length..][..length];
            sum.iter_mut().zip(&*scratch).for_each(|(sum, part)| *sum += part);
        }
    }
}

impl Op for BatchMatmul {
    fn name(&self) -> &'static str {
        "matmul"
    }

    fn prepare(&mut self, inputs: &[Shape]) -> Result<Shape> {
        let [a, b] = arity(inputs)?;
        let stack = |shape: Shape| Shape::new(&shape.sizes()[..shape.rank().saturating_sub(2)]);
        let (stack_a, stack_b) = (stack(a)?, stack(b)?);
        let fits = a.rank() >= 2 && b.rank() >= 2 && a.back(1) == b.back(2);
        let Some(stack) = stack_a.broadcast(&stack_b).filter(|_| fits) else {
            return Err(Error::expected("matrices … × n × k and … × k × m whose other axes broadcast"));
        };
        self.sizes = [a.back(2), a.back(1), b.back(1)];
        let [rows, inner, columns] = self.sizes;
        let mut sizes = stack.sizes().to_vec();
        sizes.extend([rows, columns]);
        let shape = Shape::new(&sizes)?;
        self.pairs = sizes::collect(stack.sizes(), |pair| [stack_a, stack_b].map(|own| matrix(pair, stack, own)))?;
        let scratch =
            |own: Shape, matrix: [usize; 2]| sizes::zeros(if own.len() < stack.len() { &matrix } else { &[0] });
        self.scratch = [scratch(stack_a, [rows, inner])?, scratch(stack_b, [inner, columns])?];
        Ok(shape)
    }

    fn forward(&mut self, inputs: Inputs<'_>, y: &mut [f32], _context: Context<'_>) {
        let [a, b] = inputs.each();
        let [rows, inner, columns] = self.sizes;
        parallel::for_each_chunk(y, rows * columns, self.nanoseconds(), |pair, y| {
            let [at_a, at_b] = self.pairs[pair];
            matmul::matmul(nth(&a, at_a, rows, inner), nth(&b, at_b, inner, columns), y, Epilogue::None);
        });
    }

    fn backward(&mut self, inputs: Inputs<'_>, _y: &[f32], dy: &mut [f32], gradients: Gradients<'_>) {
        let ([a, b], [da, db], dy) = (inputs.each(), gradients.each(), &*dy);
        let [rows, inner, columns] = self.sizes;
        let [mut scratch_a, mut scratch_b] = std::mem::take(&mut self.scratch);
        if let Some(da) = da {
            self.for_each_gradient(0, &mut scratch_a, da, |pair, da| {
                let b = nth(&b, self.pairs[pair][1], inner, columns);
                matmul::matmul(nth(dy, pair, rows, columns), b.t(), da, Epilogue::None);
            });
        }
        if let Some(db) = db {
            self.for_each_gradient(1, &mut scratch_b, db, |pair, db| {
                let a = &a[self.pairs[pair][0] * rows * inner..][..rows * inner];
                let dy = &dy[pair * rows * columns..][..rows * columns];
                matmul::matmul_over_rows(a, dy, [rows, inner, columns], db);
            });
        }
        self.scratch = [scratch_a, scratch_b];
    }
}

/// The index of the matrix of a stack that is at `pair` in the broadcast stack.
fn matrix(pair: usize, stack: Shape, own: Shape) -> usize {
    let (mut pair, mut stride, mut matrix) = (pair, 1, 0);
    for back in 1..=own.rank() {
        let at = pair % stack.back(back);
        matrix += if own.back(back) == 1 { 0 } else { at * stride };
        stride *= own.back(back);
        pair /= stack.back(back);
    }
    matrix
}

/// The matrix of a stack at an index.
fn nth(stack: &[f32], at: usize, rows: usize, columns: usize) -> Matrix<'_> {
    Matrix::new(&stack[at * rows * columns..][..rows * columns], rows, columns)
}

/// Records the products of two stacks of matrices.
pub(in crate::ops) fn record<'r>(a: Var<'r>, b: Var<'r>) -> Var<'r> {
    a.recorder().apply(BatchMatmul::default(), &[a, b])
}

#[cfg(test)]
pub(in crate::ops) mod tests {
    use crate::tape::{Mode, Recorder};
    use crate::testing::Sample;

    pub(crate) fn samples() -> Vec<Sample> {
        vec![
            Sample::new(|x| x[0].matmul(x[1])).variable([3, 2, 5]).variable([3, 5, 4]),
            Sample::new(|x| x[0].matmul(x[1])).variable([2, 1, 3, 2]).variable([4, 2, 1]),
            Sample::new(|x| x[0].matmul(x[1])).variable([2, 3, 4]).variable([4, 5]),
            Sample::new(|x| x[0].matmul(x[1])).variable([3, 4]).variable([2, 4, 1]),
            Sample::new(|x| x[0].matmul(x[0])).variable([1, 2, 2]),
        ]
    }

    #[test]
    fn stacks_of_wrong_shapes_are_rejected() {
        for (a, b) in [([2, 3, 4], [2, 3, 4]), ([2, 3, 4], [3, 4, 5])] {
            let recorder = Recorder::new(Mode::Training);
            let _ = recorder.scope("attention", || recorder.input(a).matmul(recorder.input(b)));
            let message = recorder.finish().unwrap_err().to_string();
            assert!(message.starts_with("attention: matmul: found shapes 2 × 3 × 4 and"), "{message}");
            assert!(message.ends_with("expected matrices … × n × k and … × k × m whose other axes broadcast"));
        }
    }
}
