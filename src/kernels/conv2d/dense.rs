//! Convolutions whose kernel covers the whole image: each image is a row of a matrix, and the kernels are another matrix.

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
    let Geometry { batch, filters, .. } = *geometry;
    let (x, w) = (Matrix::new(x, batch, geometry.taps()), Matrix::new(w, geometry.taps(), filters));
    matmul::matmul(x, w, y, Epilogue::Affine { bias, activation });
}

/// dx = dy · wᵀ, dw = xᵀ · dy, db = Σ dy over images.
pub(super) fn backward(geometry: &Geometry, x: &[f32], w: &[f32], dy: &[f32], requested: RequestedGradients<'_>) {
    let Geometry { batch, filters, .. } = *geometry;
    let RequestedGradients { dx, dw, db } = requested;
    matmul::affine_gradients(x, w, dy, [batch, geometry.taps(), filters], [dx, dw, db]);
}
