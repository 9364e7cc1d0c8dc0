//! DepthwiseConv2d: convolution of each channel of images, channels last.

use crate::constraints::Constraint;
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
    /// 2D depthwise convolution: each input channel is convolved with `depth_multiplier` separate kernels
    /// (cross-correlation), then a bias is added and an activation applied. `DepthwiseConv2D` in Keras.
    ///
    /// Inputs are images height × width × channels; outputs are rows × columns × (channels · `depth_multiplier`). Output
    /// channel c · `depth_multiplier` + m is computed from input channel c. Without padding, rows = ⌊(height − dilation ·
    /// (kernel height − 1) − 1) / stride⌋ + 1; with [`Padding::Same`], rows = ⌈height / stride⌉. Columns follow from the
    /// width in this way.
    ///
    /// Weights are `kernel`, kernel height × kernel width × channels × `depth_multiplier`, and `bias`, one number per output
    /// channel. Images have channels last; `data_format` of Keras has no counterpart.
    ///
    /// ```
    /// use gradus::{Sequential, layers::*};
    /// let network = Sequential::new([8, 8, 3]).add(DepthwiseConv2d::new(3).depth_multiplier(2));
    /// let model = network.architecture(1)?.into_model()?;
    /// assert_eq!(model.params().count(true), 3 * 3 * 3 * 2 + 6);
    /// # Ok::<(), gradus::Error>(())
    /// ```
    ///
    /// # Errors
    /// `compile` returns [`Error::Setting`](crate::Error::Setting) if a size, stride, dilation rate or the depth multiplier is
    /// 0, and [`Error::Shape`](crate::Error::Shape) if the input is no image, or is smaller than a kernel without padding.
    #[derive(Clone, Debug)]
    #[must_use]
    pub struct DepthwiseConv2d("DepthwiseConv2D") of (kernel_size: Size2d) {
        /// Distance between windows in rows and columns, at least 1. Defaults to 1.
        into strides: Size2d = Size2d::from(1),
        /// Padding of the images with zeros. Defaults to [`Padding::Valid`], none. With [`Padding::Same`] and strides of 1,
        /// the output has the height and width of the input.
        value padding: Padding = Padding::Valid,
        /// Number of kernels, and so of output channels, per input channel, at least 1. Defaults to 1.
        value depth_multiplier: usize = 1,
        /// Distance between the elements of a kernel in rows and columns, at least 1; 2 skips every other pixel. Defaults to
        /// 1.
        into dilation_rate: Size2d = Size2d::from(1),
        /// Activation of the outputs. Defaults to [`Activation::Linear`].
        value activation: Activation = Activation::Linear,
        /// Whether to add a learned bias. Defaults to `true`.
        value use_bias: bool = true,
        /// Initializer of the kernels. Defaults to [`GlorotUniform`].
        part depthwise_initializer: Initializer = GlorotUniform,
        /// Initializer of the bias. Defaults to [`Zeros`].
        part bias_initializer: Initializer = Zeros,
        /// Regularizer of the kernels, whose penalty is added to the loss. Defaults to none.
        optional depthwise_regularizer: Regularizer,
        /// Regularizer of the bias, whose penalty is added to the loss. Defaults to none.
        optional bias_regularizer: Regularizer,
        /// Constraint on the kernels, which is applied after each step. Defaults to none.
        optional depthwise_constraint: Constraint,
        /// Constraint on the bias, which is applied after each step. Defaults to none.
        optional bias_constraint: Constraint,
    }
}

impl DepthwiseConv2d {
    /// Creates the layer for kernels of `kernel_size` rows and columns, at least 1, with the defaults of Keras.
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
        self.padding.check_not_causal("DepthwiseConv2d")?;
        check_setting(height.min(width) > 0, "DepthwiseConv2d", "kernel_size", 0, "at least 1")?;
        check_setting(multiplier > 0, "DepthwiseConv2d", "depth_multiplier", multiplier, "at least 1")?;
        let [x] = inputs else { return Err(Error::expected("one input")) };
        if x.rank() != 3 {
            return Err(Error::expected("images height × width × channels; Reshape adds a missing axis"));
        }
        let (channels, filters) = (x.axis(2), sizes::product(&[x.axis(2), multiplier])?);
        let output = ops::conv2d_output(*x, Shape::new(&[height, width, 1, filters])?, &self.options(channels))?;
        let options = (
            self.depthwise_initializer.as_ref(),
            self.depthwise_regularizer.as_ref(),
            self.depthwise_constraint.as_ref(),
        );
        weights.add_with_options("kernel", Shape::new(&[height, width, channels, multiplier])?, options)?;
        if self.use_bias {
            let options =
                (self.bias_initializer.as_ref(), self.bias_regularizer.as_ref(), self.bias_constraint.as_ref());
            weights.add_with_options("bias", filters, options)?;
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
    use crate::constraints::NonNeg;
    use crate::initializers::Ones;
    use crate::regularizers::{L1, L2};

    pub(crate) fn samples() -> Vec<(Box<dyn Layer>, Shape)> {
        let set = DepthwiseConv2d::new(2).depthwise_initializer(Ones).bias_initializer(Ones);
        let set = set
            .depthwise_regularizer(L2::new(0.1))
            .depthwise_constraint(NonNeg)
            .bias_regularizer(L1::new(0.3))
            .bias_constraint(NonNeg);
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
