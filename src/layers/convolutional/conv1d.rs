//! Conv1d: kernels slide over sequences, channels last.

use crate::error::{Error, Result, check_setting};
use crate::initializers::{GlorotUniform, Initializer, Zeros};
use crate::layers::{Activation, Cursor, Layer, Weights};
use crate::ops::{self, Conv2dOptions, Padding};
use crate::regularizers::Regularizer;
use crate::settings::{FromSpec, options};
use crate::shape::Shape;
use crate::spec::Spec;
use crate::tape::Var;

options! {
    /// Cross-correlation of sequences steps × channels with `filters` kernels, plus a bias, through an activation. Keras'
    /// `Conv1D`.
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
    #[derive(Clone, Debug)]
    #[must_use]
    pub struct Conv1d("Conv1D") of (filters: usize, kernel_size: usize) {
        /// Steps from one window to the next, at least 1. Defaults to 1.
        value strides: usize = 1,
        /// Whether sequences are padded with zeros so that their length stays at strides of 1. Defaults to
        /// [`Padding::Valid`]: they are not.
        value padding: Padding = Padding::Valid,
        /// Steps from one element of a kernel to the next, at least 1. Defaults to 1.
        value dilation_rate: usize = 1,
        /// Number of groups into which channels and filters are divided; each group of filters sees only its group of
        /// channels. It divides both numbers. Defaults to 1.
        value groups: usize = 1,
        /// Activation of the outputs. Defaults to [`Activation::Linear`].
        value activation: Activation = Activation::Linear,
        /// Whether a learned bias is added. Defaults to `true`.
        value use_bias: bool = true,
        /// Initializer of the kernels. Defaults to [`GlorotUniform`].
        part kernel_initializer: Initializer = GlorotUniform,
        /// Initializer of the bias. Defaults to [`Zeros`].
        part bias_initializer: Initializer = Zeros,
        /// Regularizer of the kernels, whose penalty is added to the loss. Defaults to none.
        optional kernel_regularizer: Regularizer,
        /// Regularizer of the bias, whose penalty is added to the loss. Defaults to none.
        optional bias_regularizer: Regularizer,
    }
}

impl Conv1d {
    /// Kernels of this many steps with strides of 1, no padding, no activation, a bias of zeros and Glorot-uniform values, as
    /// in Keras.
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
        let [x] = inputs else { return Err(Error::expected("one input")) };
        if x.rank() != 2 {
            return Err(Error::expected("sequences steps × channels"));
        }
        let (channels, groups) = (x.axis(1), self.groups);
        if groups == 0 || ![channels, self.filters].iter().all(|size| size.is_multiple_of(groups)) {
            return Err(Error::expected(format!(
                "channels and filters that can be divided into {groups} equal groups"
            )));
        }
        let (kernel, images) = ([self.kernel_size, channels / groups, self.filters], [x.axis(0), 1, channels]);
        let output = ops::conv2d_output(images.into(), [kernel[0], 1, kernel[1], kernel[2]].into(), &self.options())?;
        let (initializer, regularizer) = (self.kernel_initializer.as_ref(), self.kernel_regularizer.as_ref());
        weights.add_regularized("kernel", kernel, initializer, regularizer)?;
        if self.use_bias {
            let (initializer, regularizer) = (self.bias_initializer.as_ref(), self.bias_regularizer.as_ref());
            weights.add_regularized("bias", self.filters, initializer, regularizer)?;
        }
        Ok(vec![Shape::from([output.axis(0), self.filters])])
    }

    fn record<'r>(&self, weights: &mut Cursor<'_, 'r>, inputs: &[Var<'r>]) -> Vec<Var<'r>> {
        let [kernel] = weights.take();
        let bias = self.use_bias.then(|| weights.take::<1>()[0]);
        let [rows, steps, channels] = [0, 1, 2].map(|axis| inputs[0].shape().axis(axis));
        let kernel = kernel.reshape([self.kernel_size, 1, channels / self.groups, self.filters]);
        let y = inputs[0].reshape([rows, steps, 1, channels]).conv2d(kernel, bias, self.options());
        vec![y.reshape([rows, y.shape().axis(1), self.filters]).without_mask()]
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
        let set = Conv1d::new(2, 2).kernel_initializer(Ones).bias_initializer(Ones);
        let set = set.kernel_regularizer(L2::new(0.1)).bias_regularizer(L1::new(0.3));
        let strided = Conv1d::new(4, 3).strides(2).padding(Padding::Same).groups(2).activation(Activation::Relu);
        vec![
            (Box::new(Conv1d::new(4, 3)), Shape::from([6, 2])),
            (Box::new(strided), Shape::from([5, 4])),
            (Box::new(set), Shape::from([3, 1])),
            (Box::new(Conv1d::new(3, 2).dilation_rate(2).use_bias(false)), Shape::from([5, 2])),
        ]
    }
}
