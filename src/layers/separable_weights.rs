//! The weights of depthwise separable convolutions.

use crate::error::{Result, check_setting};
use crate::layers::weights::WeightOptions;
use crate::layers::{Padding, Weights};
use crate::ops::{self, Conv2dOptions};
use crate::shape::Shape;
use crate::sizes;

/// The sizes of a depthwise separable convolution, and the options of its weights.
pub(super) struct Separable<'a> {
    pub(super) owner: &'static str,
    pub(super) filters: usize,
    /// The kernel as rows and columns.
    pub(super) kernel_size: [usize; 2],
    pub(super) padding: Padding,
    pub(super) depth_multiplier: usize,
    pub(super) depthwise: WeightOptions<'a>,
    pub(super) pointwise: WeightOptions<'a>,
    pub(super) bias: Option<WeightOptions<'a>>,
}

impl Separable<'_> {
    /// Checks the settings and declares the weights for images of height × width × channels. The kernels have `axes` axes of
    /// positions. Returns the rows and columns of the output.
    pub(super) fn declare(
        &self,
        images: Shape,
        axes: usize,
        options: &Conv2dOptions,
        weights: &mut Weights<'_>,
    ) -> Result<[usize; 2]> {
        let (owner, [height, width], multiplier) = (self.owner, self.kernel_size, self.depth_multiplier);
        check_setting(self.filters > 0, owner, "filters", self.filters, "at least 1")?;
        check_setting(height.min(width) > 0, owner, "kernel_size", 0, "at least 1")?;
        check_setting(multiplier > 0, owner, "depth_multiplier", multiplier, "at least 1")?;
        self.padding.check_not_causal(owner)?;
        let (channels, inner) = (images.last(), sizes::product(&[images.last(), multiplier])?);
        let output = ops::conv2d_output(images, Shape::new(&[height, width, 1, inner])?, options)?;
        let kernel = Shape::new(&[&self.kernel_size[..axes], &[channels, multiplier]].concat())?;
        weights.add_with_options("depthwise_kernel", kernel, self.depthwise)?;
        let kernel = Shape::new(&[&[1; 2][..axes], &[inner, self.filters]].concat())?;
        weights.add_with_options("pointwise_kernel", kernel, self.pointwise)?;
        if let Some(options) = self.bias {
            weights.add_with_options("bias", self.filters, options)?;
        }
        Ok([output.axis(0), output.axis(1)])
    }
}
