//! Convolutions that are products of matrices: each window is a row of the images, and the kernels are another matrix.
//! The kernel covers the whole image or has one tap.

use super::RequestedGradients;
use super::geometry::Geometry;
use crate::kernels::activation::Elementwise;
use crate::kernels::matmul::{self, Epilogue, Matrix};

/// y = activation(x · w + bias).
pub(super) fn forward(
    geometry: &Geometry,
    x: &[f32],
    w: &[f32],
    bias: Option<&[f32]>,
    activation: Elementwise,
    y: &mut [f32],
) {
    let [windows, taps, filters] = sizes(geometry);
    let (x, w) = (Matrix::new(x, windows, taps), Matrix::new(w, taps, filters));
    matmul::matmul(x, w, y, Epilogue::Affine { bias, activation });
}

/// dx = dy · wᵀ.
pub(super) fn backward_input(geometry: &Geometry, dy: &[f32], w: &[f32], dx: &mut [f32]) {
    let [windows, taps, filters] = sizes(geometry);
    matmul::matmul(Matrix::new(dy, windows, filters), Matrix::new(w, taps, filters).t(), dx, Epilogue::None);
}

/// dx = dy · wᵀ, dw = xᵀ · dy, db = Σ dy over windows.
pub(super) fn backward(geometry: &Geometry, x: &[f32], w: &[f32], dy: &[f32], requested: RequestedGradients<'_>) {
    let RequestedGradients { dx, dw, db } = requested;
    matmul::affine_gradients(x, w, dy, sizes(geometry), [dx, dw, db]);
}

/// The numbers of windows, taps and filters.
fn sizes(geometry: &Geometry) -> [usize; 3] {
    [geometry.batch * geometry.pixels(), geometry.taps(), geometry.filters]
}
