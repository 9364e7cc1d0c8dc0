//! Conv3d: convolution of volumes, channels last.
//!
//! The planes of each window along the depth become groups of channels, so that the convolution is one of images with kernels of
//! (kernel depth · channels) channels.

use crate::constraints::Constraint;
use crate::error::{Error, Result, check_setting};
use crate::initializers::{GlorotUniform, Initializer, Zeros};
use crate::layers::{Activation, Cursor, Layer, Weights, volumes};
use crate::ops::{self, Conv2dOptions, Padding};
use crate::regularizers::Regularizer;
use crate::settings::{FromSpec, options};
use crate::shape::Shape;
use crate::size3d::Size3d;
use crate::sizes::{self, check_steps};
use crate::spec::Spec;
use crate::tape::Var;

options! {
    /// 3D convolution: activation(x ⋆ kernel + bias), where ⋆ is cross-correlation, with `filters` kernels. `Conv3D` in Keras.
    ///
    /// Inputs are volumes depth × height × width × channels; outputs are planes × rows × columns × `filters`. Without padding,
    /// an axis of n elements has ⌊(n − dilation · (kernel size − 1) − 1) / stride⌋ + 1 elements in the output; with
    /// [`Padding::Same`], it has ⌈n / stride⌉.
    ///
    /// Weights are `kernel`, kernel depth × kernel height × kernel width × channels / `groups` × `filters`, and `bias`, `filters`.
    /// Volumes have channels last; `data_format` of Keras has no counterpart.
    ///
    /// ```
    /// use gradus::{Sequential, Shape, layers::{Conv3d, Padding}};
    /// let network = Sequential::new([8, 16, 16, 1]).add(Conv3d::new(6, 3).strides((1, 2, 2)).padding(Padding::Same));
    /// let model = network.architecture(0)?.into_model()?;
    /// assert_eq!(model.output_shapes(), [Shape::from([8, 8, 8, 6])]);
    /// assert_eq!(model.params().count(true), 3 * 3 * 3 * 6 + 6);
    /// # Ok::<(), gradus::Error>(())
    /// ```
    ///
    /// # Errors
    /// `compile` returns [`Error::Setting`](crate::Error::Setting) if a size, stride or dilation rate or the number of filters
    /// is 0, and [`Error::Shape`](crate::Error::Shape) if the input is no volume, is smaller than a kernel without padding, or
    /// if `groups` does not divide the numbers of channels and filters.
    #[derive(Clone, Debug)]
    #[must_use]
    pub struct Conv3d("Conv3D") of (filters: usize, kernel_size: Size3d) {
        /// Distance between windows along depth, rows and columns, at least 1. Defaults to 1.
        into strides: Size3d = Size3d::from(1),
        /// Padding of the volumes with zeros. Defaults to [`Padding::Valid`], none.
        value padding: Padding = Padding::Valid,
        /// Distance between the elements of a kernel along depth, rows and columns, at least 1. Defaults to 1.
        into dilation_rate: Size3d = Size3d::from(1),
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

/// The largest number of planes in all windows along the depth.
const MAX_PLANES: usize = 1 << 20;

impl Conv3d {
    /// Creates the layer for `filters` kernels of `kernel_size` along depth, rows and columns, all at least 1, with the defaults
    /// of Keras.
    pub fn new(filters: usize, kernel_size: impl Into<Size3d>) -> Conv3d {
        Conv3d::with_defaults(filters, kernel_size.into())
    }

    /// Records the convolution of volumes, rows × depth × height × width × channels, with values of the weights: a kernel of the
    /// shape of the weight `kernel`, and a bias.
    pub fn convolve<'r>(&self, x: Var<'r>, kernel: Var<'r>, bias: Option<Var<'r>>) -> Var<'r> {
        let windows = match self.windows(x.shape().axis(1)) {
            Ok(windows) => windows,
            Err(error) => return x.recorder().alias(x, "conv3d", Err(error)),
        };
        let [planes, rows, columns, channels, filters] = [0, 1, 2, 3, 4].map(|axis| kernel.shape().axis(axis));
        let kernel =
            kernel.transpose(&[1, 2, 0, 3, 4]).reshape([rows, columns, planes.saturating_mul(channels), filters]);
        let y = self.gathered(x, windows).conv2d(kernel, bias, self.options());
        volumes::volumes(y, x.shape().axis(0))
    }

    /// The options of the convolution of planes.
    fn options(&self) -> Conv2dOptions {
        let [[_, strides @ ..], [_, dilation @ ..]] = [self.strides, self.dilation_rate].map(Size3d::sizes);
        let options = Conv2dOptions::new().strides(strides).padding(self.padding).groups(self.groups);
        options.dilation_rate(dilation).activation(self.activation)
    }

    /// The number of windows along a depth, and the number of planes before the first.
    fn windows(&self, depth: usize) -> Result<[usize; 2]> {
        let [[kernel, ..], [stride, ..], [dilation, ..]] =
            [self.kernel_size, self.strides, self.dilation_rate].map(Size3d::sizes);
        let reach = sizes::sum(&[sizes::product(&[kernel - 1, dilation])?, 1])?;
        let found = ops::window_size(depth, reach, stride, self.padding)?;
        let expected = || Error::expected(format!("volumes of a depth of at least {reach}"));
        found.map(|(windows, before)| [windows, before]).ok_or_else(expected)
    }

    /// The planes of each window as groups of channels: (rows · windows) × height × width × (kernel depth · channels). Within
    /// each group of channels, the planes follow each other.
    fn gathered<'r>(&self, x: Var<'r>, [windows, before]: [usize; 2]) -> Var<'r> {
        let [rows, depth, height, width, channels] = [0, 1, 2, 3, 4].map(|axis| x.shape().axis(axis));
        let [[kernel, ..], [stride, ..], [dilation, ..]] =
            [self.kernel_size, self.strides, self.dilation_rate].map(Size3d::sizes);
        let plane = |at: usize| {
            let from = (at / kernel * stride + at % kernel * dilation).checked_sub(before);
            from.filter(|from| *from < depth).map(|from| (from, 1.0)).into_iter().collect()
        };
        let (pixels, images) = (height.saturating_mul(width), rows.saturating_mul(windows));
        let lines = x.reshape([rows, depth, pixels, channels]);
        let gathered = lines.resample(1, (0..windows * kernel).map(plane).collect());
        let gathered = gathered.reshape([images, kernel, pixels, self.groups, channels / self.groups]);
        let gathered = gathered.transpose(&[0, 2, 3, 1, 4]);
        gathered.reshape([images, height, width, kernel.saturating_mul(channels)])
    }
}

impl Layer for Conv3d {
    fn build(&self, inputs: &[Shape], weights: &mut Weights<'_>) -> Result<Vec<Shape>> {
        self.padding.check_not_causal("Conv3d")?;
        check_setting(self.filters > 0, "Conv3d", "filters", self.filters, "at least 1")?;
        check_setting(!self.kernel_size.sizes().contains(&0), "Conv3d", "kernel_size", 0, "at least 1")?;
        check_steps("Conv3d", "strides", &self.strides.sizes())?;
        check_steps("Conv3d", "dilation_rate", &self.dilation_rate.sizes())?;
        let [depth, height, width, channels] = volumes::check(inputs)?;
        let whole = self.groups > 0 && [channels, self.filters].iter().all(|size| size.is_multiple_of(self.groups));
        if !whole {
            let groups = self.groups;
            return Err(Error::expected(format!(
                "numbers of channels and filters that are multiples of groups = {groups}"
            )));
        }
        let [planes, rows, columns] = self.kernel_size.sizes();
        let [windows, _] = self.windows(depth)?;
        if windows.saturating_mul(planes) >= MAX_PLANES {
            return Err(Error::expected("volumes with fewer than 2²⁰ planes in all windows together"));
        }
        let merged = sizes::product(&[planes, channels])?;
        let image = Shape::new(&[height, width, merged])?;
        let flat = Shape::new(&[rows, columns, merged / self.groups, self.filters])?;
        let output = ops::conv2d_output(image, flat, &self.options())?;
        let kernel = Shape::new(&[planes, rows, columns, channels / self.groups, self.filters])?;
        let options =
            (self.kernel_initializer.as_ref(), self.kernel_regularizer.as_ref(), self.kernel_constraint.as_ref());
        weights.add_with_options("kernel", kernel, options)?;
        if self.use_bias {
            let options =
                (self.bias_initializer.as_ref(), self.bias_regularizer.as_ref(), self.bias_constraint.as_ref());
            weights.add_with_options("bias", self.filters, options)?;
        }
        Ok(vec![Shape::new(&[windows, output.axis(0), output.axis(1), self.filters])?])
    }

    fn record<'r>(&self, weights: &mut Cursor<'_, 'r>, inputs: &[Var<'r>]) -> Vec<Var<'r>> {
        let [kernel] = weights.take();
        let bias = self.use_bias.then(|| weights.take::<1>()[0]);
        vec![self.convolve(inputs[0], kernel, bias).without_mask()]
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
        let strided = Conv3d::new(3, 2).strides((2, 1, 2)).padding(Padding::Same).activation(Activation::Tanh);
        let set = Conv3d::new(2, (1, 2, 2)).kernel_initializer(Ones).bias_initializer(Ones);
        let set = set.kernel_regularizer(L2::new(0.1)).bias_regularizer(L1::new(0.3));
        let set = set.kernel_constraint(UnitNorm::new()).bias_constraint(NonNeg);
        vec![
            (Box::new(Conv3d::new(3, 2)), Shape::from([3, 4, 3, 2])),
            (Box::new(strided), Shape::from([3, 2, 3, 1])),
            (Box::new(set), Shape::from([2, 3, 2, 1])),
            (Box::new(Conv3d::new(2, 2).dilation_rate((2, 1, 1)).use_bias(false)), Shape::from([3, 2, 2, 2])),
            (Box::new(Conv3d::new(4, (3, 1, 2)).groups(2).padding(Padding::Same)), Shape::from([2, 2, 3, 4])),
        ]
    }
}
