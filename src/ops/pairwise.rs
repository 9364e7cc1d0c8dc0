//! Elementwise operations on two arrays, with NumPy's broadcasting.

use crate::error::{Error, Result};
use crate::kernels::activation::{self, Elementwise};
use crate::kernels::broadcast;
use crate::shape::Shape;
use crate::tape::{Context, Gradients, Inputs, Op, Origin, Var, arity};
use std::marker::PhantomData;

/// A function of two numbers, with its derivatives. They are compiled into the loops of each instruction set, so short
/// functions should be `#[inline(always)]`.
pub(super) trait Pairwise: Send + 'static {
    const NAME: &'static str;

    fn value(a: f32, b: f32) -> f32;

    /// The loss's gradient with respect to a; `dy` is the gradient with respect to the value.
    fn gradient_a(dy: f32, a: f32, b: f32) -> f32;

    /// The loss's gradient with respect to b; `dy` is the gradient with respect to the value.
    fn gradient_b(dy: f32, a: f32, b: f32) -> f32;
}

/// Records the function of each pair of elements, with NumPy's broadcasting.
///
/// Sample weights combine only with arrays of as many axes and with single numbers: weights of n × 1 and errors of n would
/// broadcast to n × n.
pub(super) fn record<'r, P: Pairwise>(a: Var<'r>, b: Var<'r>) -> Var<'r> {
    let (first, second) = (a.shape(), b.shape());
    let weighted = [a, b].iter().any(|x| matches!(x.origin(), Some(Origin::SampleWeights)));
    if weighted && first.rank() != second.rank() && first.len() > 1 && second.len() > 1 {
        let expected = "arrays with equal numbers of axes, since one has the sample weights of the rows; reshape the other one, \
                        or reduce it with keepdims";
        let place = || format!("{}: {}", a.recorder().current_scope(), P::NAME);
        a.recorder().fail(Error::expected(expected).at(place, &[first, second]));
    }
    let (result, activation) = (Shape::SCALAR, Elementwise::Linear);
    a.recorder().apply(Pairs::<P> { result, activation, function: PhantomData }, &[a, b])
}

struct Pairs<P> {
    result: Shape,
    activation: Elementwise,
    function: PhantomData<P>,
}

impl<P: Pairwise> Op for Pairs<P> {
    fn name(&self) -> &'static str {
        P::NAME
    }

    fn prepare(&mut self, inputs: &[Shape]) -> Result<Shape> {
        let [a, b] = arity(inputs)?;
        self.result = broadcast::result(a, b)?;
        Ok(self.result)
    }

    fn forward(&mut self, inputs: Inputs<'_>, y: &mut [f32], _context: Context<'_>) {
        let [a, b] = inputs.each();
        broadcast::zip((y, self.result), a, b, P::value, self.activation);
    }

    fn backward(&mut self, inputs: Inputs<'_>, y: &[f32], dy: &mut [f32], gradients: Gradients<'_>) {
        let ([a, b], [da, db]) = (inputs.each(), gradients.each());
        activation::backward(self.activation, y, dy);
        if let Some(da) = da {
            broadcast::sum_into(da, a, b, (self.result, dy), P::gradient_a);
        }
        if let Some(db) = db {
            broadcast::sum_into(db, b, a, (self.result, dy), |dy, b, a| P::gradient_b(dy, a, b));
        }
    }

    fn fuse(&mut self, activation: Elementwise) -> bool {
        self.activation.replace_linear(activation)
    }
}
