//! Conv2d: kernels slide over images, channels last.

use super::{Activation, Cursor, Layer, Weights};
use crate::error::{Error, Result, check_setting};
use crate::initializers::{self, GlorotUniform, Initializer, Zeros};
use crate::ops::{self, Conv2dOptions, Padding};
use crate::regularizers::{self, Regularizer};
use crate::settings::{FromSpec, Settings};
use crate::shape::Shape;
use crate::size2d::Size2d;
use crate::spec::Spec;
use crate::tape::Var;
use std::sync::Arc;

/// Cross-correlation of images height × width × channels with `filters` kernels, plus a bias, through an activation.
/// Keras' `Conv2D`.
#[derive(Clone, Debug)]
#[must_use]
pub struct Conv2d {
    filters: usize,
    kernel_size: [usize; 2],
    strides: [usize; 2],
    padding: Padding,
    dilation_rate: [usize; 2],
    groups: usize,
    activation: Activation,
    use_bias: bool,
    kernel_initializer: Arc<dyn Initializer>,
    bias_initializer: Arc<dyn Initializer>,
    kernel_regularizer: Option<Arc<dyn Regularizer>>,
    bias_regularizer: Option<Arc<dyn Regularizer>>,
}

impl Conv2d {
    /// Kernels of this many rows and columns with strides of 1, no padding, no activation, a bias of zeros and
    /// Glorot-uniform values, as in Keras.
    pub fn new(filters: usize, kernel_size: impl Into<Size2d>) -> Conv2d {
        Conv2d {
            filters,
            kernel_size: kernel_size.into().sizes(),
            strides: [1, 1],
            padding: Padding::Valid,
            dilation_rate: [1, 1],
            groups: 1,
            activation: Activation::Linear,
            use_bias: true,
            kernel_initializer: Arc::new(GlorotUniform),
            bias_initializer: Arc::new(Zeros),
            kernel_regularizer: None,
            bias_regularizer: None,
        }
    }

    /// Rows and columns between windows.
    pub fn strides(mut self, strides: impl Into<Size2d>) -> Conv2d {
        self.strides = strides.into().sizes();
        self
    }

    /// What lies beyond the images' border.
    pub fn padding(mut self, padding: Padding) -> Conv2d {
        self.padding = padding;
        self
    }

    /// Rows and columns from one tap of a kernel to the next: with 2, every other pixel is left out.
    pub fn dilation_rate(mut self, dilation_rate: impl Into<Size2d>) -> Conv2d {
        self.dilation_rate = dilation_rate.into().sizes();
        self
    }

    /// In how many groups channels and filters are cut; each group of filters sees its group of channels.
    pub fn groups(mut self, groups: usize) -> Conv2d {
        self.groups = groups;
        self
    }

    /// What is done to each sum.
    pub fn activation(mut self, activation: Activation) -> Conv2d {
        self.activation = activation;
        self
    }

    /// Whether a bias is added.
    pub fn use_bias(mut self, use_bias: bool) -> Conv2d {
        self.use_bias = use_bias;
        self
    }

    /// The kernels' first values.
    pub fn kernel_initializer(mut self, initializer: impl Initializer + 'static) -> Conv2d {
        self.kernel_initializer = Arc::new(initializer);
        self
    }

    /// The bias's first values.
    pub fn bias_initializer(mut self, initializer: impl Initializer + 'static) -> Conv2d {
        self.bias_initializer = Arc::new(initializer);
        self
    }

    /// What the kernels add to the loss.
    pub fn kernel_regularizer(mut self, regularizer: impl Regularizer + 'static) -> Conv2d {
        self.kernel_regularizer = Some(Arc::new(regularizer));
        self
    }

    /// What the bias adds to the loss.
    pub fn bias_regularizer(mut self, regularizer: impl Regularizer + 'static) -> Conv2d {
        self.bias_regularizer = Some(Arc::new(regularizer));
        self
    }

    fn options(&self) -> Conv2dOptions {
        let options = Conv2dOptions::new().strides(self.strides).padding(self.padding).groups(self.groups);
        options.dilation_rate(self.dilation_rate).activation(self.activation)
    }
}

impl Layer for Conv2d {
    fn build(&self, inputs: &[Shape], weights: &mut Weights<'_>) -> Result<Vec<Shape>> {
        let [height, width] = self.kernel_size;
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
        let spec = Spec::new(Self::CLASS).with("filters", self.filters).with("kernel_size", &self.kernel_size[..]);
        let spec = spec.with("strides", &self.strides[..]).with("padding", self.padding.name());
        let spec = spec.with("dilation_rate", &self.dilation_rate[..]).with("groups", self.groups);
        let spec = spec.with("activation", self.activation.name()).with("use_bias", self.use_bias);
        let spec = spec.with("kernel_initializer", self.kernel_initializer.spec());
        let spec = spec.with("bias_initializer", self.bias_initializer.spec());
        let spec = regularizers::write(spec, "kernel_regularizer", self.kernel_regularizer.as_ref());
        regularizers::write(spec, "bias_regularizer", self.bias_regularizer.as_ref())
    }
}

impl FromSpec for Conv2d {
    const CLASS: &'static str = "Conv2D";

    fn from_spec(settings: &mut Settings<'_>) -> Result<Conv2d> {
        Ok(Conv2d {
            filters: settings.size("filters")?,
            kernel_size: settings.pair("kernel_size")?,
            strides: settings.pair("strides")?,
            padding: Padding::read(settings, "padding")?,
            dilation_rate: settings.or("dilation_rate", [1, 1], Settings::pair)?,
            groups: settings.or("groups", 1, Settings::size)?,
            activation: Activation::read(settings)?,
            use_bias: settings.flag("use_bias")?,
            kernel_initializer: initializers::read(settings, "kernel_initializer")?,
            bias_initializer: initializers::read(settings, "bias_initializer")?,
            kernel_regularizer: regularizers::read(settings, "kernel_regularizer")?,
            bias_regularizer: regularizers::read(settings, "bias_regularizer")?,
        })
    }
}

#[cfg(test)]
pub(super) mod tests {
    use super::*;
    use crate::regularizers::{L1, L2};

    pub(crate) fn samples() -> Vec<(Box<dyn Layer>, Shape)> {
        let strided = Conv2d::new(3, 2).strides((2, 1)).padding(Padding::Same).activation(Activation::Relu);
        let kept_small = Conv2d::new(2, 2).kernel_regularizer(L2::new(0.1)).bias_regularizer(L1::new(0.3));
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
