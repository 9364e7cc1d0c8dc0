//! y = f(x · w + b) in one pass; with dz = dy · f′(y): dx = dz · wᵀ, dw = xᵀ · dz, db = Σ dz over rows.

use crate::error::{Error, Result};
use crate::kernels::activation::{self, Elementwise};
use crate::kernels::matmul::{self, Epilogue, Matrix};
use crate::kernels::update::Update;
use crate::ops::Activation;
use crate::ops::normalization::normalized_affine;
use crate::shape::Shape;
use crate::tape::{Context, Gradients, InPlace, Inputs, Op, Var, arity};

struct Affine {
    activation: Elementwise,
}

impl Op for Affine {
    fn name(&self) -> &'static str {
        "affine"
    }

    fn prepare(&mut self, inputs: &[Shape]) -> Result<Shape> {
        let [x, w, b] = arity(inputs)?;
        if x.rank() != 2 || w.rank() != 2 || x.axis(1) != w.axis(0) || b != Shape::from(w.axis(1)) {
            return Err(Error::expected("an input n × k, weights k × m and biases m"));
        }
        Ok(Shape::from([x.axis(0), w.axis(1)]))
    }

    fn forward(&mut self, inputs: Inputs<'_>, y: &mut [f32], _context: Context<'_>) {
        let [x, w, b] = inputs.each();
        let [rows, inner, columns] = sizes(x.shape(), w.shape());
        let epilogue = Epilogue::Affine { bias: Some(b.data()), activation: self.activation };
        let w = Matrix::new(&w, inner, columns);
        let w = if matmul::skips_if_finite(rows) && inputs.is_known_finite(1) { w.known_finite() } else { w };
        matmul::matmul(Matrix::new(&x, rows, inner), w, y, epilogue);
    }

    fn backward(&mut self, inputs: Inputs<'_>, y: &[f32], dy: &mut [f32], gradients: Gradients<'_>) {
        let ([x, w, _], [dx, dw, db]) = (inputs.each(), gradients.each());
        let [rows, inner, columns] = sizes(x.shape(), w.shape());
        activation::backward(self.activation, y, dy);
        matmul::affine_gradients(&x, &w, dy, [rows, inner, columns], [dx, dw, db]);
    }

    fn fuse(&mut self, activation: Elementwise) -> bool {
        self.activation.replace_linear(activation)
    }

    fn in_place(&mut self) -> Option<&mut dyn InPlace> {
        Some(self)
    }
}

impl InPlace for Affine {
    fn position(&self) -> usize {
        1
    }

    fn backward_in_place(
        &mut self,
        inputs: Inputs<'_>,
        y: &[f32],
        dy: &mut [f32],
        gradients: Gradients<'_>,
        weight: Update<'_>,
    ) {
        let (x, [dx, dw, db]) = (inputs.get(0), gradients.each());
        let [rows, inner, columns] = [x.shape().axis(0), x.shape().axis(1), y.len() / x.shape().axis(0)];
        activation::backward(self.activation, y, dy);
        matmul::affine_update(&x, weight, dy, [rows, inner, columns], [dx, dw, db]);
    }
}

fn sizes(x: Shape, w: Shape) -> [usize; 3] {
    [x.axis(0), x.axis(1), w.axis(1)]
}

impl<'r> Var<'r> {
    /// A dense layer, f(x · w + b), in one operation: from an input n × … × k, weights k × m and biases m to n × … × m. The
    /// activations linear, relu, sigmoid and tanh are fused; others are recorded as a second operation.
    ///
    /// ```
    /// use gradus::{Key, ops::Activation, tape::*};
    /// let recorder = Recorder::new(Mode::Inference);
    /// let (x, w, b) = (recorder.input([1, 2]), recorder.input([2, 2]), recorder.input([2]));
    /// let y = x.affine(w, b, Activation::Relu);
    /// let (x, w, b, y) = (x.id(), w.id(), b.id(), y.id());
    /// let mut tape = recorder.finish()?;
    /// tape.input_slices([x])[0].copy_from_slice(&[1.0, 2.0]);
    /// tape.input_slices([w])[0].copy_from_slice(&[1.0, 0.0, 0.0, -1.0]);
    /// tape.input_slices([b])[0].copy_from_slice(&[0.5, 0.5]);
    /// tape.run(&Params::new(), Key::from_seed(0))?;
    /// assert_eq!(tape.view(y).data(), [1.5, 0.0]);
    /// # Ok::<(), gradus::Error>(())
    /// ```
    pub fn affine(self, weight: Var<'r>, bias: Var<'r>, activation: Activation) -> Var<'r> {
        let record = |x: Var<'r>, activation| {
            let fused = normalized_affine::fused(x, weight, bias, activation);
            fused.unwrap_or_else(|| x.recorder().apply(Affine { activation }, &[x, weight, bias]))
        };
        let (x, w) = (self.shape(), weight.shape());
        let has_rows = x.rank() > 2 && w.rank() == 2 && x.last() == w.axis(0);
        activation.fuse(|activation| match has_rows {
            true => self.by_rows("affine", |rows| record(rows, activation)),
            false => record(self, activation),
        })
    }
}

#[cfg(test)]
pub(in crate::ops) mod tests {
    use crate::ops::Activation;
    use crate::testing::Sample;

    pub(crate) fn samples() -> Vec<Sample> {
        let shapes = |sample: Sample| sample.variable([5, 7]).variable([7, 3]).variable([3]);
        vec![
            shapes(Sample::new(|x| x[0].affine(x[1], x[2], Activation::Linear))),
            // Large biases, so that no finite difference crosses the kink.
            shapes(Sample::new(|x| x[0].affine(x[1], x[2] * 400.0, Activation::Relu))),
            shapes(Sample::new(|x| x[0].affine(x[1], x[2], Activation::Sigmoid))),
            shapes(Sample::new(|x| x[0].affine(x[1], x[2], Activation::Tanh))),
            Sample::new(|x| x[0].affine(x[1], x[2], Activation::Gelu))
                .variable([5, 1, 7])
                .variable([7, 3])
                .variable([3]),
            Sample::new(|x| x[0].affine(x[1], x[2], Activation::Sigmoid))
                .variable([2, 3, 2, 4])
                .variable([4, 2])
                .variable([2]),
        ]
    }
}
