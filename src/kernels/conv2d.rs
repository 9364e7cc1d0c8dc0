//! Convolution of images (NHWC) without writing patches: each tap is read straight from the image.
//!
//! The taps of one row of a window are contiguous in the image. With one channel, those of adjacent windows are contiguous
//! too. Lanes are filters in the forward pass and the gradient of the kernels, and taps in the gradient of the images.
//! An image is worked on while it is in cache; threads share a batch by images. Where an image needs zeros around it, it is
//! copied among them. A kernel that covers the whole image makes a product of matrices.

mod dense;
mod forward;
mod geometry;
mod input;
pub(super) mod tile;
mod weight;

pub use geometry::Geometry;
pub use weight::IMAGES_PER_SHARD;

use super::activation::Elementwise;
use super::parallel;
use crate::error::Result;
use crate::sizes;

/// Room for a convolution's work, made once.
#[derive(Clone, Debug)]
pub struct Scratch {
    rooms: Option<Rooms>,
}

#[derive(Clone, Debug)]
struct Rooms {
    forward: forward::Room,
    /// For the gradients of the images, and of kernels and biases.
    backward: Option<(input::Room, weight::Room)>,
}

impl Scratch {
    /// Buffers for convolutions of this geometry, including those of the gradients for training.
    ///
    /// # Errors
    /// [`Error::TooLarge`](crate::Error::TooLarge) where memory does not hold it.
    pub fn new(geometry: &Geometry, training: bool) -> Result<Scratch> {
        if geometry.covers_image() {
            return Ok(Scratch { rooms: None });
        }
        geometry.check_sizes()?;
        let backward = || Ok((input::Room::new(geometry)?, weight::Room::new(geometry)?));
        let rooms = Rooms { forward: forward::Room::new(geometry)?, backward: training.then(backward).transpose()? };
        Ok(Scratch { rooms: Some(rooms) })
    }
}

/// y = activation(x ∗ w + bias). Each sum is one chain of fused multiply-adds over the taps in the order of the kernel
/// (rows, columns, channels).
///
/// # Panics
/// When a slice has another length than the geometry says, or the scratch is for another geometry.
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
    match &mut scratch.rooms {
        None => dense::forward(geometry, x, w, bias, activation, y),
        Some(rooms) => forward::forward(geometry, x, w, bias, activation, y, &mut rooms.forward),
    }
}

/// The gradients that are wanted of a convolution, to overwrite.
#[derive(Debug, Default)]
pub struct Wanted<'a> {
    /// Of the images: a sum over the windows that contain an element, each one chain over the filters. Windows are added from
    /// the last row of output pixels to the first, and in a row from the first column on.
    pub dx: Option<&'a mut [f32]>,
    /// Of the kernels: each shard of [`IMAGES_PER_SHARD`] images is one chain over its pixels, the shards are added in
    /// ascending order. Where the kernel covers the image, shards have as many images as
    /// [`matmul::ROWS_PER_CHUNK`](super::matmul::ROWS_PER_CHUNK).
    pub dw: Option<&'a mut [f32]>,
    /// Of the biases, in the same shards.
    pub db: Option<&'a mut [f32]>,
}

/// The gradients of a convolution from `dy`, that of x ∗ w + bias.
///
/// # Panics
/// When a slice has another length than the geometry says, or the scratch is for another geometry or not for training.
pub fn backward(geometry: &Geometry, x: &[f32], w: &[f32], dy: &[f32], wanted: Wanted<'_>, scratch: &mut Scratch) {
    geometry.check(x, w, dy);
    let Some(rooms) = &mut scratch.rooms else { return dense::backward(geometry, x, w, dy, wanted) };
    let (input, weight) = rooms.backward.as_mut().expect("scratch for training");
    let Wanted { dx, dw, db } = wanted;
    let parameters = dw.is_some() || db.is_some();
    let passes = usize::from(dx.is_some()) + usize::from(parameters);
    parallel::join(
        if passes == 2 { sizes::work(&[2, geometry.batch, geometry.nanoseconds()]) } else { 0 },
        || dx.into_iter().for_each(|dx| input::backward(geometry, dy, w, dx, input)),
        || {
            if parameters {
                weight::backward(geometry, x, dy, dw, db, weight);
            }
        },
    );
}

#[cfg(test)]
mod tests;
