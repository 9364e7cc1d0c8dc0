//! Conv3dTranspose: transposed convolution of volumes, channels last.
//!
//! The planes of the kernels become filters of a transposed convolution of images, whose outputs are added along the depth.

use crate::constraints::Constraint;
use crate::error::{Error, Result, check_setting};
use crate::initializers::{GlorotUniform, Initializer, Zeros};
use crate::layers::transposed_size::TransposedAxis;
use crate::layers::{Activation, Cursor, Layer, Weights, volumes};
use crate::ops::{Conv2dTransposeOptions, Padding};
use crate::regularizers::Regularizer;
use crate::settings::{FromSpec, options};
use crate::shape::Shape;
use crate::size3d::Size3d;
use crate::sizes;
use crate::spec::Spec;
use crate::tape::Var;

options! {
    /// 3D transposed convolution (deconvolution): each input element adds its multiple of a kernel to a window of the output, then
    /// a bias is added and an activation applied. `Conv3DTranspose` in Keras.
    ///
    /// Inputs are volumes depth × height × width × channels; outputs are planes × rows × columns × `filters`. With the extent of
    /// a kernel k = dilation · (kernel size − 1) + 1, an axis of n elements has (n − 1) · stride + max(k, stride) elements in the
    /// output without padding, and n · stride with [`Padding::Same`].
    ///
    /// Weights are `kernel`, kernel depth × kernel height × kernel width × `filters` × channels, and `bias`, `filters`. Volumes
    /// have channels last; `data_format` of Keras has no counterpart.
    ///
    /// ```
    /// use gradus::{Sequential, Shape, layers::*};
    /// let network = Sequential::new([4, 7, 7, 2]).add(Conv3dTranspose::new(3, 3).strides(2).padding(Padding::Same));
    /// let model = network.architecture(1)?.into_model()?;
    /// assert_eq!(model.output_shapes(), [Shape::from([8, 14, 14, 3])]);
    /// # Ok::<(), gradus::Error>(())
    /// ```
    ///
    /// # Errors
    /// `compile` returns [`Error::Setting`](crate::Error::Setting) if a size, stride, dilation rate or the number of filters
    /// is 0, or if the output padding is not less than the stride, and [`Error::Shape`](crate::Error::Shape) if the input is no
    /// volume.
    #[derive(Clone, Debug)]
    #[must_use]
    pub struct Conv3dTranspose("Conv3DTranspose") of (filters: usize, kernel_size: Size3d) {
        /// Distance between windows of the output along depth, rows and columns, at least 1. Defaults to 1.
        into strides: Size3d = Size3d::from(1),
        /// Padding of the convolution whose gradient this is. Defaults to [`Padding::Valid`], none: the output contains all
        /// windows. With [`Padding::Same`], the borders of the output are cut off.
        value padding: Padding = Padding::Valid,
        /// Planes, rows and columns that are added to the smallest output, less than the strides. Defaults to none, which
        /// follows from the padding.
        some output_padding: Size3d,
        /// Distance between the elements of a kernel along depth, rows and columns, at least 1. Defaults to 1.
        into dilation_rate: Size3d = Size3d::from(1),
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

/// The largest depth of the output, and of all kernels together.
const MAX_PLANES: usize = 1 << 20;

impl Conv3dTranspose {
    /// Creates the layer for `filters` output channels and kernels of `kernel_size` along depth, rows and columns, all at least 1,
    /// with the defaults of Keras.
    pub fn new(filters: usize, kernel_size: impl Into<Size3d>) -> Conv3dTranspose {
        Conv3dTranspose::with_defaults(filters, kernel_size.into())
    }

    /// The size of the output along each axis, and the number of elements that are cut off before it.
    fn along(&self, sizes: [usize; 3]) -> Result<[[usize; 2]; 3]> {
        let mut all = [[0; 2]; 3];
        for (axis, size) in sizes.into_iter().enumerate() {
            let transposed = TransposedAxis {
                owner: "Conv3dTranspose",
                kernel: self.kernel_size.sizes()[axis],
                stride: self.strides.sizes()[axis],
                dilation: self.dilation_rate.sizes()[axis],
                padding: self.padding,
                output_padding: self.output_padding.map(|sizes| sizes.sizes()[axis]),
            };
            all[axis] = transposed.of(size)?;
        }
        Ok(all)
    }

    /// Records the transposed convolution of volumes, rows × depth × height × width × channels, with values of the weights: a
    /// kernel of the shape of the weight `kernel`, and a bias.
    pub fn convolve<'r>(&self, x: Var<'r>, kernel: Var<'r>, bias: Option<Var<'r>>) -> Var<'r> {
        let [batch, depth, height, width] = [0, 1, 2, 3].map(|axis| x.shape().axis(axis));
        let [depths, [rows, above], [columns, left]] = match self.along([depth, height, width]) {
            Ok(along) => along,
            Err(error) => return x.recorder().alias(x, "conv3d_transpose", Err(error)),
        };
        let [planes, kernel_height, kernel_width, filters, channels] =
            [0, 1, 2, 3, 4].map(|at| kernel.shape().axis(at));
        let kernel = kernel.transpose(&[1, 2, 0, 3, 4]);
        let (merged, pixels) = (planes.saturating_mul(filters), rows.saturating_mul(columns));
        let kernel = kernel.reshape([kernel_height, kernel_width, merged, channels]);
        let [[_, strides @ ..], [_, dilation @ ..]] = [self.strides, self.dilation_rate].map(Size3d::sizes);
        let options = Conv2dTransposeOptions::new([rows, columns]).cropping([above, left]).strides(strides);
        let y = volumes::planes(x).conv2d_transpose(kernel, None, options.dilation_rate(dilation));
        let y = y.reshape([batch.saturating_mul(depth), pixels, planes, filters]).transpose(&[0, 2, 1, 3]);
        let y = self.added(y.reshape([batch, depth * planes, pixels, filters]), depth, depths);
        let y = y.reshape([batch, depths[0], rows, columns, filters]);
        bias.map_or(y, |bias| y + bias).activation(self.activation)
    }

    /// Adds the planes of all kernels along the depth: rows × (depth · kernel depth) × … to rows × planes × ….
    fn added<'r>(&self, x: Var<'r>, depth: usize, [planes, cropped]: [usize; 2]) -> Var<'r> {
        let [[kernel, ..], [stride, ..], [dilation, ..]] =
            [self.kernel_size, self.strides, self.dilation_rate].map(Size3d::sizes);
        let mut terms = vec![Vec::new(); planes];
        for at in 0..depth * kernel {
            let plane = (at / kernel * stride + at % kernel * dilation).checked_sub(cropped);
            if let Some(terms) = plane.and_then(|plane| terms.get_mut(plane)) {
                terms.push((at, 1.0));
            }
        }
        x.resample(1, terms)
    }
}

impl Layer for Conv3dTranspose {
    fn build(&self, inputs: &[Shape], weights: &mut Weights<'_>) -> Result<Vec<Shape>> {
        check_setting(self.filters > 0, "Conv3dTranspose", "filters", self.filters, "at least 1")?;
        let [depth, height, width, channels] = volumes::check(inputs)?;
        let [[planes, _], [rows, _], [columns, _]] = self.along([depth, height, width])?;
        let [kernel_depth, kernel_height, kernel_width] = self.kernel_size.sizes();
        if planes.max(depth.saturating_mul(kernel_depth)) >= MAX_PLANES {
            return Err(Error::expected("volumes for which all kernels together have fewer than 2²⁰ planes"));
        }
        sizes::check_fits_memory::<f32>(&[depth, kernel_depth, rows, columns, self.filters])?;
        let kernel = Shape::new(&[kernel_depth, kernel_height, kernel_width, self.filters, channels])?;
        let options =
            (self.kernel_initializer.as_ref(), self.kernel_regularizer.as_ref(), self.kernel_constraint.as_ref());
        weights.add_with_options("kernel", kernel, options)?;
        if self.use_bias {
            let options =
                (self.bias_initializer.as_ref(), self.bias_regularizer.as_ref(), self.bias_constraint.as_ref());
            weights.add_with_options("bias", self.filters, options)?;
        }
        Ok(vec![Shape::new(&[planes, rows, columns, self.filters])?])
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
    use crate::constraints::NonNeg;
    use crate::initializers::Ones;
    use crate::regularizers::{L1, L2};

    pub(crate) fn samples() -> Vec<(Box<dyn Layer>, Shape)> {
        let set = Conv3dTranspose::new(2, (2, 1, 2)).kernel_initializer(Ones).bias_initializer(Ones);
        let set = set.kernel_regularizer(L2::new(0.1)).bias_regularizer(L1::new(0.3));
        let set = set.kernel_constraint(NonNeg).bias_constraint(NonNeg);
        let strided = Conv3dTranspose::new(2, (3, 2, 2)).strides(2).padding(Padding::Same).activation(Activation::Tanh);
        let padded = Conv3dTranspose::new(2, 2).strides((2, 3, 2)).output_padding(Size3d::from(1)).use_bias(false);
        vec![
            (Box::new(Conv3dTranspose::new(2, 2)), Shape::from([2, 3, 2, 2])),
            (Box::new(strided), Shape::from([2, 2, 3, 1])),
            (Box::new(set), Shape::from([2, 2, 1, 1])),
            (Box::new(padded), Shape::from([2, 1, 2, 2])),
            (Box::new(Conv3dTranspose::new(2, 2).dilation_rate((2, 1, 1))), Shape::from([2, 2, 2, 1])),
        ]
    }
}
