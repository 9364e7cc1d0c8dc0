//! SeparableConv2d: depthwise separable convolution, channels last.

use crate::constraints::Constraint;
use crate::error::{Error, Result};
use crate::initializers::{GlorotUniform, Initializer, Zeros};
use crate::layers::separable_weights::Separable;
use crate::layers::{Activation, Cursor, Layer, Weights};
use crate::ops::{Conv2dOptions, Padding};
use crate::regularizers::Regularizer;
use crate::settings::{FromSpec, options};
use crate::shape::Shape;
use crate::size2d::Size2d;
use crate::spec::Spec;
use crate::tape::Var;

options! {
    /// Depthwise separable 2D convolution: a depthwise convolution of each channel, then a pointwise convolution that mixes
    /// the channels of each pixel, with a bias and an activation. `SeparableConv2D` in Keras.
    ///
    /// Inputs are images height × width × channels; outputs are rows × columns × `filters`. Without padding,
    /// rows = ⌊(height − dilation · (kernel height − 1) − 1) / stride⌋ + 1; with [`Padding::Same`], rows = ⌈height / stride⌉.
    /// Columns follow from the width in this way.
    ///
    /// Weights are `depthwise_kernel`, kernel height × kernel width × channels × `depth_multiplier`, `pointwise_kernel`,
    /// 1 × 1 × (channels · `depth_multiplier`) × `filters`, and `bias`, `filters`. Images have channels last; `data_format`
    /// of Keras has no counterpart.
    ///
    /// ```
    /// use gradus::{Sequential, layers::*};
    /// let network = Sequential::new([8, 8, 3]).add(SeparableConv2d::new(4, 3).use_bias(false));
    /// let model = network.architecture(1)?.into_model()?;
    /// assert_eq!(model.params().count(true), 3 * 3 * 3 + 3 * 4);
    /// # Ok::<(), gradus::Error>(())
    /// ```
    ///
    /// # Errors
    /// `compile` returns [`Error::Setting`](crate::Error::Setting) if a size, stride, dilation rate, the depth multiplier or
    /// the number of filters is 0, and [`Error::Shape`](crate::Error::Shape) if the input is no image, or is smaller than a
    /// kernel without padding.
    #[derive(Clone, Debug)]
    #[must_use]
    pub struct SeparableConv2d("SeparableConv2D") of (filters: usize, kernel_size: Size2d) {
        /// Distance between windows in rows and columns, at least 1. Defaults to 1.
        into strides: Size2d = Size2d::from(1),
        /// Padding of the images with zeros. Defaults to [`Padding::Valid`], none. With [`Padding::Same`] and strides of 1,
        /// the output has the height and width of the input.
        value padding: Padding = Padding::Valid,
        /// Distance between the elements of a kernel in rows and columns, at least 1; 2 skips every other pixel. Defaults to
        /// 1.
        into dilation_rate: Size2d = Size2d::from(1),
        /// Number of depthwise kernels per input channel, at least 1. Defaults to 1.
        value depth_multiplier: usize = 1,
        /// Activation of the outputs. Defaults to [`Activation::Linear`].
        value activation: Activation = Activation::Linear,
        /// Whether to add a learned bias. Defaults to `true`.
        value use_bias: bool = true,
        /// Initializer of the depthwise kernels. Defaults to [`GlorotUniform`].
        part depthwise_initializer: Initializer = GlorotUniform,
        /// Initializer of the pointwise kernels. Defaults to [`GlorotUniform`].
        part pointwise_initializer: Initializer = GlorotUniform,
        /// Initializer of the bias. Defaults to [`Zeros`].
        part bias_initializer: Initializer = Zeros,
        /// Regularizer of the depthwise kernels, whose penalty is added to the loss. Defaults to none.
        optional depthwise_regularizer: Regularizer,
        /// Regularizer of the pointwise kernels, whose penalty is added to the loss. Defaults to none.
        optional pointwise_regularizer: Regularizer,
        /// Regularizer of the bias, whose penalty is added to the loss. Defaults to none.
        optional bias_regularizer: Regularizer,
        /// Constraint on the depthwise kernels, which is applied after each step. Defaults to none.
        optional depthwise_constraint: Constraint,
        /// Constraint on the pointwise kernels, which is applied after each step. Defaults to none.
        optional pointwise_constraint: Constraint,
        /// Constraint on the bias, which is applied after each step. Defaults to none.
        optional bias_constraint: Constraint,
    }
}

impl SeparableConv2d {
    /// Creates the layer for `filters` output channels and depthwise kernels of `kernel_size` rows and columns, both at
    /// least 1, with the defaults of Keras.
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
        let [images] = *inputs else { return Err(Error::expected("one input")) };
        if images.rank() != 3 {
            return Err(Error::expected("images height × width × channels; Reshape adds a missing axis"));
        }
        let parts = Separable {
            owner: "SeparableConv2d",
            filters: self.filters,
            kernel_size: self.kernel_size.sizes(),
            padding: self.padding,
            depth_multiplier: self.depth_multiplier,
            depthwise: (
                self.depthwise_initializer.as_ref(),
                self.depthwise_regularizer.as_ref(),
                self.depthwise_constraint.as_ref(),
            ),
            pointwise: (
                self.pointwise_initializer.as_ref(),
                self.pointwise_regularizer.as_ref(),
                self.pointwise_constraint.as_ref(),
            ),
            bias: self.use_bias.then(|| {
                (self.bias_initializer.as_ref(), self.bias_regularizer.as_ref(), self.bias_constraint.as_ref())
            }),
        };
        let [rows, columns] = parts.declare(images, 2, &self.depthwise(images.last()), weights)?;
        Ok(vec![Shape::from([rows, columns, self.filters])])
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
    use crate::constraints::NonNeg;
    use crate::initializers::Ones;
    use crate::regularizers::{L1, L2};

    pub(crate) fn samples() -> Vec<(Box<dyn Layer>, Shape)> {
        let set =
            SeparableConv2d::new(2, 2).depthwise_initializer(Ones).pointwise_initializer(Ones).bias_initializer(Ones);
        let set = set
            .depthwise_regularizer(L2::new(0.1))
            .depthwise_constraint(NonNeg)
            .pointwise_regularizer(L1::new(0.2))
            .pointwise_constraint(NonNeg);
        let strided = SeparableConv2d::new(4, 3).strides(2).padding(Padding::Same).activation(Activation::Relu);
        let dilated = SeparableConv2d::new(3, 2).dilation_rate(2).use_bias(false);
        vec![
            (Box::new(dilated), Shape::from([6, 5, 2])),
            (Box::new(strided.depth_multiplier(2)), Shape::from([5, 4, 3])),
            (Box::new(set.bias_regularizer(L1::new(0.3)).bias_constraint(NonNeg)), Shape::from([3, 3, 1])),
        ]
    }
}
