//! SeparableConv2d: kernels of each channel, then products over all channels.

use crate::error::{Error, Result, check_setting};
use crate::initializers::{GlorotUniform, Initializer, Zeros};
use crate::layers::{Activation, Cursor, Layer, Weights};
use crate::ops::{self, Conv2dOptions, Padding};
use crate::regularizers::Regularizer;
use crate::settings::{FromSpec, options};
use crate::shape::Shape;
use crate::size2d::Size2d;
use crate::sizes;
use crate::spec::Spec;
use crate::tape::Var;

options! {
    /// Cross-correlation of each channel of images height × width × channels with kernels of this channel, then of all
    /// channels at each position with `filters` vectors, plus a bias, through an activation. Keras' `SeparableConv2D`.
    ///
    /// ```
    /// use gradus::{Sequential, layers::*};
    /// let network = Sequential::new([8, 8, 3]).add(SeparableConv2d::new(4, 3).use_bias(false));
    /// let model = network.architecture(1)?.into_model()?;
    /// assert_eq!(model.params().count(true), 3 * 3 * 3 + 3 * 4);
    /// # Ok::<(), gradus::Error>(())
    /// ```
    #[derive(Clone, Debug)]
    #[must_use]
    pub struct SeparableConv2d("SeparableConv2D") of (filters: usize, kernel_size: Size2d) {
        /// Rows and columns from one window to the next, at least 1. Defaults to 1.
        into strides: Size2d = Size2d::from(1),
        /// Whether the input is padded with zeros so that its size stays at strides of 1. Defaults to [`Padding::Valid`]: it
        /// is not.
        value padding: Padding = Padding::Valid,
        /// Rows and columns from one element of a kernel to the next, at least 1. Defaults to 1.
        into dilation_rate: Size2d = Size2d::from(1),
        /// Number of kernels for each channel of the input, at least 1. Defaults to 1.
        value depth_multiplier: usize = 1,
        /// Activation of the outputs. Defaults to [`Activation::Linear`].
        value activation: Activation = Activation::Linear,
        /// Whether a learned bias is added. Defaults to `true`.
        value use_bias: bool = true,
        /// Initializer of the kernels of each channel. Defaults to [`GlorotUniform`].
        part depthwise_initializer: Initializer = GlorotUniform,
        /// Initializer of the vectors over the channels. Defaults to [`GlorotUniform`].
        part pointwise_initializer: Initializer = GlorotUniform,
        /// Initializer of the bias. Defaults to [`Zeros`].
        part bias_initializer: Initializer = Zeros,
        /// Regularizer of the kernels of each channel, whose penalty is added to the loss. Defaults to none.
        optional depthwise_regularizer: Regularizer,
        /// Regularizer of the vectors over the channels, whose penalty is added to the loss. Defaults to none.
        optional pointwise_regularizer: Regularizer,
        /// Regularizer of the bias, whose penalty is added to the loss. Defaults to none.
        optional bias_regularizer: Regularizer,
    }
}

impl SeparableConv2d {
    /// Kernels of this size with strides of 1, no padding, no activation, a bias of zeros and Glorot-uniform values, as in
    /// Keras.
    pub fn new(filters: usize, kernel_size: impl Into<Size2d>) -> SeparableConv2d {
        SeparableConv2d::with_defaults(filters, kernel_size.into())
    }

    fn depthwise(&self, channels: usize) -> Conv2dOptions {
        let options = Conv2dOptions::new().strides(self.strides).padding(self.padding).groups(channels);
        options.dilation_rate(self.dilation_rate)
    }
}

impl Layer for SeparableConv2d {
    fn build(&self, inputs: &[Shape], weights: &mut Weights<'_>) -> Result<Vec<Shape>> {
        let [height, width] = self.kernel_size.sizes();
        let multiplier = self.depth_multiplier;
        check_setting(self.filters > 0, "SeparableConv2d", "filters", self.filters, "at least 1")?;
        check_setting(height.min(width) > 0, "SeparableConv2d", "kernel_size", 0, "at least 1")?;
        check_setting(multiplier > 0, "SeparableConv2d", "depth_multiplier", multiplier, "at least 1")?;
        let [x] = inputs else { return Err(Error::expected("one input")) };
        if x.rank() != 3 {
            return Err(Error::expected("images height × width × channels"));
        }
        let (channels, inner) = (x.last(), sizes::product(&[x.last(), multiplier])?);
        let kernel = Shape::new(&[height, width, 1, inner])?;
        let output = ops::conv2d_output(*x, kernel, &self.depthwise(channels))?;
        let (initializer, regularizer) = (self.depthwise_initializer.as_ref(), self.depthwise_regularizer.as_ref());
        weights.add_regularized(
            "depthwise_kernel",
            Shape::new(&[height, width, channels, self.depth_multiplier])?,
            initializer,
            regularizer,
        )?;
        let (initializer, regularizer) = (self.pointwise_initializer.as_ref(), self.pointwise_regularizer.as_ref());
        weights.add_regularized(
            "pointwise_kernel",
            Shape::new(&[1, 1, inner, self.filters])?,
            initializer,
            regularizer,
        )?;
        if self.use_bias {
            let (initializer, regularizer) = (self.bias_initializer.as_ref(), self.bias_regularizer.as_ref());
            weights.add_regularized("bias", self.filters, initializer, regularizer)?;
        }
        Ok(vec![Shape::from([output.axis(0), output.axis(1), self.filters])])
    }

    fn record<'r>(&self, weights: &mut Cursor<'_, 'r>, inputs: &[Var<'r>]) -> Vec<Var<'r>> {
        let [depthwise, pointwise] = weights.take();
        let bias = self.use_bias.then(|| weights.take::<1>()[0]);
        let [height, width] = self.kernel_size.sizes();
        let channels = inputs[0].shape().last();
        let inner = channels * self.depth_multiplier;
        let x = inputs[0];
        let x = x.conv2d(depthwise.reshape([height, width, 1, inner]), None, self.depthwise(channels));
        let pointwise = pointwise.reshape([1, 1, inner, self.filters]);
        let y = x.conv2d(pointwise, bias, Conv2dOptions::new().activation(self.activation));
        vec![y.without_mask()]
    }

    fn supports_masking(&self) -> bool {
        true
    }

    fn spec(&self) -> Spec {
        self.write_options(Spec::new(Self::CLASS))
    }
}

#[cfg(test)]
pub(in crate::layers) mod tests {
    use super::*;
    use crate::initializers::Ones;
    use crate::regularizers::{L1, L2};

    pub(crate) fn samples() -> Vec<(Box<dyn Layer>, Shape)> {
        let set =
            SeparableConv2d::new(2, 2).depthwise_initializer(Ones).pointwise_initializer(Ones).bias_initializer(Ones);
        let set = set.depthwise_regularizer(L2::new(0.1)).pointwise_regularizer(L1::new(0.2));
        let strided = SeparableConv2d::new(4, 3).strides(2).padding(Padding::Same).activation(Activation::Relu);
        let dilated = SeparableConv2d::new(3, 2).dilation_rate(2).use_bias(false);
        vec![
            (Box::new(dilated), Shape::from([6, 5, 2])),
            (Box::new(strided.depth_multiplier(2)), Shape::from([5, 4, 3])),
            (Box::new(set.bias_regularizer(L1::new(0.3))), Shape::from([3, 3, 1])),
        ]
    }
}
