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

/// y = x⁴, whose gradient is multiplied by a number, or added.
#[derive(Clone, Copy)]
struct Fourth {
    factor: f32,
    adds: bool,
}

impl Op for Fourth {
    fn name(&self) -> &'static str {
        "fourth"
    }
    fn prepare(&mut self, inputs: &[Shape]) -> Result<Shape> {
        arity(inputs).map(|[x]| x)
    }
    fn forward(&mut self, inputs: Inputs<'_>, y: &mut [f32], _context: Context<'_>) {
        y.iter_mut().zip(inputs.get(0).iter()).for_each(|(y, x)| *y = x * x * x * x);
    }
    fn backward(&mut self, inputs: Inputs<'_>, _y: &[f32], dy: &mut [f32], gradients: Gradients<'_>) {
        let [dx] = gradients.each();
        for ((dx, x), dy) in dx.into_iter().flatten().zip(inputs.get(0).iter()).zip(dy) {
            let gradient = self.factor * 4.0 * x * x * x * *dy;
            *dx = if self.adds { *dx + gradient } else { gradient };
        }
    }
}

/// The mean of a loss of few rows has small values and gradients.
#[test]
fn wrong_gradients_of_a_mean_are_detected() {
    let check = |factor: f32, adds: bool| {
        let op = Fourth { factor, adds };
        let sample = Sample::new(move |x| x[0].recorder().apply(op, &[x[0] - x[1]]).mean());
        sample.variable([4, 2]).variable([4, 2]).check_gradients().map_err(|error| error.to_string())
    };
    assert_eq!(check(1.0, false), Ok(()));
    for factor in [0.0, -1.0, 10.0, 0.5] {
        assert!(check(factor, false).unwrap_err().contains("from central differences"), "{factor}");
    }
    assert!(check(1.0, true).unwrap_err().contains("must overwrite gradients"));
}
