//! The sizes of a grouped convolution.

use super::conv2d;
use super::parallel::MULTIPLY_ADDS_PER_NANOSECOND;
use super::tile::LANES;
use crate::sizes;

/// Images in a shard of a sum over the batch.
pub(super) const IMAGES_PER_SHARD: usize = 32;

/// The sizes of a grouped convolution, checked by the operation that records it.
#[derive(Clone, Copy, Debug)]
pub struct GroupedGeometry {
    /// Images in the batch.
    pub batch: usize,
    /// Rows and columns of an image.
    pub size: [usize; 2],
    /// Input channels of one group.
    pub channels: usize,
    /// Filters of one group.
    pub filters: usize,
    /// Number of groups.
    pub groups: usize,
    /// Rows and columns of a kernel.
    pub kernel: [usize; 2],
    /// Rows and columns between windows.
    pub strides: [usize; 2],
    /// Rows and columns between taps.
    pub dilation: [usize; 2],
    /// Zeros before the first row and column.
    pub padding: [usize; 2],
    /// Rows and columns of an output image.
    pub output: [usize; 2],
}

/// Whether an image with zeros around it would be much larger than the image: windows are dilated far beyond it.
pub(super) fn excessive_padding(image: [usize; 2], padded: [usize; 2]) -> bool {
    let pixels = sizes::work(&image).saturating_mul(16).saturating_add(256);
    sizes::work(&padded) > pixels
}

impl GroupedGeometry {
    /// Elements of an input image.
    pub(super) fn image(&self) -> usize {
        self.size[0] * self.size[1] * self.channels * self.groups
    }

    /// The sizes if these images without their zeros around them are read, with as many zeros before and after as `around` has
    /// for each axis; `None` if the convolution would be computed by another method.
    pub fn with_padding(&self, size: [usize; 2], around: [[usize; 2]; 2]) -> Option<GroupedGeometry> {
        let extents = [0, 1].map(|axis| (self.kernel[axis] - 1) * self.dilation[axis] + 1);
        let padding = conv2d::padding_within(self.padding, around, extents)?;
        let padded = GroupedGeometry { size, padding, ..*self };
        (self.wide() == padded.wide()).then_some(padded)
    }

    /// Elements of an output image.
    pub(super) fn output_image(&self) -> usize {
        self.output[0] * self.output[1] * self.filters * self.groups
    }

    /// Elements of all kernels.
    pub(super) fn weights(&self) -> usize {
        self.kernel[0] * self.kernel[1] * self.channels * self.filters * self.groups
    }

    /// Whether the convolution is depthwise: a group has a single channel.
    pub(super) fn depthwise(&self) -> bool {
        self.channels == 1
    }

    /// Whether [`conv2d`] computes the convolution group by group, as each group has enough filters to fill vectors.
    pub(super) fn wide(&self) -> bool {
        let conv2d = self.conv2d();
        (self.groups == 1 || self.filters >= LANES) && !excessive_padding(self.size, conv2d.padded_size())
    }

    /// Estimated nanoseconds per image on one thread.
    pub(super) fn nanoseconds(&self) -> usize {
        let filters = (self.groups * self.filters).max(LANES);
        let size = [self.output[0], self.output[1], filters, self.kernel[0], self.kernel[1], self.channels];
        sizes::work(&size) / MULTIPLY_ADDS_PER_NANOSECOND
    }

    /// The sizes as those of a convolution by groups.
    pub(super) fn conv2d(&self) -> conv2d::Geometry {
        conv2d::Geometry {
            batch: self.batch,
            height: self.size[0],
            width: self.size[1],
            channels: self.channels,
            kernel: self.kernel,
            filters: self.filters,
            groups: self.groups,
            strides: self.strides,
            dilation: self.dilation,
            padding: self.padding,
            output: self.output,
        }
    }
}
