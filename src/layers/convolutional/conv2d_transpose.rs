//! Conv2dTranspose: transposed convolution of images, channels last.

use crate::constraints::Constraint;
use crate::error::{Error, Result, check_setting};
use crate::initializers::{GlorotUniform, Initializer, Zeros};
use crate::layers::transposed_size::TransposedAxis;
use crate::layers::{Activation, Cursor, Layer, Weights};
use crate::ops::{Conv2dTransposeOptions, Padding};
use crate::regularizers::Regularizer;
use crate::settings::{FromSpec, options};
use crate::shape::Shape;
use crate::size2d::Size2d;
use crate::spec::Spec;
use crate::tape::Var;

options! {
    /// 2D transposed convolution (deconvolution): each input pixel adds its multiple of a kernel to a window of the output, then
    /// a bias is added and an activation applied. `Conv2DTranspose` in Keras.
    ///
    /// Inputs are images height × width × channels; outputs are rows × columns × `filters`. With the extent of a kernel
    /// k = dilation · (kernel height − 1) + 1, rows = (height − 1) · stride + max(k, stride) without padding, and
    /// rows = height · stride with [`Padding::Same`]. Columns follow from the width in this way.
    ///
    /// Weights are `kernel`, kernel height × kernel width × `filters` × channels, and `bias`, `filters`. Images have channels
    /// last; `data_format` of Keras has no counterpart.
    ///
    /// ```
    /// use gradus::{Sequential, Shape, layers::*};
    /// let network = Sequential::new([7, 7, 16]).add(Conv2dTranspose::new(8, 3).strides(2).padding(Padding::Same));
    /// let model = network.architecture(1)?.into_model()?;
    /// assert_eq!(model.output_shapes(), [Shape::from([14, 14, 8])]);
    /// # Ok::<(), gradus::Error>(())
    /// ```
    ///
    /// # Errors
    /// `compile` returns [`Error::Setting`](crate::Error::Setting) if a size, stride, dilation rate or the number of filters
    /// is 0, or if the output padding is not less than the stride, and [`Error::Shape`](crate::Error::Shape) if the input is no
    /// image.
    #[derive(Clone, Debug)]
    #[must_use]
    pub struct Conv2dTranspose("Conv2DTranspose") of (filters: usize, kernel_size: Size2d) {
        /// Distance between windows of the output in rows and columns, at least 1. Defaults to 1.
        into strides: Size2d = Size2d::from(1),
        /// Padding of the convolution whose gradient this is. Defaults to [`Padding::Valid`], none: the output contains all
        /// windows. With [`Padding::Same`], the borders of the output are cut off.
        value padding: Padding = Padding::Valid,
        /// Rows and columns that are added to the smallest output, less than the strides. Defaults to none, which follows from
        /// the padding.
        some output_padding: Size2d,
        /// Distance between the elements of a kernel in rows and columns, at least 1. Defaults to 1.
        into dilation_rate: Size2d = Size2d::from(1),
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
        /// Constraint on the kernels after each training step. Defaults to none.
        optional kernel_constraint: Constraint,
        /// Constraint on the bias after each training step. Defaults to none.
        optional bias_constraint: Constraint,
    }
}

impl Conv2dTranspose {
    /// Creates the layer for `filters` output channels and kernels of `kernel_size` rows and columns, all at least 1, with the
    /// defaults of Keras.
    pub fn new(filters: usize, kernel_size: impl Into<Size2d>) -> Conv2dTranspose {
        Conv2dTranspose::with_defaults(filters, kernel_size.into())
    }

    /// The options for images of this shape, whose last three axes are height × width × channels.
    fn options(&self, [height, width]: [usize; 2]) -> Result<Conv2dTransposeOptions> {
        let along = |axis: usize, size: usize| {
            let axis = TransposedAxis {
                owner: "Conv2dTranspose",
                kernel: self.kernel_size.sizes()[axis],
                stride: self.strides.sizes()[axis],
                dilation: self.dilation_rate.sizes()[axis],
                padding: self.padding,
                output_padding: self.output_padding.map(|sizes| sizes.sizes()[axis]),
            };
            axis.of(size)
        };
        let ([rows, above], [columns, left]) = (along(0, height)?, along(1, width)?);
        let options = Conv2dTransposeOptions::new([rows, columns]).cropping([above, left]).strides(self.strides);
        Ok(options.dilation_rate(self.dilation_rate).activation(self.activation))
    }
}

impl Layer for Conv2dTranspose {
    fn build(&self, inputs: &[Shape], weights: &mut Weights<'_>) -> Result<Vec<Shape>> {
        check_setting(self.filters > 0, "Conv2dTranspose", "filters", self.filters, "at least 1")?;
        let [x] = inputs else { return Err(Error::expected("one input")) };
        let &[height, width, channels] = x.sizes() else {
            return Err(Error::expected("images height × width × channels; Reshape adds a missing axis"));
        };
        let [rows, columns] = self.options([height, width])?.size();
        let [kernel_height, kernel_width] = self.kernel_size.sizes();
        let options =
            (self.kernel_initializer.as_ref(), self.kernel_regularizer.as_ref(), self.kernel_constraint.as_ref());
        let kernel = Shape::new(&[kernel_height, kernel_width, self.filters, channels])?;
        weights.add_with_options("kernel", kernel, options)?;
        if self.use_bias {
            let options =
                (self.bias_initializer.as_ref(), self.bias_regularizer.as_ref(), self.bias_constraint.as_ref());
            weights.add_with_options("bias", self.filters, options)?;
        }
        Ok(vec![Shape::new(&[rows, columns, self.filters])?])
    }

    fn record<'r>(&self, weights: &mut Cursor<'_, 'r>, inputs: &[Var<'r>]) -> Vec<Var<'r>> {
        let [kernel] = weights.take();
        let bias = self.use_bias.then(|| weights.take::<1>()[0]);
        let x = inputs[0];
        match self.options([x.shape().axis(1), x.shape().axis(2)]) {
            Ok(options) => vec![x.conv2d_transpose(kernel, bias, options).without_mask()],
            Err(error) => {
                x.recorder().fail(error);
                vec![x]
            }
        }
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
    use crate::initializers::{Constant, Ones};
    use crate::regularizers::{L1, L2};

    pub(crate) fn samples() -> Vec<(Box<dyn Layer>, Shape)> {
        let set = Conv2dTranspose::new(2, 2).kernel_initializer(Ones).bias_initializer(Ones);
        let set = set.kernel_regularizer(L2::new(0.1)).bias_regularizer(L1::new(0.3));
        let set = set.kernel_constraint(NonNeg).bias_constraint(NonNeg);
        let strided = Conv2dTranspose::new(4, (5, 2)).strides(2).padding(Padding::Same).activation(Activation::Relu);
        // With a bias of 0, central differences would cross the kinks of some outputs without noticing it.
        let strided = strided.bias_initializer(Constant::new(0.2));
        let padded = Conv2dTranspose::new(3, 3).strides((2, 3)).padding(Padding::Same).output_padding(Size2d::from(1));
        vec![
            (Box::new(Conv2dTranspose::new(4, 3)), Shape::from([3, 4, 2])),
            (Box::new(strided), Shape::from([3, 4, 3])),
            (Box::new(set), Shape::from([3, 3, 1])),
            (Box::new(padded.use_bias(false)), Shape::from([2, 3, 2])),
            (Box::new(Conv2dTranspose::new(2, 2).dilation_rate((2, 1))), Shape::from([3, 4, 2])),
        ]
    }
}
