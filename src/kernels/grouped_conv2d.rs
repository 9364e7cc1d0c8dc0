//! Dilated and grouped convolution of images (NHWC). Groups of one channel are computed by `depthwise`, several groups of
//! fewer than sixteen filters and windows that are much larger than the image by `narrow_groups`, and others by [`conv2d`],
//! group by group.

use super::activation::Elementwise;
use super::conv2d::{self, RequestedGradients};
pub use super::grouped::GroupedGeometry;
use super::{depthwise, narrow_groups, simd};
use crate::error::Result;

/// Reusable buffers of a grouped convolution.
#[derive(Clone, Debug)]
pub struct Scratch(Kind);

#[derive(Clone, Debug)]
enum Kind {
    Depthwise(Box<depthwise::Scratch>),
    Narrow(Box<narrow_groups::Scratch>),
    Wide(conv2d::Geometry, Box<conv2d::Scratch>),
}

impl Scratch {
    /// Allocates the buffers.
    ///
    /// # Errors
    /// [`Error::TooLarge`](crate::Error::TooLarge) if they exceed memory.
    pub fn new(g: &GroupedGeometry) -> Result<Scratch> {
        if g.depthwise() {
            return Ok(Scratch(Kind::Depthwise(Box::new(depthwise::Scratch::new(g)?))));
        }
        if !g.wide() {
            return Ok(Scratch(Kind::Narrow(Box::new(narrow_groups::Scratch::new(g)?))));
        }
        let geometry = g.conv2d();
        Ok(Scratch(Kind::Wide(geometry, Box::new(conv2d::Scratch::new(&geometry, true)?))))
    }
}

/// y = activation(x ∗ w + bias). `w` is rows × columns × channels of a group × all filters. Each sum is one chain of fused
/// multiply-adds over the taps in the order of the kernel (rows, columns, channels).
///
/// # Panics
/// If the length of a slice does not match the geometry.
pub fn forward(
    g: &GroupedGeometry,
    x: &[f32],
    w: &[f32],
    bias: Option<&[f32]>,
    activation: Elementwise,
    y: &mut [f32],
    scratch: &mut Scratch,
) {
    assert_eq!((x.len(), y.len(), w.len()), (g.batch * g.image(), g.batch * g.output_image(), g.weights()));
    let level = simd::current();
    match &mut scratch.0 {
        Kind::Depthwise(scratch) => depthwise::forward(level, g, x, w, (bias, activation), y, scratch),
        Kind::Narrow(scratch) => narrow_groups::forward(level, g, x, w, (bias, activation), y, scratch),
        Kind::Wide(geometry, scratch) => conv2d::forward(geometry, x, w, bias, activation, y, scratch),
    }
}

/// Computes the requested gradients from `dy`, the gradient of x ∗ w + bias, and overwrites them.
///
/// - dw = Σ x·dy over images and pixels: each shard of [`conv2d::IMAGES_PER_SHARD`] images is one chain, and shards are
///   added in order.
/// - dx = Σ dy·w over the windows that contain an element. If a group has one channel, there are several groups of fewer than
///   sixteen filters, or windows are much larger than the image: one chain over windows in order, and over the filters of each. Otherwise a sum over windows, as
///   [`RequestedGradients::dx`] describes.
///
/// # Panics
/// If the length of a slice does not match the geometry.
pub fn backward(
    g: &GroupedGeometry,
    x: &[f32],
    w: &[f32],
    dy: &[f32],
    [dx, dw]: [Option<&mut [f32]>; 2],
    scratch: &mut Scratch,
) {
    assert_eq!((x.len(), dy.len(), w.len()), (g.batch * g.image(), g.batch * g.output_image(), g.weights()));
    let level = simd::current();
    match &mut scratch.0 {
        Kind::Depthwise(scratch) => {
            if let Some(dw) = dw {
                depthwise::backward_weight(level, g, x, dy, dw, scratch);
            }
            if let Some(dx) = dx {
                depthwise::backward_input(level, g, dy, w, dx, scratch);
            }
        }
        Kind::Narrow(scratch) => {
            if let Some(dw) = dw {
                narrow_groups::backward_weight(level, g, x, dy, dw, scratch);
            }
            if let Some(dx) = dx {
                narrow_groups::backward_input(level, g, dy, w, dx, scratch);
            }
        }
        Kind::Wide(geometry, scratch) => {
            conv2d::backward(geometry, x, w, dy, RequestedGradients { dx, dw, db: None }, scratch);
        }
    }
}

/// Computes the gradient dx of [`backward`] alone, which does not depend on the images.
///
/// # Panics
/// If the length of a slice does not match the geometry.
pub fn backward_input(g: &GroupedGeometry, w: &[f32], dy: &[f32], dx: &mut [f32], scratch: &mut Scratch) {
    assert_eq!((dx.len(), dy.len(), w.len()), (g.batch * g.image(), g.batch * g.output_image(), g.weights()));
    let level = simd::current();
    match &mut scratch.0 {
        Kind::Depthwise(scratch) => depthwise::backward_input(level, g, dy, w, dx, scratch),
        Kind::Narrow(scratch) => narrow_groups::backward_input(level, g, dy, w, dx, scratch),
        Kind::Wide(geometry, scratch) => conv2d::backward_input(geometry, w, dy, dx, scratch),
    }
}

#[cfg(test)]
pub(super) mod plain_loops;
#[cfg(test)]
mod tests;
