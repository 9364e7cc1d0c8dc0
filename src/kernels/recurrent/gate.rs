//! The activations of gates and states, in the rows of one step.

use super::rows::{Rows, RowsMut};
use crate::kernels::activation::{self, Elementwise};
use crate::kernels::simd::{SimdLevel, vectorized};

/// An activation of a row that is not an [`Elementwise`].
pub(crate) trait RowFunction: Sync {
    /// y = f(x)
    fn forward(&self, x: &[f32], y: &mut [f32]);

    /// The gradient of x, where y = f(x).
    fn backward(&self, x: &[f32], y: &[f32], dy: &[f32], dx: &mut [f32]);
}

/// The activation of a gate.
#[derive(Clone, Copy)]
pub(crate) enum Gate {
    /// One whose derivative follows from its result.
    Elementwise(Elementwise),
    /// Any other, which needs its argument for its derivative.
    Function(&'static dyn RowFunction),
}

impl Gate {
    /// Whether the argument must be stored.
    pub(crate) fn needs_argument(self) -> bool {
        matches!(self, Gate::Function(_))
    }

    /// Applies the activation to rows of `width` elements. `x` has copies of them if the activation
    /// [needs its argument](Gate::needs_argument).
    pub(super) fn forward(
        self,
        level: SimdLevel,
        [rows, width]: [usize; 2],
        x: Option<Rows<'_>>,
        mut values: RowsMut<'_>,
    ) {
        match self {
            Gate::Elementwise(kind) => apply(level, kind, [rows, width], values),
            Gate::Function(function) => {
                let x = x.expect("the argument of the activation is stored");
                (0..rows).for_each(|row| function.forward(x.row(row, width), values.row(row, width)));
            }
        }
    }

    /// Converts the gradients of the results `y` to those of the arguments `x`. `scratch` has room for a row.
    pub(super) fn backward(
        self,
        level: SimdLevel,
        [rows, width]: [usize; 2],
        x: Option<Rows<'_>>,
        y: Rows<'_>,
        mut dy: RowsMut<'_>,
        scratch: &mut [f32],
    ) {
        match self {
            Gate::Elementwise(kind) => apply_backward(level, kind, [rows, width], y, dy),
            Gate::Function(function) => {
                let (x, scratch) = (x.expect("the argument of the activation is stored"), &mut scratch[..width]);
                for row in 0..rows {
                    scratch.copy_from_slice(dy.row(row, width));
                    function.backward(x.row(row, width), y.row(row, width), scratch, dy.row(row, width));
                }
            }
        }
    }
}

vectorized! {
    fn apply<F: Fma>(kind: Elementwise, sizes: [usize; 2], values: RowsMut<'_>) {
        let ([rows, width], mut values) = (sizes, values);
        (0..rows).for_each(|row| activation::apply::<F>(kind, values.row(row, width)));
    }
}

vectorized! {
    fn apply_backward<F: Fma>(kind: Elementwise, sizes: [usize; 2], y: Rows<'_>, dy: RowsMut<'_>) {
        let ([rows, width], mut dy) = (sizes, dy);
        (0..rows).for_each(|row| activation::apply_backward::<F>(kind, y.row(row, width), dy.row(row, width)));
    }
}
