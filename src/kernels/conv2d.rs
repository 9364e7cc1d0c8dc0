//! Convolution of images (NHWC) without im2col: each tap is read directly from the image.
//!
//! The taps of one row of a window are contiguous in the image. With one channel, taps of adjacent windows are
//! contiguous too. Lanes are filters in the forward pass and in the gradient of kernels, and taps in the gradient of
//! images. Each image is processed while it is in cache, and the images of a batch are distributed over threads. If an
//! image needs padding, it is copied. A kernel that covers the whole image becomes a matrix product, and so does the gradient
//! of the images if a kernel has one tap. Kernels of 3×3 with strides of 1 and at least 16 channels and filters are computed
//! by fewer multiplications (`winograd`).

mod dense;
mod forward;
mod geometry;
mod input;
pub(super) mod tile;
mod weight;
mod winograd;

pub use geometry::Geometry;
pub(super) use geometry::padding_within;
pub use weight::IMAGES_PER_SHARD;

use super::activation::Elementwise;
use super::parallel;
use super::simd;
use crate::error::Result;
use crate::sizes;
use winograd::{Correlation, WeightGradient};

impl Geometry {
    /// The sizes if these images without their zeros around them are read, with as many zeros before and after as `around` has
    /// for each axis; `None` if the convolution would be computed by another method.
    pub fn with_padding(&self, [height, width]: [usize; 2], around: [[usize; 2]; 2]) -> Option<Geometry> {
        let extents = [0, 1].map(|axis| (self.kernel[axis] - 1) * self.dilation[axis] + 1);
        let padding = padding_within(self.padding, around, extents)?;
        let padded = Geometry { height, width, padding, ..*self };
        let as_before = winograd::applies(self) == winograd::applies(&padded) && !self.covers_image();
        as_before.then_some(padded)
    }
}

/// Reusable buffers of a convolution.
#[derive(Clone, Debug)]
pub struct Scratch {
    method: Method,
    /// The version of the kernels that were packed last for the forward pass.
    version: Option<u64>,
    /// Whether the kernels of the next forward pass are packed.
    packed: bool,
}

/// How a convolution is computed, with buffers.
#[derive(Clone, Debug)]
enum Method {
    /// As a product of matrices.
    Dense,
    /// Tap by tap.
    Direct {
        forward: forward::Buffers,
        /// For training: buffers for the gradients of images, if they are not a product, and of kernels and biases.
        backward: Option<(Option<input::Buffers>, weight::Buffers)>,
    },
    /// By fewer multiplications.
    Winograd { forward: Correlation, backward: Option<(Correlation, WeightGradient)> },
}

impl Scratch {
    /// Creates buffers for convolutions of this geometry, with those of the gradients for training.
    ///
    /// # Errors
    /// [`Error::TooLarge`](crate::Error::TooLarge) if they exceed memory.
    pub fn new(geometry: &Geometry, training: bool) -> Result<Scratch> {
        if geometry.covers_image() {
            return Ok(Scratch::with(Method::Dense));
        }
        geometry.check_sizes()?;
        if winograd::applies(geometry) {
            let backward = || Ok((Correlation::backward(geometry)?, WeightGradient::new(geometry)?));
            let (forward, backward) = (Correlation::forward(geometry)?, training.then(backward).transpose()?);
            return Ok(Scratch::with(Method::Winograd { forward, backward }));
        }
        let backward = || {
            let input = (!geometry.pointwise()).then(|| input::Buffers::new(geometry)).transpose()?;
            Ok((input, weight::Buffers::new(geometry)?))
        };
        let (forward, backward) = (forward::Buffers::new(geometry)?, training.then(backward).transpose()?);
        Ok(Scratch::with(Method::Direct { forward, backward }))
    }

    fn with(method: Method) -> Scratch {
        Scratch { method, version: None, packed: false }
    }

    /// Declares that the kernels of the next forward pass have this version. Kernels with the version of the pass before have
    /// its values, and are not packed again.
    pub fn set_version(&mut self, version: Option<u64>) {
        self.packed = version.is_some() && version == self.version;
        self.version = version;
    }
}

/// y = activation(x ∗ w + bias). Each sum is one chain of fused multiply-adds over the taps in the order of the kernel
/// (rows, columns, channels). By `winograd`, each of the 16 products of a tile is one chain over the channels.
///
/// # Panics
/// If the length of a slice does not match the geometry, or the scratch is for another geometry.
pub fn forward(
    geometry: &Geometry,
    x: &[f32],
    w: &[f32],
    bias: Option<&[f32]>,
    activation: Elementwise,
    y: &mut [f32],
    scratch: &mut Scratch,
) {
    geometry.check(x, w, y);
    let packed = std::mem::take(&mut scratch.packed);
    match &mut scratch.method {
        Method::Dense => dense::forward(geometry, x, w, bias, activation, y),
        Method::Direct { forward, .. } => {
            if !packed {
                forward.pack(geometry, w);
            }
            forward::forward(geometry, x, bias, activation, y, forward);
        }
        Method::Winograd { forward, .. } => {
            if !packed {
                forward.pack(simd::current(), w);
            }
            forward.run_forward(simd::current(), x, w, bias, activation, y);
        }
    }
}

/// The requested gradients of a convolution, which are overwritten.
#[derive(Debug, Default)]
pub struct RequestedGradients<'a> {
    /// Gradient of the images: a sum over the windows that contain an element, each one chain over the filters. Windows
    /// are added from the last row of output pixels to the first, and from the first column on within a row, or from the
    /// last column on if columns are dilated. By `winograd`, it is a forward pass.
    pub dx: Option<&'a mut [f32]>,
    /// Gradient of the kernels: each shard of [`IMAGES_PER_SHARD`] images is one chain over its pixels, or over its tiles by
    /// `winograd`, and shards are added in ascending order. If the kernel covers the image, a shard has
    /// [`matmul::ROWS_PER_CHUNK`](super::matmul::ROWS_PER_CHUNK) images.
    pub dw: Option<&'a mut [f32]>,
    /// Gradient of the biases, with equal shards.
    pub db: Option<&'a mut [f32]>,
}

/// Computes gradients of a convolution from `dy`, the gradient of x ∗ w + bias.
///
/// # Panics
/// If the length of a slice does not match the geometry, or the scratch is for another geometry or not for training.
pub fn backward(
    geometry: &Geometry,
    x: &[f32],
    w: &[f32],
    dy: &[f32],
    requested: RequestedGradients<'_>,
    scratch: &mut Scratch,
) {
    geometry.check(x, w, dy);
    let RequestedGradients { dx, dw, db } = requested;
    let parameters = dw.is_some() || db.is_some();
    let passes = usize::from(dx.is_some()) + usize::from(parameters);
    let work = if passes == 2 { sizes::work(&[2, geometry.batch, geometry.nanoseconds()]) } else { 0 };
    match &mut scratch.method {
        Method::Dense => dense::backward(geometry, x, w, dy, RequestedGradients { dx, dw, db }),
        Method::Direct { backward, .. } => {
            let (input, weight) = backward.as_mut().expect(FOR_TRAINING);
            parallel::join(
                work,
                || match (dx, input) {
                    (None, _) => {}
                    (Some(dx), None) => dense::backward_input(geometry, dy, w, dx),
                    (Some(dx), Some(input)) => input::backward(geometry, dy, w, dx, input),
                },
                || {
                    if parameters {
                        weight::backward(geometry, x, dy, dw, db, weight);
                    }
                },
            );
        }
        Method::Winograd { backward, .. } => {
            let (input, weight) = backward.as_mut().expect(FOR_TRAINING);
            parallel::join(
                work,
                || {
                    if let Some(dx) = dx {
                        input.run_backward(simd::current(), dy, w, dx);
                    }
                },
                || {
                    if parameters {
                        weight.run(simd::current(), x, dy, dw, db);
                    }
                },
            );
        }
    }
}

/// What a scratch for gradients must be.
const FOR_TRAINING: &str = "scratch for training";

/// dx = Σ dy·w over the windows that contain an element, the gradient [`RequestedGradients::dx`] alone.
///
/// # Panics
/// If the length of a slice does not match the geometry, or the scratch is for another geometry or not for training.
pub fn backward_input(geometry: &Geometry, w: &[f32], dy: &[f32], dx: &mut [f32], scratch: &mut Scratch) {
    geometry.check(dx, w, dy);
    match &mut scratch.method {
        Method::Direct { backward: Some((Some(input), _)), .. } => input::backward(geometry, dy, w, dx, input),
        Method::Winograd { backward: Some((input, _)), .. } => input.run_backward(simd::current(), dy, w, dx),
        Method::Dense | Method::Direct { backward: Some((None, _)), .. } => dense::backward_input(geometry, dy, w, dx),
        Method::Direct { backward: None, .. } | Method::Winograd { backward: None, .. } => panic!("{FOR_TRAINING}"),
    }
}

#[cfg(test)]
mod tests;
