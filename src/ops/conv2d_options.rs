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
#[must_use]
pub struct Conv2dOptions {
    pub(super) strides: [usize; 2],
    pub(super) padding: Padding,
    pub(super) dilation_rate: [usize; 2],
    pub(super) groups: usize,
    pub(super) activation: Activation,
}

impl Conv2dOptions {
    /// Creates the default options: strides of 1, no padding, no dilation, one group, no activation.
    pub const fn new() -> Conv2dOptions {
        let (padding, activation) = (Padding::Valid, Activation::Linear);
        Conv2dOptions { strides: [1, 1], padding, dilation_rate: [1, 1], groups: 1, activation }
    }

    /// Sets the strides: rows and columns from one window to the next. Default: 1.
    pub fn strides(mut self, strides: impl Into<Size2d>) -> Conv2dOptions {
        self.strides = strides.into().sizes();
        self
    }

    /// Sets the padding. Default: [`Padding::Valid`].
    pub fn padding(mut self, padding: Padding) -> Conv2dOptions {
        self.padding = padding;
        self
    }

    /// Sets the dilation rate: rows and columns from one kernel element to the next. Default: 1, no dilation.
    pub fn dilation_rate(mut self, dilation_rate: impl Into<Size2d>) -> Conv2dOptions {
        self.dilation_rate = dilation_rate.into().sizes();
        self
    }

    /// Sets the number of groups of channels and filters. Each group of filters uses one group of channels. Default: 1.
    pub fn groups(mut self, groups: usize) -> Conv2dOptions {
        self.groups = groups;
        self
    }

    /// Sets the activation. Default: [`Activation::Linear`].
    pub fn activation(mut self, activation: Activation) -> Conv2dOptions {
        self.activation = activation;
        self
    }
}

impl Default for Conv2dOptions {
    /// Creates the options of [`Conv2dOptions::new`]: strides of 1, no padding, no dilation, one group, no activation.
    fn default() -> Conv2dOptions {
        Conv2dOptions::new()
    }
}
