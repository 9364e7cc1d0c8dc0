//! Conv2d: kernels slide over images, channels last.

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
    /// Cross-correlation of images height × width × channels with `filters` kernels, plus a bias, through an activation.
    /// Keras' `Conv2D`.
    #[derive(Clone, Debug)]
    #[must_use]
    pub struct Conv2d("Conv2D") of (filters: usize, kernel_size: Size2d) {
        /// Rows and columns from one window to the next, at least 1. Defaults to 1.
        into strides: Size2d = Size2d::from(1),
        /// Whether images are padded with zeros so that their size stays at strides of 1. Defaults to [`Padding::Valid`]:
        /// they are not.
        value padding: Padding = Padding::Valid,
        /// Rows and columns from one element of a kernel to the next, at least 1; 2 skips every other pixel. Defaults to 1.
        into dilation_rate: Size2d = Size2d::from(1),
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
        /// Regularizer of the kernels, whose penalty is added to the loss. By default there is none.
        optional kernel_regularizer: Regularizer,
        /// Regularizer of the bias, whose penalty is added to the loss. By default there is none.
        optional bias_regularizer: Regularizer,
    }
}

impl Conv2d {
    /// Kernels of this many rows and columns with strides of 1, no padding, no activation, a bias of zeros and
    /// Glorot-uniform values, as in Keras.
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
            return Err(Error::expected(format!("channels and filters that can be cut in {groups} equal groups")));
        }
        let kernel = Shape::from([height, width, images.axis(2) / self.groups, self.filters]);
        let output = ops::conv2d_output(*images, kernel, &self.options())?;
        weights.add_regularized(
            "kernel",
            kernel,
            self.kernel_initializer.as_ref(),
            self.kernel_regularizer.as_ref(),
        )?;
        if self.use_bias {
            weights.add_regularized(
                "bias",
                self.filters,
                self.bias_initializer.as_ref(),
                self.bias_regularizer.as_ref(),
            )?;
        }
        Ok(vec![output])
    }

    fn record<'r>(&self, weights: &mut Cursor<'_, 'r>, inputs: &[Var<'r>]) -> Vec<Var<'r>> {
        let [kernel] = weights.take();
        let bias = self.use_bias.then(|| weights.take::<1>()[0]);
        vec![inputs[0].conv2d(kernel, bias, self.options())]
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
        let strided = Conv2d::new(3, 2).strides((2, 1)).padding(Padding::Same).activation(Activation::Relu);
        let kept_small = Conv2d::new(2, 2).kernel_initializer(Ones).bias_initializer(Ones);
        let kept_small = kept_small.kernel_regularizer(L2::new(0.1)).bias_regularizer(L1::new(0.3));
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
