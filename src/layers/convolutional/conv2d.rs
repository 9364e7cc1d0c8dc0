//! Conv2d: convolution of images, channels last.

use crate::constraints::Constraint;
use crate::error::{Error, Result, check_setting};
use crate::initializers::{GlorotUniform, Initializer, Zeros};
use crate::layers::{Activation, Cursor, Layer, Weights};
use crate::ops::{self, Conv2dOptions, Padding};
use crate::regularizers::Regularizer;
use crate::settings::{FromSpec, options};
use crate::shape::Shape;
use crate::size2d::Size2d;
use crate::spec::Spec;
use crate::tape::Var;

options! {
    /// 2D convolution: activation(x ⋆ kernel + bias), where ⋆ is cross-correlation, with `filters` kernels. `Conv2D` in Keras.
    ///
    /// Inputs are images height × width × channels; outputs are rows × columns × `filters`. Without padding,
    /// rows = ⌊(height − dilation · (kernel height − 1) − 1) / stride⌋ + 1; with [`Padding::Same`], rows = ⌈height / stride⌉.
    /// Columns follow from the width in this way.
    ///
    /// Weights are `kernel`, kernel height × kernel width × channels / `groups` × `filters`, and `bias`, `filters`. Images have
    /// channels last; `data_format` of Keras has no counterpart.
    ///
    /// ```
    /// use gradus::{Sequential, Shape, layers::{Conv2d, Padding}};
    /// let network = Sequential::new([28, 28, 1]).add(Conv2d::new(6, 5).strides(2).padding(Padding::Same));
    /// let model = network.architecture(0)?.into_model()?;
    /// assert_eq!(model.output_shapes(), [Shape::from([14, 14, 6])]);
    /// assert_eq!(model.params().count(true), 5 * 5 * 6 + 6);
    /// # Ok::<(), gradus::Error>(())
    /// ```
    ///
    /// # Errors
    /// `compile` returns [`Error::Setting`](crate::Error::Setting) if a size, stride or dilation rate or the number of filters
    /// is 0, and [`Error::Shape`](crate::Error::Shape) if the input is no image, is smaller than a kernel without padding, or
    /// if `groups` does not divide the numbers of channels and filters.
    #[derive(Clone, Debug)]
    #[must_use]
    pub struct Conv2d("Conv2D") of (filters: usize, kernel_size: Size2d) {
        /// Distance between windows in rows and columns, at least 1. Defaults to 1.
        into strides: Size2d = Size2d::from(1),
        /// Padding of the images with zeros. Defaults to [`Padding::Valid`], none. With [`Padding::Same`] and strides of 1, the
        /// output has the height and width of the input.
        value padding: Padding = Padding::Valid,
        /// Distance between the elements of a kernel in rows and columns, at least 1; 2 skips every other pixel. Defaults to
        /// 1.
        into dilation_rate: Size2d = Size2d::from(1),
        /// Number of groups, which divides the numbers of channels and filters. Each group of filters is applied to one group
        /// of channels. Defaults to 1.
        value groups: usize = 1,
        /// Activation of the outputs. Defaults to [`Activation::Linear`].
        value activation: Activation = Activation::Linear,
        /// Whether to add a learned bias. Defaults to `true`.
        value use_bias: bool = true,
        /// Initializer of the kernels. Defaults to [`GlorotUniform`].
        part kernel_initializer: Initializer = GlorotUniform,
        /// Initializer of the bias. Defaults to [`Zeros`].
        part bias_initializer: Initializer = Zeros,
        /// Regularizer of the kernels, whose penalty is added to the loss. Defaults to none.
        optional kernel_regularizer: Regularizer,
        /// Regularizer of the bias, whose penalty is added to the loss. Defaults to none.
        optional bias_regularizer: Regularizer,
        /// Constraint on the kernels, which is applied after each step. Defaults to none.
        optional kernel_constraint: Constraint,
        /// Constraint on the bias, which is applied after each step. Defaults to none.
        optional bias_constraint: Constraint,
    }
}

impl Conv2d {
    /// Creates the layer for `filters` kernels of `kernel_size` rows and columns, both at least 1, with the defaults of Keras.
    pub fn new(filters: usize, kernel_size: impl Into<Size2d>) -> Conv2d {
        Conv2d::with_defaults(filters, kernel_size.into())
    }

    fn options(&self) -> Conv2dOptions {
        let options = Conv2dOptions::new().strides(self.strides).padding(self.padding).groups(self.groups);
        options.dilation_rate(self.dilation_rate).activation(self.activation)
    }
}

impl Layer for Conv2d {
    fn build(&self, inputs: &[Shape], weights: &mut Weights<'_>) -> Result<Vec<Shape>> {
        let [height, width] = self.kernel_size.sizes();
        self.padding.check_not_causal("Conv2d")?;
        check_setting(self.filters > 0, "Conv2d", "filters", self.filters, "at least 1")?;
        check_setting(height.min(width) > 0, "Conv2d", "kernel_size", 0, "at least 1")?;
        let [images] = inputs else { return Err(Error::expected("one input")) };
        if images.rank() != 3 {
            return Err(Error::expected("images height × width × channels; Reshape adds a missing axis"));
        }
        let whole =
            self.groups > 0 && [images.axis(2), self.filters].iter().all(|size| size.is_multiple_of(self.groups));
        if !whole {
            let groups = self.groups;
            return Err(Error::expected(format!(
                "numbers of channels and filters that are multiples of groups = {groups}"
            )));
        }
        let kernel = Shape::from([height, width, images.axis(2) / self.groups, self.filters]);
        let output = ops::conv2d_output(*images, kernel, &self.options())?;
        let options =
            (self.kernel_initializer.as_ref(), self.kernel_regularizer.as_ref(), self.kernel_constraint.as_ref());
        weights.add_with_options("kernel", kernel, options)?;
        if self.use_bias {
            let options =
                (self.bias_initializer.as_ref(), self.bias_regularizer.as_ref(), self.bias_constraint.as_ref());
            weights.add_with_options("bias", self.filters, options)?;
        }
        Ok(vec![output])
    }

    fn record<'r>(&self, weights: &mut Cursor<'_, 'r>, inputs: &[Var<'r>]) -> Vec<Var<'r>> {
        let [kernel] = weights.take();
        let bias = self.use_bias.then(|| weights.take::<1>()[0]);
        vec![inputs[0].conv2d(kernel, bias, self.options()).without_mask()]
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
    use crate::constraints::{NonNeg, UnitNorm};
    use crate::initializers::Ones;
    use crate::regularizers::{L1, L2};

    pub(crate) fn samples() -> Vec<(Box<dyn Layer>, Shape)> {
        let strided = Conv2d::new(3, 2).strides((2, 1)).padding(Padding::Same).activation(Activation::Relu);
        let kept_small = Conv2d::new(2, 2).kernel_initializer(Ones).bias_initializer(Ones);
        let kept_small = kept_small
            .kernel_regularizer(L2::new(0.1))
            .kernel_constraint(UnitNorm::new())
            .bias_regularizer(L1::new(0.3))
            .bias_constraint(NonNeg);
        vec![
            (Box::new(Conv2d::new(4, 3)), Shape::from([6, 5, 2])),
            (Box::new(strided), Shape::from([5, 4, 1])),
            (Box::new(kept_small), Shape::from([3, 3, 1])),
            (Box::new(Conv2d::new(4, 2).dilation_rate((2, 1)).activation(Activation::Gelu)), Shape::from([5, 4, 2])),
            (Box::new(Conv2d::new(4, 3).groups(2).padding(Padding::Same)), Shape::from([3, 3, 6])),
            (Box::new(Conv2d::new(2, (1, 3)).use_bias(false)), Shape::from([2, 4, 3])),
        ]
    }
}
