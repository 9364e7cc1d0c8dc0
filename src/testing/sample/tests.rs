//! Tests with an operation whose gradient is wrong.

use super::*;
use crate::Result;
use crate::tape::{Context, Gradients, Inputs, Op, arity};

/// y = x, with a wrong gradient.
struct Wrong;

impl Op for Wrong {
    fn name(&self) -> &'static str {
        "wrong"
    }
    fn prepare(&mut self, inputs: &[Shape]) -> Result<Shape> {
        arity(inputs).map(|[x]| x)
    }
    fn forward(&mut self, inputs: Inputs<'_>, y: &mut [f32], _context: Context<'_>) {
        y.copy_from_slice(&inputs.get(0));
    }
    fn backward(&mut self, _inputs: Inputs<'_>, _y: &[f32], _dy: &mut [f32], gradients: Gradients<'_>) {
        let [dx] = gradients.each();
        dx.into_iter().for_each(|dx| dx.fill(0.5));
    }
}

#[test]
fn wrong_gradients_are_detected() {
    let sample = Sample::new(|x| x[0].recorder().apply(Wrong, x)).variable([3]);
    assert!(sample.check_gradients().unwrap_err().to_string().contains("from central differences"));
}
