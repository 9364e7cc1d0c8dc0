//! Conv1d: convolution of sequences, channels last.

use crate::constraints::Constraint;
use crate::error::{Error, Result, check_setting};
use crate::initializers::{GlorotUniform, Initializer, Zeros};
use crate::layers::sequence_image::{check_steps, image_shape, to_images, to_sequences};
use crate::layers::{Activation, Cursor, Layer, Weights};
use crate::ops::{self, Conv2dOptions, Padding};
use crate::regularizers::Regularizer;
use crate::settings::{FromSpec, options};
use crate::shape::Shape;
use crate::spec::Spec;
use crate::tape::Var;

options! {
    /// 1D convolution: activation(x ⋆ kernel + bias), where ⋆ is cross-correlation, with `filters` kernels. `Conv1D` in Keras.
    ///
    /// Inputs are sequences steps × channels; outputs are positions × `filters`. Without padding,
    /// positions = ⌊(steps − dilation · (kernel size − 1) − 1) / stride⌋ + 1; with [`Padding::Same`] and
    /// [`Padding::Causal`], positions = ⌈steps / stride⌉.
    ///
    /// Weights are `kernel`, kernel size × channels / `groups` × `filters`, and `bias`, `filters`. Sequences have channels
    /// last; `data_format` of Keras has no counterpart.
    ///
    /// ```
    /// use gradus::{Sequential, initializers::Ones, layers::*};
    /// use ndarray::arr3;
    /// let sums = Conv1d::new(1, 2).kernel_initializer(Ones);
    /// let model = Sequential::new([3, 1]).add(sums).architecture(1)?.into_model()?;
    /// let y = model.predict(&arr3(&[[[1.0f32], [2.0], [3.0]]]))?;
    /// assert_eq!(y, arr3(&[[[3.0f32], [5.0]]]).into_dyn());
    /// # Ok::<(), gradus::Error>(())
    /// ```
    ///
    /// # Errors
    /// `compile` returns [`Error::Setting`](crate::Error::Setting) if the kernel size, stride, dilation rate or number of
    /// filters is 0, and [`Error::Shape`](crate::Error::Shape) if the input is not a sequence, is shorter than a kernel
    /// without padding, or if `groups` does not divide the numbers of channels and filters.
    #[derive(Clone, Debug)]
    #[must_use]
    pub struct Conv1d("Conv1D") of (filters: usize, kernel_size: usize) {
        /// Distance between windows in steps, at least 1. Defaults to 1.
        value strides: usize = 1,
        /// Padding of the sequences with zeros. Defaults to [`Padding::Valid`], none. With [`Padding::Same`] and a stride of
        /// 1, the output has the length of the input.
        value padding: Padding = Padding::Valid,
        /// Distance between the elements of a kernel in steps, at least 1; 2 skips every other step. Defaults to 1.
        value dilation_rate: usize = 1,
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

impl Conv1d {
    /// Creates the layer for `filters` kernels of `kernel_size` steps, both at least 1, with the defaults of Keras.
    pub fn new(filters: usize, kernel_size: usize) -> Conv1d {
        Conv1d::with_defaults(filters, kernel_size)
    }

    fn options(&self) -> Conv2dOptions {
        let options = Conv2dOptions::new().strides((self.strides, 1)).padding(self.padding).groups(self.groups);
        options.dilation_rate((self.dilation_rate, 1)).activation(self.activation)
    }
}

impl Layer for Conv1d {
    fn build(&self, inputs: &[Shape], weights: &mut Weights<'_>) -> Result<Vec<Shape>> {
        check_setting(self.filters > 0, "Conv1d", "filters", self.filters, "at least 1")?;
        check_setting(self.kernel_size > 0, "Conv1d", "kernel_size", self.kernel_size, "at least 1")?;
        let images = image_shape(inputs, "channels")?;
        check_steps(images, (self.kernel_size - 1).saturating_mul(self.dilation_rate).saturating_add(1), self.padding)?;
        let (channels, groups) = (images.last(), self.groups);
        if groups == 0 || ![channels, self.filters].iter().all(|size| size.is_multiple_of(groups)) {
            return Err(Error::expected(format!(
                "numbers of channels and filters that are multiples of groups = {groups}"
            )));
        }
        let kernel = [self.kernel_size, channels / groups, self.filters];
        let output = ops::conv2d_output(images, [kernel[0], 1, kernel[1], kernel[2]].into(), &self.options())?;
        let options =
            (self.kernel_initializer.as_ref(), self.kernel_regularizer.as_ref(), self.kernel_constraint.as_ref());
        weights.add_with_options("kernel", kernel, options)?;
        if self.use_bias {
            let options =
                (self.bias_initializer.as_ref(), self.bias_regularizer.as_ref(), self.bias_constraint.as_ref());
            weights.add_with_options("bias", self.filters, options)?;
        }
        Ok(vec![Shape::from([output.axis(0), self.filters])])
    }

    fn record<'r>(&self, weights: &mut Cursor<'_, 'r>, inputs: &[Var<'r>]) -> Vec<Var<'r>> {
        let [kernel] = weights.take();
        let bias = self.use_bias.then(|| weights.take::<1>()[0]);
        let channels = inputs[0].shape().last();
        let kernel = kernel.reshape([self.kernel_size, 1, channels / self.groups, self.filters]);
        vec![to_sequences(to_images(inputs[0]).conv2d(kernel, bias, self.options())).without_mask()]
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
        let set = Conv1d::new(2, 2).kernel_initializer(Ones).bias_initializer(Ones);
        let set = set
            .kernel_regularizer(L2::new(0.1))
            .kernel_constraint(UnitNorm::new())
            .bias_regularizer(L1::new(0.3))
            .bias_constraint(NonNeg);
        let strided = Conv1d::new(4, 3).strides(2).padding(Padding::Same).groups(2).activation(Activation::Relu);
        vec![
            (Box::new(Conv1d::new(4, 3)), Shape::from([6, 2])),
            (Box::new(strided), Shape::from([5, 4])),
            (Box::new(set), Shape::from([3, 1])),
            (Box::new(Conv1d::new(2, 3).padding(Padding::Causal).dilation_rate(2)), Shape::from([3, 2])),
            (Box::new(Conv1d::new(3, 2).dilation_rate(2).use_bias(false)), Shape::from([5, 2])),
        ]
    }
}
