//! Conv1dTranspose: transposed convolution of sequences, channels last.

use crate::constraints::Constraint;
use crate::error::{Result, check_setting};
use crate::initializers::{GlorotUniform, Initializer, Zeros};
use crate::layers::sequence_image::{image_shape, to_images, to_sequences};
use crate::layers::transposed_size::TransposedAxis;
use crate::layers::{Activation, Cursor, Layer, Weights};
use crate::ops::{Conv2dTransposeOptions, Padding};
use crate::regularizers::Regularizer;
use crate::settings::{FromSpec, options};
use crate::shape::Shape;
use crate::spec::Spec;
use crate::tape::Var;

options! {
    /// 1D transposed convolution (deconvolution): each input step adds its multiple of a kernel to a window of the output, then
    /// a bias is added and an activation applied. `Conv1DTranspose` in Keras.
    ///
    /// Inputs are sequences steps × channels; outputs are positions × `filters`. With the extent of a kernel
    /// k = dilation · (kernel size − 1) + 1, positions = (steps − 1) · stride + max(k, stride) without padding, and
    /// positions = steps · stride with [`Padding::Same`].
    ///
    /// Weights are `kernel`, kernel size × `filters` × channels, and `bias`, `filters`. Sequences have channels last;
    /// `data_format` of Keras has no counterpart.
    ///
    /// ```
    /// use gradus::{Sequential, initializers::Ones, layers::*};
    /// use ndarray::arr3;
    /// let layer = Conv1dTranspose::new(1, 2).kernel_initializer(Ones);
    /// let model = Sequential::new([2, 1]).add(layer).architecture(1)?.into_model()?;
    /// let y = model.predict(&arr3(&[[[1.0f32], [2.0]]]))?;
    /// assert_eq!(y, arr3(&[[[1.0f32], [3.0], [2.0]]]).into_dyn());
    /// # Ok::<(), gradus::Error>(())
    /// ```
    ///
    /// # Errors
    /// `compile` returns [`Error::Setting`](crate::Error::Setting) if the kernel size, stride, dilation rate or number of
    /// filters is 0, or if the output padding is not less than the stride, and [`Error::Shape`](crate::Error::Shape) if the
    /// input is not a sequence.
    #[derive(Clone, Debug)]
    #[must_use]
    pub struct Conv1dTranspose("Conv1DTranspose") of (filters: usize, kernel_size: usize) {
        /// Distance between windows of the output in steps, at least 1. Defaults to 1.
        value strides: usize = 1,
        /// Padding of the convolution whose gradient this is. Defaults to [`Padding::Valid`], none: the output contains all
        /// windows. With [`Padding::Same`], the ends of the output are cut off.
        value padding: Padding = Padding::Valid,
        /// Steps that are added to the smallest output, less than the stride. Defaults to none, which follows from the padding.
        some output_padding: usize,
        /// Distance between the elements of a kernel in steps, at least 1. Defaults to 1.
        value dilation_rate: usize = 1,
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

impl Conv1dTranspose {
    /// Creates the layer for `filters` output channels and kernels of `kernel_size` steps, both at least 1, with the defaults
    /// of Keras.
    pub fn new(filters: usize, kernel_size: usize) -> Conv1dTranspose {
        Conv1dTranspose::with_defaults(filters, kernel_size)
    }

    /// The options for sequences of this length.
    fn options(&self, steps: usize) -> Result<Conv2dTransposeOptions> {
        let axis = TransposedAxis {
            owner: "Conv1dTranspose",
            kernel: self.kernel_size,
            stride: self.strides,
            dilation: self.dilation_rate,
            padding: self.padding,
            output_padding: self.output_padding,
        };
        let [positions, before] = axis.of(steps)?;
        let options = Conv2dTransposeOptions::new((positions, 1)).cropping((before, 0)).strides((self.strides, 1));
        Ok(options.dilation_rate((self.dilation_rate, 1)).activation(self.activation))
    }
}

impl Layer for Conv1dTranspose {
    fn build(&self, inputs: &[Shape], weights: &mut Weights<'_>) -> Result<Vec<Shape>> {
        check_setting(self.filters > 0, "Conv1dTranspose", "filters", self.filters, "at least 1")?;
        let images = image_shape(inputs, "channels")?;
        let [positions, _] = self.options(images.axis(0))?.size();
        let options =
            (self.kernel_initializer.as_ref(), self.kernel_regularizer.as_ref(), self.kernel_constraint.as_ref());
        let kernel = Shape::new(&[self.kernel_size, self.filters, images.last()])?;
        weights.add_with_options("kernel", kernel, options)?;
        if self.use_bias {
            let options =
                (self.bias_initializer.as_ref(), self.bias_regularizer.as_ref(), self.bias_constraint.as_ref());
            weights.add_with_options("bias", self.filters, options)?;
        }
        Ok(vec![Shape::new(&[positions, self.filters])?])
    }

    fn record<'r>(&self, weights: &mut Cursor<'_, 'r>, inputs: &[Var<'r>]) -> Vec<Var<'r>> {
        let [kernel] = weights.take();
        let bias = self.use_bias.then(|| weights.take::<1>()[0]);
        let x = inputs[0];
        let kernel = kernel.reshape([self.kernel_size, 1, self.filters, x.shape().last()]);
        match self.options(x.shape().axis(1)) {
            Ok(options) => vec![to_sequences(to_images(x).conv2d_transpose(kernel, bias, options)).without_mask()],
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
    use crate::initializers::Ones;
    use crate::regularizers::{L1, L2};

    pub(crate) fn samples() -> Vec<(Box<dyn Layer>, Shape)> {
        let set = Conv1dTranspose::new(2, 2).kernel_initializer(Ones).bias_initializer(Ones);
        let set = set.kernel_regularizer(L2::new(0.1)).bias_regularizer(L1::new(0.3));
        let set = set.kernel_constraint(NonNeg).bias_constraint(NonNeg);
        let strided = Conv1dTranspose::new(4, 5).strides(2).padding(Padding::Same).activation(Activation::Relu);
        let padded = Conv1dTranspose::new(3, 3).strides(2).padding(Padding::Same).output_padding(1);
        vec![
            (Box::new(Conv1dTranspose::new(4, 3)), Shape::from([3, 2])),
            (Box::new(strided), Shape::from([4, 3])),
            (Box::new(set), Shape::from([3, 1])),
            (Box::new(padded.use_bias(false)), Shape::from([3, 2])),
            (Box::new(Conv1dTranspose::new(2, 2).dilation_rate(2)), Shape::from([4, 2])),
        ]
    }
}
