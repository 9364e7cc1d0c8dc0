//! DepthwiseConv1d: convolution of each channel of sequences, channels last.

use crate::constraints::Constraint;
use crate::error::{Result, check_setting};
use crate::initializers::{GlorotUniform, Initializer, Zeros};
use crate::layers::sequence_image::{image_shape, to_images, to_sequences};
use crate::layers::{Activation, Cursor, Layer, Weights};
use crate::ops::{self, Conv2dOptions, Padding};
use crate::regularizers::Regularizer;
use crate::settings::{FromSpec, options};
use crate::shape::Shape;
use crate::sizes;
use crate::spec::Spec;
use crate::tape::Var;

options! {
    /// 1D depthwise convolution: each input channel is convolved with `depth_multiplier` separate kernels
    /// (cross-correlation), then a bias is added and an activation applied. `DepthwiseConv1D` in Keras.
    ///
    /// Inputs are sequences steps × channels; outputs are positions × (channels · `depth_multiplier`). Output channel
    /// c · `depth_multiplier` + m is computed from input channel c. Without padding, positions = ⌊(steps − dilation ·
    /// (kernel size − 1) − 1) / stride⌋ + 1; with [`Padding::Same`], positions = ⌈steps / stride⌉.
    ///
    /// Weights are `kernel`, kernel size × channels × `depth_multiplier`, and `bias`, one number per output channel. Sequences
    /// have channels last; `data_format` of Keras has no counterpart.
    ///
    /// ```
    /// use gradus::{Sequential, layers::*};
    /// let network = Sequential::new([8, 3]).add(DepthwiseConv1d::new(3).depth_multiplier(2));
    /// let model = network.architecture(1)?.into_model()?;
    /// assert_eq!(model.params().count(true), 3 * 3 * 2 + 6);
    /// # Ok::<(), gradus::Error>(())
    /// ```
    ///
    /// # Errors
    /// `compile` returns [`Error::Setting`](crate::Error::Setting) if a size, stride, dilation rate or the depth multiplier is
    /// 0, and [`Error::Shape`](crate::Error::Shape) if the input is not a sequence, or is shorter than a kernel without padding.
    #[derive(Clone, Debug)]
    #[must_use]
    pub struct DepthwiseConv1d("DepthwiseConv1D") of (kernel_size: usize) {
        /// Distance between windows in steps, at least 1. Defaults to 1.
        value strides: usize = 1,
        /// Padding of the sequences with zeros. Defaults to [`Padding::Valid`], none. With [`Padding::Same`] and a stride of
        /// 1, the output has the length of the input.
        value padding: Padding = Padding::Valid,
        /// Number of kernels, and so of output channels, per input channel, at least 1. Defaults to 1.
        value depth_multiplier: usize = 1,
        /// Distance between the elements of a kernel in steps, at least 1; 2 skips every other step. Defaults to 1.
        value dilation_rate: usize = 1,
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
        /// Constraint on the kernels after each training step. Defaults to none.
        optional depthwise_constraint: Constraint,
        /// Constraint on the bias after each training step. Defaults to none.
        optional bias_constraint: Constraint,
    }
}

impl DepthwiseConv1d {
    /// Creates the layer for kernels of `kernel_size` steps, at least 1, with the defaults of Keras.
    pub fn new(kernel_size: usize) -> DepthwiseConv1d {
        DepthwiseConv1d::with_defaults(kernel_size)
    }

    fn options(&self, channels: usize) -> Conv2dOptions {
        let options = Conv2dOptions::new().strides((self.strides, 1)).padding(self.padding).groups(channels);
        options.dilation_rate((self.dilation_rate, 1)).activation(self.activation)
    }
}

impl Layer for DepthwiseConv1d {
    fn build(&self, inputs: &[Shape], weights: &mut Weights<'_>) -> Result<Vec<Shape>> {
        let (kernel_size, multiplier) = (self.kernel_size, self.depth_multiplier);
        self.padding.check_not_causal("DepthwiseConv1d")?;
        check_setting(kernel_size > 0, "DepthwiseConv1d", "kernel_size", 0, "at least 1")?;
        check_setting(multiplier > 0, "DepthwiseConv1d", "depth_multiplier", multiplier, "at least 1")?;
        let images = image_shape(inputs, "channels")?;
        let (channels, filters) = (images.last(), sizes::product(&[images.last(), multiplier])?);
        let output = ops::conv2d_output(images, Shape::new(&[kernel_size, 1, 1, filters])?, &self.options(channels))?;
        let options = (
            self.depthwise_initializer.as_ref(),
            self.depthwise_regularizer.as_ref(),
            self.depthwise_constraint.as_ref(),
        );
        weights.add_with_options("kernel", Shape::new(&[kernel_size, channels, multiplier])?, options)?;
        if self.use_bias {
            let options =
                (self.bias_initializer.as_ref(), self.bias_regularizer.as_ref(), self.bias_constraint.as_ref());
            weights.add_with_options("bias", filters, options)?;
        }
        Ok(vec![Shape::from([output.axis(0), filters])])
    }

    fn record<'r>(&self, weights: &mut Cursor<'_, 'r>, inputs: &[Var<'r>]) -> Vec<Var<'r>> {
        let [kernel] = weights.take();
        let bias = self.use_bias.then(|| weights.take::<1>()[0]);
        let channels = inputs[0].shape().last();
        let kernel = kernel.reshape([self.kernel_size, 1, 1, channels * self.depth_multiplier]);
        vec![to_sequences(to_images(inputs[0]).conv2d(kernel, bias, self.options(channels))).without_mask()]
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
        let set = DepthwiseConv1d::new(2).depthwise_initializer(Ones).bias_initializer(Ones);
        let set = set.depthwise_regularizer(L2::new(0.1)).bias_regularizer(L1::new(0.3));
        let set = set.depthwise_constraint(NonNeg).bias_constraint(NonNeg);
        let strided = DepthwiseConv1d::new(3).strides(2).padding(Padding::Same).activation(Activation::Relu);
        let dilated = DepthwiseConv1d::new(2).dilation_rate(2).use_bias(false);
        vec![
            (Box::new(DepthwiseConv1d::new(3)), Shape::from([6, 2])),
            (Box::new(strided.depth_multiplier(2)), Shape::from([5, 3])),
            (Box::new(set), Shape::from([3, 1])),
            (Box::new(dilated), Shape::from([5, 2])),
        ]
    }
}
