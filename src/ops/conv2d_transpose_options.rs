//! The options of transposed convolutions.

use super::Activation;
use crate::size2d::Size2d;

/// The options of [`Var::conv2d_transpose`](crate::tape::Var::conv2d_transpose).
///
/// ```
/// use gradus::{ops::Conv2dTransposeOptions, tape::{Mode, Recorder}};
/// let recorder = Recorder::new(Mode::Inference);
/// let (images, kernels) = (recorder.input([1, 14, 14, 8]), recorder.input([3, 3, 4, 8]));
/// let options = Conv2dTransposeOptions::new(28).strides(2);
/// assert_eq!(images.conv2d_transpose(kernels, None, options).shape(), [1, 28, 28, 4].into());
/// ```
#[derive(Clone, Copy, Debug)]
#[non_exhaustive]
#[must_use]
pub struct Conv2dTransposeOptions {
    pub(super) size: [usize; 2],
    pub(super) strides: [usize; 2],
    pub(super) cropping: [usize; 2],
    pub(super) dilation_rate: [usize; 2],
    pub(super) groups: usize,
    pub(super) activation: Activation,
}

impl Conv2dTransposeOptions {
    /// Creates the default options for `size` rows and columns of the output: strides of 1, no cropping, no dilation, one
    /// group, no activation.
    pub fn new(size: impl Into<Size2d>) -> Conv2dTransposeOptions {
        let (size, activation) = (size.into().sizes(), Activation::Linear);
        let (strides, cropping, dilation_rate) = ([1, 1], [0, 0], [1, 1]);
        Conv2dTransposeOptions { size, strides, cropping, dilation_rate, groups: 1, activation }
    }

    /// Sets the strides: rows and columns of the output from one window to the next. Default: 1.
    pub fn strides(mut self, strides: impl Into<Size2d>) -> Conv2dTransposeOptions {
        self.strides = strides.into().sizes();
        self
    }

    /// Sets the rows and columns of the windows that are cut off above and to the left of the output. Default: 0.
    pub fn cropping(mut self, cropping: impl Into<Size2d>) -> Conv2dTransposeOptions {
        self.cropping = cropping.into().sizes();
        self
    }

    /// Sets the dilation rate: rows and columns from one kernel element to the next. Default: 1, no dilation.
    pub fn dilation_rate(mut self, dilation_rate: impl Into<Size2d>) -> Conv2dTransposeOptions {
        self.dilation_rate = dilation_rate.into().sizes();
        self
    }

    /// Sets the number of groups of channels and filters. Each group of filters uses one group of channels. Default: 1.
    pub fn groups(mut self, groups: usize) -> Conv2dTransposeOptions {
        self.groups = groups;
        self
    }

    /// Sets the activation. Default: [`Activation::Linear`].
    pub fn activation(mut self, activation: Activation) -> Conv2dTransposeOptions {
        self.activation = activation;
        self
    }

    /// The rows and columns of the output.
    pub(crate) fn size(&self) -> [usize; 2] {
        self.size
    }
}
