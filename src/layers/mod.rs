//! Layers, with the names and defaults of Keras. A layer is plain configuration: it declares weights and records operations.
//! The values of the weights are in [`Params`](crate::tape::Params).
//!
//! Shapes in this module are shapes of one sample, without the batch axis.
//!
//! ```
//! use gradus::{Sequential, Shape, layers::*};
//! let network = Sequential::new([28, 28, 1])
//!     .add(Conv2d::new(8, 3).activation(Activation::Relu))
//!     .add(MaxPool2d::new(2))
//!     .add(Flatten)
//!     .add(Dense::new(10).activation(Activation::Softmax));
//! assert_eq!(network.architecture(0)?.into_model()?.output_shapes(), [Shape::from([10])]);
//! # Ok::<(), gradus::Error>(())
//! ```

mod adaptive;
mod declared;
mod factor;
mod frozen;
mod lambda;
mod masks;
mod merged_axes;
mod merged_shape;
mod merging_layer;
mod noise;
mod partners;
mod random_box;
mod random_normal;
mod random_transform;
mod recurrence;
mod recurrent_layer;
mod regularized;
mod separable_weights;
mod sequence_image;
mod transposed_size;
mod volumes;
mod weights;

pub use declared::{Declared, DeclaredWeight};
pub use factor::Factor;
pub use frozen::Frozen;
pub use lambda::Lambda;
pub use preprocessing::random_flip::FlipMode;
pub use recurrent::bidirectional::MergeMode;
pub use recurrent_layer::{Direction, RecurrentLayer};
pub use regularized::Regularized;
pub use weights::{Cursor, Weights};

pub use crate::ops::{FillMode, Interpolation, Padding};

pub(crate) use weights::{Constrained, Penalty, Source};

use crate::error::Result;
use crate::forward::forward;
use crate::registry::{Constructor, Part};
use crate::regularizers::Regularizer;
use crate::settings::{FromSpec, OptionValue, Settings};
use crate::shape::Shape;
use crate::spec::Spec;
use crate::tape::Var;
use std::fmt::Debug;
use std::sync::Arc;

/// A layer of a model.
///
/// A custom layer declares its weights in [`build`](Layer::build), takes them in the same order in [`record`](Layer::record),
/// and records operations.
///
/// ```
/// use gradus::{Result, Shape, Spec, initializers::Ones, layers::*, tape::Var};
///
/// /// y = x · scale, with one learned scale for each feature.
/// #[derive(Debug)]
/// struct Scaling;
///
/// impl Layer for Scaling {
///     fn build(&self, inputs: &[Shape], weights: &mut Weights<'_>) -> Result<Vec<Shape>> {
///         weights.add("scale", inputs[0].last(), &Ones)?;
///         Ok(vec![inputs[0]])
///     }
///     fn record<'r>(&self, weights: &mut Cursor<'_, 'r>, inputs: &[Var<'r>]) -> Vec<Var<'r>> {
///         let [scale] = weights.take();
///         vec![inputs[0] * scale]
///     }
///     fn spec(&self) -> Spec {
///         Spec::new("Scaling")
///     }
/// }
///
/// use gradus::{Compile, Sequential, losses::CategoricalCrossentropy, optimizers::Sgd};
/// let network = Sequential::new([4]).add(Scaling).add(Dense::new(2).activation(Activation::Softmax));
/// let model = network.compile(Compile::new(Sgd::new(0.1), CategoricalCrossentropy::new()))?;
/// assert_eq!(model.params().count(true), 4 + 4 * 2 + 2);
/// # Ok::<(), gradus::Error>(())
/// ```
///
/// `Box` and `Arc` of a layer are layers, so that one can be chosen at run time:
///
/// ```
/// use gradus::{Sequential, layers::*};
/// let norm: Box<dyn Layer> = if cfg!(debug_assertions) { Box::new(BatchNorm::new()) } else { Box::new(LayerNorm::new()) };
/// let network = Sequential::new([4]).add(Dense::new(8)).add(norm);
/// ```
pub trait Layer: Debug + Send + Sync {
    /// Checks the settings and the shapes of the inputs, declares the weights, and returns the shape of each output. The
    /// shapes describe one sample, without the batch axis. A layer with several outputs, such as a sequence and a final state,
    /// is applied in a [`Graph`](crate::Graph) by [`apply_multi`](crate::Graph::apply_multi).
    ///
    /// # Errors
    /// [`Error::Setting`](crate::Error::Setting) for a setting out of range, [`Error::Shape`](crate::Error::Shape) for shapes
    /// that the layer does not accept. [`Error::expected`](crate::Error::expected) needs only the expected shapes; the model
    /// adds the name of the layer and the found shapes.
    fn build(&self, inputs: &[Shape], weights: &mut Weights<'_>) -> Result<Vec<Shape>>;

    /// Records the operations of the layer on its inputs, which have a batch axis, and returns the outputs in the order of
    /// [`build`](Layer::build). The mode of the recorder is either training or inference.
    fn record<'r>(&self, weights: &mut Cursor<'_, 'r>, inputs: &[Var<'r>]) -> Vec<Var<'r>>;

    /// The class name and the settings.
    fn spec(&self) -> Spec;

    /// Whether the layer accepts inputs with a [mask](Var::mask). Defaults to `false`: an input with a mask is then an error
    /// of the recording, because the layer would treat padding as data.
    ///
    /// A layer that computes each step separately can return `true`: its first output gets the mask of its first input. A
    /// layer that combines steps reads [`Var::mask`] in [`record`](Layer::record). An output that it returns by
    /// [`Var::with_mask`] keeps that mask, and one that it returns by [`Var::without_mask`] has none.
    ///
    /// ```
    /// use gradus::{Result, Shape, Spec, layers::*, tape::Var};
    ///
    /// /// The sum of the valid steps.
    /// #[derive(Debug)]
    /// struct SumOfSteps;
    ///
    /// impl Layer for SumOfSteps {
    ///     fn build(&self, inputs: &[Shape], _weights: &mut Weights<'_>) -> Result<Vec<Shape>> {
    ///         Ok(vec![Shape::from([inputs[0].last()])])
    ///     }
    ///     fn record<'r>(&self, _weights: &mut Cursor<'_, 'r>, inputs: &[Var<'r>]) -> Vec<Var<'r>> {
    ///         let x = inputs[0];
    ///         let valid = x.mask().map(|mask| x * mask.reshape([mask.shape().axis(0), mask.shape().axis(1), 1]));
    ///         vec![valid.unwrap_or(x).sum_axes(&[1], false).without_mask()]
    ///     }
    ///     fn supports_masking(&self) -> bool {
    ///         true
    ///     }
    ///     fn spec(&self) -> Spec {
    ///         Spec::new("SumOfSteps")
    ///     }
    /// }
    /// ```
    fn supports_masking(&self) -> bool {
        false
    }

    /// Freezes the layer: its weights are not trained. `trainable = False` in Keras.
    fn frozen(self) -> Frozen
    where
        Self: Sized + 'static,
    {
        Frozen::new(Arc::new(self))
    }

    /// Adds a penalty on the outputs to the loss. `activity_regularizer` of all layers in Keras.
    fn activity_regularizer(self, regularizer: impl Regularizer + 'static) -> Regularized
    where
        Self: Sized + 'static,
    {
        Regularized::new(Arc::new(self), Arc::new(regularizer))
    }

    /// The inner layer if this layer is [`Frozen`]; otherwise `None`.
    fn thawed(&self) -> Option<Arc<dyn Layer>> {
        None
    }

    /// The layer as a recurrent layer, which [`Bidirectional`] records in both directions. Defaults to `None`: the layer is
    /// not recurrent.
    fn recurrent(&self) -> Option<&dyn RecurrentLayer> {
        None
    }
}

forward!(Layer for [Box, Arc] {
    fn build(&self, inputs: &[Shape], weights: &mut Weights<'_>) -> Result<Vec<Shape>>;
    fn record<'r>(&self, weights: &mut Cursor<'_, 'r>, inputs: &[Var<'r>]) -> Vec<Var<'r>>;
    fn spec(&self) -> Spec;
    fn supports_masking(&self) -> bool;
    fn thawed(&self) -> Option<Arc<dyn Layer>>;
    fn recurrent(&self) -> Option<&dyn RecurrentLayer>;
});

/// Declares the layers by group: each is a file in the folder of its group and a line in the list below.
macro_rules! layers {
    ($($group:ident { $($file:ident::$Layer:ident),* $(,)? }),* $(,)?) => {
        $(
            mod $group {
                $(pub(in crate::layers) mod $file;)*
            }
            $(pub use $group::$file::$Layer;)*
        )*

        impl Part for dyn Layer {
            const NAME: &'static str = "layer";

            fn built_in() -> Vec<(&'static str, Constructor<dyn Layer>)> {
                let mut layers: Vec<(&'static str, Constructor<dyn Layer>)> =
                    vec![$($(($Layer::CLASS, |spec, classes| Ok(Box::new(spec.make_with::<$Layer>(classes)?))),)*)*];
                let of_formats = crate::FORMAT_LAYERS.iter().map(|(class, make)| (*class, *make as Constructor<dyn Layer>));
                layers.extend(of_formats);
                layers
            }
        }

        /// Samples for the tests of all layers.
        #[cfg(test)]
        pub(crate) fn samples() -> Vec<(&'static str, Vec<tests::Sample>)> {
            vec![$($((stringify!($file), $group::$file::tests::samples().into_iter().map(Into::into).collect()),)*)*]
        }
    };
}

layers! {
    activations {
        activation::Activation,
        elu::Elu,
        leaky_relu::LeakyRelu,
        p_relu::PRelu,
        relu::Relu,
        softmax::Softmax,
    },
    convolutional {
        conv1d::Conv1d,
        conv1d_transpose::Conv1dTranspose,
        conv2d::Conv2d,
        conv2d_transpose::Conv2dTranspose,
        conv3d::Conv3d,
        conv3d_transpose::Conv3dTranspose,
        depthwise_conv1d::DepthwiseConv1d,
        depthwise_conv2d::DepthwiseConv2d,
        separable_conv1d::SeparableConv1d,
        separable_conv2d::SeparableConv2d,
    },
    core {
        dense::Dense,
        embedding::Embedding,
        identity::Identity,
        masking::Masking,
    },
    merging {
        add::Add,
        average::Average,
        concatenate::Concatenate,
        dot::Dot,
        maximum::Maximum,
        minimum::Minimum,
        multiply::Multiply,
        subtract::Subtract,
    },
    normalization {
        batch_norm::BatchNorm,
        group_normalization::GroupNormalization,
        layer_norm::LayerNorm,
        rms_normalization::RmsNormalization,
        spectral_normalization::SpectralNormalization,
        unit_normalization::UnitNormalization,
    },
    pooling {
        adaptive_average_pool1d::AdaptiveAveragePool1d,
        adaptive_average_pool2d::AdaptiveAveragePool2d,
        adaptive_average_pool3d::AdaptiveAveragePool3d,
        adaptive_max_pool1d::AdaptiveMaxPool1d,
        adaptive_max_pool2d::AdaptiveMaxPool2d,
        adaptive_max_pool3d::AdaptiveMaxPool3d,
        average_pool1d::AveragePool1d,
        average_pool2d::AveragePool2d,
        average_pool3d::AveragePool3d,
        global_average_pool1d::GlobalAveragePool1d,
        global_average_pool2d::GlobalAveragePool2d,
        global_average_pool3d::GlobalAveragePool3d,
        global_max_pool1d::GlobalMaxPool1d,
        global_max_pool2d::GlobalMaxPool2d,
        global_max_pool3d::GlobalMaxPool3d,
        max_pool1d::MaxPool1d,
        max_pool2d::MaxPool2d,
        max_pool3d::MaxPool3d,
    },
    preprocessing {
        center_crop::CenterCrop,
        cut_mix::CutMix,
        mix_up::MixUp,
        normalization::Normalization,
        random_brightness::RandomBrightness,
        random_contrast::RandomContrast,
        random_crop::RandomCrop,
        random_elastic_transform::RandomElasticTransform,
        random_erasing::RandomErasing,
        random_flip::RandomFlip,
        random_rotation::RandomRotation,
        random_shear::RandomShear,
        random_translation::RandomTranslation,
        random_zoom::RandomZoom,
        rescaling::Rescaling,
        resizing::Resizing,
    },
    recurrent {
        bidirectional::Bidirectional,
        conv_lstm2d::ConvLstm2d,
        gru::Gru,
        lstm::Lstm,
        simple_rnn::SimpleRnn,
        time_distributed::TimeDistributed,
    },
    regularization {
        activity_regularization::ActivityRegularization,
        alpha_dropout::AlphaDropout,
        dropout::Dropout,
        gaussian_dropout::GaussianDropout,
        gaussian_noise::GaussianNoise,
        spatial_dropout1d::SpatialDropout1d,
        spatial_dropout2d::SpatialDropout2d,
        spatial_dropout3d::SpatialDropout3d,
    },
    reshaping {
        cropping1d::Cropping1d,
        cropping2d::Cropping2d,
        cropping3d::Cropping3d,
        flatten::Flatten,
        permute::Permute,
        repeat_vector::RepeatVector,
        reshape::Reshape,
        up_sampling1d::UpSampling1d,
        up_sampling2d::UpSampling2d,
        up_sampling3d::UpSampling3d,
        zero_padding1d::ZeroPadding1d,
        zero_padding2d::ZeroPadding2d,
        zero_padding3d::ZeroPadding3d,
    },
}

impl OptionValue for Arc<dyn Layer> {
    fn write(&self, name: &'static str, spec: Spec) -> Spec {
        spec.with(name, self.spec())
    }

    fn read(name: &'static str, settings: &mut Settings<'_>) -> Result<Arc<dyn Layer>> {
        Ok(Frozen::read(settings.nested(name)?, settings.classes)?.into())
    }
}

impl OptionValue for FillMode {
    fn write(&self, name: &'static str, spec: Spec) -> Spec {
        spec.with(name, self.name())
    }

    fn read(name: &'static str, settings: &mut Settings<'_>) -> Result<FillMode> {
        FillMode::read(settings, name)
    }
}

impl OptionValue for Interpolation {
    fn write(&self, name: &'static str, spec: Spec) -> Spec {
        spec.with(name, self.name())
    }

    fn read(name: &'static str, settings: &mut Settings<'_>) -> Result<Interpolation> {
        Interpolation::read(settings, name)
    }
}

impl OptionValue for Padding {
    fn write(&self, name: &'static str, spec: Spec) -> Spec {
        spec.with(name, self.name())
    }

    fn read(name: &'static str, settings: &mut Settings<'_>) -> Result<Padding> {
        Padding::read(settings, name)
    }
}

#[cfg(test)]
mod keras;
#[cfg(test)]
mod tests;
