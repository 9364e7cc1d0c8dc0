//! The options of convolutions.

use super::Activation;
use super::window::Padding;
use crate::size2d::Size2d;

/// The options of [`Var::conv2d`](crate::tape::Var::conv2d).
///
/// ```
/// use gradus::{ops::{Activation, Conv2dOptions, Padding}, tape::{Mode, Recorder}};
/// let recorder = Recorder::new(Mode::Inference);
/// let (images, kernels) = (recorder.input([1, 28, 28, 3]), recorder.input([5, 3, 3, 8]));
/// let options = Conv2dOptions::new().strides(2).padding(Padding::Same).activation(Activation::Relu);
/// assert_eq!(images.conv2d(kernels, None, options).shape(), [1, 14, 14, 8].into());
/// ```
#[derive(Clone, Copy, Debug)]
#[non_exhaustive]
pub struct Conv2dOptions {
    pub(super) strides: [usize; 2],
    pub(super) padding: Padding,
    pub(super) dilation_rate: [usize; 2],
    pub(super) groups: usize,
    pub(super) activation: Activation,
}

impl Conv2dOptions {
    /// Strides of 1, no padding, no dilation, one group, no activation.
    pub const fn new() -> Conv2dOptions {
        let (padding, activation) = (Padding::Valid, Activation::Linear);
        Conv2dOptions { strides: [1, 1], padding, dilation_rate: [1, 1], groups: 1, activation }
    }

    /// Rows and columns between windows.
    pub fn strides(mut self, strides: impl Into<Size2d>) -> Conv2dOptions {
        self.strides = strides.into().sizes();
        self
    }

    /// What lies beyond the images' border.
    pub fn padding(mut self, padding: Padding) -> Conv2dOptions {
        self.padding = padding;
        self
    }

    /// Rows and columns from one tap of a kernel to the next: with 2, every other pixel is left out.
    pub fn dilation_rate(mut self, dilation_rate: impl Into<Size2d>) -> Conv2dOptions {
        self.dilation_rate = dilation_rate.into().sizes();
        self
    }

    /// The number of groups into which channels and filters are cut; each group of filters sees its group of channels.
    pub fn groups(mut self, groups: usize) -> Conv2dOptions {
        self.groups = groups;
        self
    }

    /// The activation of each sum.
    pub fn activation(mut self, activation: Activation) -> Conv2dOptions {
        self.activation = activation;
        self
    }
}

impl Default for Conv2dOptions {
    /// The options of [`Conv2dOptions::new`]: strides of 1, no padding, no dilation, one group, no activation.
    fn default() -> Conv2dOptions {
        Conv2dOptions::new()
    }
}
