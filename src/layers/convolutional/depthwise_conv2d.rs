//! DepthwiseConv2d: kernels of each channel slide over images, channels last.

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
    /// Cross-correlation of each channel of images height × width × channels with kernels of this channel, plus a bias,
    /// through an activation. Keras' `DepthwiseConv2D`.
    ///
    /// Output channel `c · depth_multiplier + m` belongs to channel `c` of the input.
    ///
    /// ```
    /// use gradus::{Sequential, layers::*};
    /// let network = Sequential::new([8, 8, 3]).add(DepthwiseConv2d::new(3).depth_multiplier(2));
    /// let model = network.architecture(1)?.into_model()?;
    /// assert_eq!(model.params().count(true), 3 * 3 * 3 * 2 + 6);
    /// # Ok::<(), gradus::Error>(())
    /// ```
    #[derive(Clone, Debug)]
    #[must_use]
    pub struct DepthwiseConv2d("DepthwiseConv2D") of (kernel_size: Size2d) {
        /// Rows and columns from one window to the next, at least 1. Defaults to 1.
        into strides: Size2d = Size2d::from(1),
        /// Whether images are padded with zeros so that their size stays at strides of 1. Defaults to [`Padding::Valid`]:
        /// they are not.
        value padding: Padding = Padding::Valid,
        /// Number of output channels for each channel of the input, at least 1. Defaults to 1.
        value depth_multiplier: usize = 1,
        /// Rows and columns from one element of a kernel to the next, at least 1. Defaults to 1.
        into dilation_rate: Size2d = Size2d::from(1),
        /// Activation of the outputs. Defaults to [`Activation::Linear`].
        value activation: Activation = Activation::Linear,
        /// Whether a learned bias is added. Defaults to `true`.
        value use_bias: bool = true,
        /// Initializer of the kernels. Defaults to [`GlorotUniform`].
        part depthwise_initializer: Initializer = GlorotUniform,
        /// Initializer of the bias. Defaults to [`Zeros`].
        part bias_initializer: Initializer = Zeros,
        /// Regularizer of the kernels, whose penalty is added to the loss. Defaults to none.
        optional depthwise_regularizer: Regularizer,
        /// Regularizer of the bias, whose penalty is added to the loss. Defaults to none.
        optional bias_regularizer: Regularizer,
    }
}

impl DepthwiseConv2d {
    /// Kernels of this many rows and columns with strides of 1, no padding, no activation, a bias of zeros and
    /// Glorot-uniform values, as in Keras.
    pub fn new(kernel_size: impl Into<Size2d>) -> DepthwiseConv2d {
        DepthwiseConv2d::with_defaults(kernel_size.into())
    }

    fn options(&self, channels: usize) -> Conv2dOptions {
        let options = Conv2dOptions::new().strides(self.strides).padding(self.padding).groups(channels);
        options.dilation_rate(self.dilation_rate).activation(self.activation)
    }
}

impl Layer for DepthwiseConv2d {
    fn build(&self, inputs: &[Shape], weights: &mut Weights<'_>) -> Result<Vec<Shape>> {
        let ([height, width], multiplier) = (self.kernel_size.sizes(), self.depth_multiplier);
        check_setting(height.min(width) > 0, "DepthwiseConv2d", "kernel_size", 0, "at least 1")?;
        check_setting(multiplier > 0, "DepthwiseConv2d", "depth_multiplier", multiplier, "at least 1")?;
        let [x] = inputs else { return Err(Error::expected("one input")) };
        if x.rank() != 3 {
            return Err(Error::expected("images height × width × channels"));
        }
        let (channels, filters) = (x.axis(2), sizes::product(&[x.axis(2), multiplier])?);
        let output = ops::conv2d_output(*x, Shape::new(&[height, width, 1, filters])?, &self.options(channels))?;
        let (initializer, regularizer) = (self.depthwise_initializer.as_ref(), self.depthwise_regularizer.as_ref());
        weights.add_regularized(
            "kernel",
            Shape::new(&[height, width, channels, multiplier])?,
            initializer,
            regularizer,
        )?;
        if self.use_bias {
            let (initializer, regularizer) = (self.bias_initializer.as_ref(), self.bias_regularizer.as_ref());
            weights.add_regularized("bias", filters, initializer, regularizer)?;
        }
        Ok(vec![output])
    }

    fn record<'r>(&self, weights: &mut Cursor<'_, 'r>, inputs: &[Var<'r>]) -> Vec<Var<'r>> {
        let [kernel] = weights.take();
        let bias = self.use_bias.then(|| weights.take::<1>()[0]);
        let ([height, width], channels) = (self.kernel_size.sizes(), inputs[0].shape().last());
        let kernel = kernel.reshape([height, width, 1, channels * self.depth_multiplier]);
        vec![inputs[0].conv2d(kernel, bias, self.options(channels)).without_mask()]
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
        let set = DepthwiseConv2d::new(2).depthwise_initializer(Ones).bias_initializer(Ones);
        let set = set.depthwise_regularizer(L2::new(0.1)).bias_regularizer(L1::new(0.3));
        let strided = DepthwiseConv2d::new((3, 2)).strides(2).padding(Padding::Same).activation(Activation::Relu);
        let dilated = DepthwiseConv2d::new(2).dilation_rate(2).use_bias(false);
        vec![
            (Box::new(DepthwiseConv2d::new(3)), Shape::from([6, 5, 2])),
            (Box::new(strided.depth_multiplier(2)), Shape::from([5, 4, 3])),
            (Box::new(set), Shape::from([3, 3, 1])),
            (Box::new(dilated), Shape::from([5, 4, 2])),
        ]
    }
}
