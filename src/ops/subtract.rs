//! y = a − b, da = dy, db = −dy; shapes broadcast by NumPy's rule.

use crate::kernels::broadcast;
use crate::tape::{Gradients, Inputs, Op, Var, arity};
use crate::{Key, Result, Shape};
use std::ops;

struct Subtract {
    result: Shape,
}

impl Op for Subtract {
    fn name(&self) -> &'static str {
        "subtract"
    }

    fn prepare(&mut self, inputs: &[Shape]) -> Result<Shape> {
        let [a, b] = arity(inputs)?;
        self.result = broadcast::result(a, b)?;
        Ok(self.result)
    }

    fn forward(&mut self, inputs: Inputs<'_>, y: &mut [f32], _key: Key) {
        let [a, b] = inputs.each();
        broadcast::zip(y, self.result, a, b, |a, b| a - b);
    }

    fn backward(&mut self, inputs: Inputs<'_>, _y: &[f32], dy: &mut [f32], gradients: Gradients<'_>) {
        let ([a, b], [da, db]) = (inputs.each().map(|view| view.shape()), gradients.each());
        if let Some(da) = da {
            broadcast::sum_into(da, a, b, self.result, |at, _| dy[at]);
        }
        if let Some(db) = db {
            broadcast::sum_into(db, b, a, self.result, |at, _| -dy[at]);
        }
    }
}

impl<'r> ops::Sub for Var<'r> {
    type Output = Var<'r>;

    /// Element by element, with NumPy's broadcasting.
    fn sub(self, other: Var<'r>) -> Var<'r> {
        self.recorder().apply(Subtract { result: Shape::SCALAR }, &[self, other])
    }
}

#[cfg(test)]
pub(super) mod tests {
    use crate::testing::Sample;

    pub(crate) fn samples() -> Vec<Sample> {
        vec![
            Sample::new(|x| x[0] - x[1]).variable([2, 3]).variable([2, 3]),
            Sample::new(|x| x[0] - x[1]).variable([2, 1, 3]).variable([4, 1]),
            Sample::new(|x| x[0] - x[0]).variable([7]),
        ]
    }
}
