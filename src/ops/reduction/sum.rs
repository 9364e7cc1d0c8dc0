//! y = Σ x over every element, dx = dy.

use crate::error::Result;
use crate::kernels::reduce;
use crate::shape::Shape;
use crate::tape::{Context, Gradients, Inputs, Op, Var, arity};

struct Sum;

impl Op for Sum {
    fn name(&self) -> &'static str {
        "sum"
    }

    fn prepare(&mut self, inputs: &[Shape]) -> Result<Shape> {
        arity(inputs).map(|[_]| Shape::SCALAR)
    }

    fn forward(&mut self, inputs: Inputs<'_>, y: &mut [f32], _context: Context<'_>) {
        let [x] = inputs.each();
        y[0] = reduce::sum(&x);
    }

    fn backward(&mut self, _inputs: Inputs<'_>, _y: &[f32], dy: &mut [f32], gradients: Gradients<'_>) {
        if let [Some(dx)] = gradients.each() {
            dx.fill(dy[0]);
        }
    }
}

impl<'r> Var<'r> {
    /// The sum of all elements, a scalar.
    pub fn sum(self) -> Var<'r> {
        self.recorder().apply(Sum, &[self])
    }
}

#[cfg(test)]
pub(in crate::ops) mod tests {
    use crate::testing::Sample;

    pub(crate) fn samples() -> Vec<Sample> {
        vec![Sample::new(|x| x[0].sum()).variable([3, 5]), Sample::new(|x| x[0].sum()).variable([1])]
    }
}
