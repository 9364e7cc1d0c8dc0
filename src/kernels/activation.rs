//! Activations whose derivative follows from their output, so that a fused operation does not keep its input.

use crate::kernels::math;
use crate::kernels::parallel;
use crate::kernels::simd::{self, Fma, vectorized};

/// An activation function inside a fused operation. Each propagates NaN.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub enum Elementwise {
    /// y = x
    Linear,
    /// y = max(x, 0)
    Relu,
    /// y = 1 / (1 + e⁻ˣ)
    Sigmoid,
    /// y = (eˣ − e⁻ˣ) / (eˣ + e⁻ˣ)
    Tanh,
}

impl Elementwise {
    /// Name in Keras.
    pub fn name(self) -> &'static str {
        match self {
            Elementwise::Linear => "linear",
            Elementwise::Relu => "relu",
            Elementwise::Sigmoid => "sigmoid",
            Elementwise::Tanh => "tanh",
        }
    }

    /// Replaces the identity by another activation, and returns whether this was the identity.
    pub(crate) fn replace_linear(&mut self, activation: Elementwise) -> bool {
        let linear = *self == Elementwise::Linear;
        if linear {
            *self = activation;
        }
        linear
    }

    /// Nanoseconds per thousand elements on one thread.
    fn nanoseconds_per_thousand(self) -> usize {
        match self {
            Elementwise::Linear => 0,
            Elementwise::Relu => 100,
            Elementwise::Sigmoid => 1000,
            Elementwise::Tanh => 1400,
        }
    }
}

/// Nanoseconds per thousand elements that are also copied, on one thread.
const COPIED: usize = 100;

/// Minimum number of elements for one thread. The order of elements does not matter, only the cost of a fork.
const CHUNK: usize = 8192;

/// Applies the activation to every element.
pub fn forward(kind: Elementwise, values: &mut [f32]) {
    let level = simd::current();
    let nanoseconds = kind.nanoseconds_per_thousand() * CHUNK / 1000;
    parallel::for_each_chunk(values, CHUNK, nanoseconds, |_, piece| forward_piece(level, kind, piece));
}

/// y = f(x), elementwise.
///
/// # Panics
/// If the lengths differ.
pub(crate) fn forward_from(kind: Elementwise, x: &[f32], y: &mut [f32]) {
    assert_eq!(x.len(), y.len(), "an activation's input and its output have the same length");
    let level = simd::current();
    let nanoseconds = (kind.nanoseconds_per_thousand() + COPIED) * CHUNK / 1000;
    parallel::for_each_pair((x, CHUNK), (y, CHUNK), nanoseconds, |_, x, y| {
        forward_piece_from(level, kind, x, y);
    });
}

/// y = f(sums + bias) in each row. There is one bias per column.
pub(crate) fn finish(kind: Elementwise, bias: &[f32], sums: &[f32], y: &mut [f32]) {
    let (level, columns) = (simd::current(), bias.len());
    let chunk = (CHUNK / columns).max(1) * columns;
    let nanoseconds = (kind.nanoseconds_per_thousand() + COPIED) * chunk / 1000;
    parallel::for_each_pair((sums, chunk), (y, chunk), nanoseconds, |_, sums, y| {
        y.copy_from_slice(sums);
        y.chunks_exact_mut(columns).for_each(|row| finish_row(level, kind, bias, row));
    });
}

/// Converts the gradient of the activation's output `y` to that of its input: dz = dy · f′, with f′ from `y`.
///
/// The derivative of relu at 0 is 0, as in Keras and PyTorch.
///
/// # Panics
/// If the lengths differ.
pub fn backward(kind: Elementwise, y: &[f32], dy: &mut [f32]) {
    assert_eq!(y.len(), dy.len(), "an activation's output and its gradient have the same length");
    if kind == Elementwise::Linear {
        return;
    }
    let level = simd::current();
    parallel::for_each_pair((y, CHUNK), (dy, CHUNK), CHUNK / 8, |_, y, dy| backward_piece(level, kind, y, dy));
}

/// dx = dy · f′, with f′ from the output `y`.
///
/// # Panics
/// If the lengths differ.
pub(crate) fn backward_from(kind: Elementwise, y: &[f32], dy: &[f32], dx: &mut [f32]) {
    assert!(
        y.len() == dy.len() && y.len() == dx.len(),
        "an activation's output and its gradients have the same length"
    );
    let level = simd::current();
    parallel::for_each_chunk(dx, CHUNK, CHUNK / 8 + COPIED * CHUNK / 1000, |i, dx| {
        let piece = i * CHUNK..i * CHUNK + dx.len();
        backward_piece_from(level, kind, &y[piece.clone()], &dy[piece], dx);
    });
}

vectorized! {
    fn forward_piece<F: Fma>(kind: Elementwise, values: &mut [f32]) {
        apply::<F>(kind, values);
    }
}

vectorized! {
    /// y = f(x). Relu is not limited by arithmetic, and reads and writes each element once.
    fn forward_piece_from<F: Fma>(kind: Elementwise, x: &[f32], y: &mut [f32]) {
        if kind == Elementwise::Relu {
            for (y, &x) in y.iter_mut().zip(x) {
                *y = if x < 0.0 { 0.0 } else { x };
            }
            return;
        }
        y.copy_from_slice(x); // a chunk stays in the L1 cache
        apply::<F>(kind, y);
    }
}

vectorized! {
    /// Adds `bias`, which may be shorter than the row or empty, and applies the activation.
    pub(crate) fn finish_row<F: Fma>(kind: Elementwise, bias: &[f32], row: &mut [f32]) {
        row.iter_mut().zip(bias).for_each(|(v, bias)| *v += bias);
        apply::<F>(kind, row);
    }
}

#[inline(always)]
pub(crate) fn apply<F: Fma>(kind: Elementwise, values: &mut [f32]) {
    match kind {
        Elementwise::Linear => {}
        Elementwise::Relu => {
            for v in values {
                *v = if *v < 0.0 { 0.0 } else { *v };
            }
        }
        Elementwise::Sigmoid => {
            for v in values {
                *v = math::sigmoid::<F>(*v);
            }
        }
        Elementwise::Tanh => {
            for v in values {
                *v = math::tanh::<F>(*v);
            }
        }
    }
}

vectorized! {
    /// dz = dy · f′, in place.
    pub(crate) fn backward_piece<F: Fma>(kind: Elementwise, y: &[f32], dy: &mut [f32]) {
        apply_backward::<F>(kind, y, dy);
    }
}

vectorized! {
    /// dx = dy · f′. Relu is not limited by arithmetic, and reads and writes each element once.
    fn backward_piece_from<F: Fma>(kind: Elementwise, y: &[f32], dy: &[f32], dx: &mut [f32]) {
        if kind == Elementwise::Relu {
            for ((dx, &dy), &y) in dx.iter_mut().zip(dy).zip(y) {
                *dx = if y <= 0.0 { 0.0 } else { dy };
            }
            return;
        }
        dx.copy_from_slice(dy); // a chunk stays in the L1 cache
        apply_backward::<F>(kind, y, dx);
    }
}

#[inline(always)]
pub(crate) fn apply_backward<F: Fma>(kind: Elementwise, y: &[f32], dy: &mut [f32]) {
    let pairs = y.iter().zip(dy);
    match kind {
        Elementwise::Linear => {}
        // relu′ = 1 where y > 0 (or NaN), otherwise 0
        Elementwise::Relu => {
            for (&y, dy) in pairs {
                *dy = if y <= 0.0 { 0.0 } else { *dy };
            }
        }
        // σ′ = y · (1 − y)
        Elementwise::Sigmoid => {
            for (&y, dy) in pairs {
                *dy *= y * (1.0 - y);
            }
        }
        // tanh′ = 1 − y² = (1 − y) · (1 + y), which does not cancel near ±1
        Elementwise::Tanh => {
            for (&y, dy) in pairs {
                *dy *= (1.0 - y) * (1.0 + y);
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::kernels::samples;

    const ALL: [Elementwise; 4] = [Elementwise::Linear, Elementwise::Relu, Elementwise::Sigmoid, Elementwise::Tanh];

    fn on_every_sample(kind: Elementwise) -> (Vec<f32>, Vec<f32>) {
        let x: Vec<f32> = samples::values(3, 100_003).iter().map(|v| 20.0 * v).collect();
        let mut y = x.clone();
        forward(kind, &mut y);
        (x, y)
    }

    #[test]
    fn forward_follows_the_formulas() {
        for kind in ALL {
            let (x, y) = on_every_sample(kind);
            for (&x, &y) in x.iter().zip(&y) {
                let x = f64::from(x);
                let right = match kind {
                    Elementwise::Linear => x,
                    Elementwise::Relu => x.max(0.0),
                    Elementwise::Sigmoid => 1.0 / (1.0 + (-x).exp()),
                    Elementwise::Tanh => x.tanh(),
                };
                assert!((f64::from(y) - right).abs() <= 2e-7 * right.abs(), "{} of {x} is {y}", kind.name());
            }
        }
    }

    #[test]
    fn backward_computes_the_derivative_from_the_output() {
        for kind in ALL {
            let (x, y) = on_every_sample(kind);
            let mut dy = vec![3.0; y.len()];
            backward(kind, &y, &mut dy);
            for ((&x, &y), &dz) in x.iter().zip(&y).zip(&dy) {
                let y = f64::from(y);
                let slope = match kind {
                    Elementwise::Linear => 1.0,
                    Elementwise::Relu => f64::from(u8::from(x > 0.0)),
                    Elementwise::Sigmoid => y * (1.0 - y),
                    Elementwise::Tanh => 1.0 - y * y,
                };
                assert!((f64::from(dz) - 3.0 * slope).abs() < 1e-6, "{}′ at {x} is {dz}", kind.name());
            }
        }
    }

    #[test]
    fn nan_is_propagated() {
        for kind in ALL {
            let mut values = [f32::NAN; 9];
            forward(kind, &mut values);
            assert!(values.iter().all(|v| v.is_nan()), "{}", kind.name());
        }
        let mut dy = [f32::NAN; 9];
        backward(Elementwise::Relu, &[1.0; 9], &mut dy);
        assert!(dy.iter().all(|v| v.is_nan()));
    }

    #[test]
    fn bits_do_not_depend_on_threads_or_instructions() {
        for kind in ALL {
            let (x, y) = on_every_sample(kind);
            let slopes = samples::values(4, x.len());
            let mut dz = slopes.clone();
            backward(kind, &y, &mut dz);
            for level in samples::levels() {
                let (mut values, mut gradient) = (x.clone(), slopes.clone());
                forward_piece(level, kind, &mut values);
                backward_piece(level, kind, &y, &mut gradient);
                samples::assert_same_bits(&values, &y, kind.name());
                samples::assert_same_bits(&gradient, &dz, kind.name());
                (values, gradient) = (samples::unset(x.len()), samples::unset(x.len()));
                forward_piece_from(level, kind, &x, &mut values);
                backward_piece_from(level, kind, &y, &slopes, &mut gradient);
                samples::assert_same_bits(&values, &y, kind.name());
                samples::assert_same_bits(&gradient, &dz, kind.name());
            }
            samples::in_pools(|| samples::assert_same_bits(&on_every_sample(kind).1, &y, kind.name()));
        }
    }
}
