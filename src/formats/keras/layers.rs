//! The layers, initializers and regularizers that Keras and gradus share.

use super::kind::{Kind, kind};
use super::layer_kinds::{
    BATCH_NORMALIZATION, CONV_LSTM, CONV_TRANSPOSE, DENSE, DEPTHWISE_CONV, EMBEDDING, LAYER_NORMALIZATION,
    SEPARABLE_CONV, activated, adaptive, dropout, global_pooling, images, pooling, pooling1d, pooling3d, recurrent,
    seeded, signed,
};
use super::layer_options::{
    backward_layer, bounds_around_zero, bounds_from_zero, embedding_options, erasing_options, expand_sides,
    given_statistics, group_by_axis, infer_size, join_axes, name_merge_mode, null_merge_mode, of_weights, rename_alpha,
    shear_factors, single_axis, single_fill_value, single_sizes, split_axes, strides_or_dilation, write_single_axis,
};
use super::options::{DATA_FORMAT, Scalar, ignored, only, only_false};
use crate::constraints::{Constraint, MaxNorm, MinMaxNorm, NonNeg, UnitNorm};
use crate::initializers::{
    self, Constant, Initializer, Ones, Orthogonal, RandomNormal, RandomUniform, TruncatedNormal, VarianceScaling, Zeros,
};
use crate::layers::{
    Activation, ActivityRegularization, AdaptiveAveragePool1d, AdaptiveAveragePool2d, AdaptiveAveragePool3d,
    AdaptiveMaxPool1d, AdaptiveMaxPool2d, AdaptiveMaxPool3d, Add, AlphaDropout, Average, AveragePool1d, AveragePool2d,
    AveragePool3d, BatchNorm, Bidirectional, CenterCrop, Concatenate, Conv1d, Conv1dTranspose, Conv2d, Conv2dTranspose,
    Conv3d, Conv3dTranspose, ConvLstm2d, Cropping1d, Cropping2d, Cropping3d, CutMix, Dense, DepthwiseConv1d,
    DepthwiseConv2d, Dot, Dropout, Elu, Embedding, Flatten, GaussianDropout, GaussianNoise, GlobalAveragePool1d,
    GlobalAveragePool2d, GlobalAveragePool3d, GlobalMaxPool1d, GlobalMaxPool2d, GlobalMaxPool3d, GroupNormalization,
    Gru, Identity, Layer, LayerNorm, LeakyRelu, Lstm, Masking, MaxPool1d, MaxPool2d, MaxPool3d, Maximum, Minimum,
    MixUp, Multiply, Normalization, PRelu, Permute, RandomBrightness, RandomContrast, RandomCrop,
    RandomElasticTransform, RandomErasing, RandomFlip, RandomRotation, RandomShear, RandomTranslation, RandomZoom,
    Relu, RepeatVector, Rescaling, Reshape, Resizing, RmsNormalization, SeparableConv1d, SeparableConv2d, SimpleRnn,
    Softmax, SpatialDropout1d, SpatialDropout2d, SpatialDropout3d, SpectralNormalization, Subtract, TimeDistributed,
    UnitNormalization, UpSampling1d, UpSampling2d, UpSampling3d, ZeroPadding1d, ZeroPadding2d, ZeroPadding3d,
};
use crate::regularizers::{L1, L1L2, L2, OrthogonalRegularizer, Regularizer};
use crate::{Spec, SpecValue};

/// The layers that both libraries have.
pub(super) const LAYERS: &[Kind] = &[
    kind("ActivityRegularization", || ActivityRegularization::new(0.0, 0.0).spec(), &[]),
    activated(kind("Activation", || Activation::Linear.spec(), &["activation"])),
    kind("Add", || Add.spec(), &[]),
    adaptive(kind("AdaptiveAveragePooling1D", || AdaptiveAveragePool1d::new(1).spec(), &["output_size"])),
    adaptive(kind("AdaptiveAveragePooling2D", || AdaptiveAveragePool2d::new(1).spec(), &["output_size"])),
    adaptive(kind("AdaptiveAveragePooling3D", || AdaptiveAveragePool3d::new(1).spec(), &["output_size"])),
    adaptive(kind("AdaptiveMaxPooling1D", || AdaptiveMaxPool1d::new(1).spec(), &["output_size"])),
    adaptive(kind("AdaptiveMaxPooling2D", || AdaptiveMaxPool2d::new(1).spec(), &["output_size"])),
    adaptive(kind("AdaptiveMaxPooling3D", || AdaptiveMaxPool3d::new(1).spec(), &["output_size"])),
    dropout(kind("AlphaDropout", || AlphaDropout::new(0.0).spec(), &["rate"])),
    kind("Average", || Average.spec(), &[]),
    pooling1d(kind("AveragePooling1D", || AveragePool1d::new(2).spec(), &[])),
    pooling(kind("AveragePooling2D", || AveragePool2d::new(2).spec(), &[])),
    pooling3d(kind("AveragePooling3D", || AveragePool3d::new(2).spec(), &[])),
    Kind {
        from_keras: single_axis,
        optional: || {
            of_weights(&["gamma", "beta"]).with("axis", SpecValue::Int(-1)).with("center", true).with("scale", true)
        },
        inactive: BATCH_NORMALIZATION,
        ..kind("BatchNormalization", || BatchNorm::new().spec(), &[])
    },
    Kind {
        from_keras: name_merge_mode,
        to_keras: null_merge_mode,
        optional: backward_layer,
        inactive: &[ignored("weights", "the weights come from the file")],
        ..kind("Bidirectional", || Bidirectional::new(Lstm::new(1)).spec(), &["layer"])
    },
    images(kind("CenterCrop", || CenterCrop::new(1, 1).spec(), &["height", "width"])),
    kind("Concatenate", || Concatenate::new().spec(), &[]),
    Kind {
        to_keras: strides_or_dilation,
        optional: || of_weights(&["kernel", "recurrent", "bias"]),
        inactive: CONV_LSTM,
        ..activated(kind("ConvLSTM2D", || ConvLstm2d::new(1, 1).spec(), &["filters", "kernel_size"]))
    },
    Kind {
        from_keras: single_sizes,
        to_keras: strides_or_dilation,
        optional: || of_weights(&["kernel", "bias"]),
        inactive: &[DATA_FORMAT],
        ..activated(kind("Conv1D", || Conv1d::new(1, 1).spec(), &["filters", "kernel_size"]))
    },
    Kind {
        from_keras: single_sizes,
        to_keras: strides_or_dilation,
        optional: || of_weights(&["kernel", "bias"]).with("output_padding", 0),
        inactive: CONV_TRANSPOSE,
        ..activated(kind("Conv1DTranspose", || Conv1dTranspose::new(1, 1).spec(), &["filters", "kernel_size"]))
    },
    Kind {
        to_keras: strides_or_dilation,
        optional: || of_weights(&["kernel", "bias"]),
        inactive: &[DATA_FORMAT],
        ..activated(kind("Conv2D", || Conv2d::new(1, 1).spec(), &["filters", "kernel_size"]))
    },
    Kind {
        to_keras: strides_or_dilation,
        optional: || of_weights(&["kernel", "bias"]).with("output_padding", &[0, 0][..]),
        inactive: CONV_TRANSPOSE,
        ..activated(kind("Conv2DTranspose", || Conv2dTranspose::new(1, 1).spec(), &["filters", "kernel_size"]))
    },
    Kind {
        to_keras: strides_or_dilation,
        optional: || of_weights(&["kernel", "bias"]),
        inactive: &[DATA_FORMAT],
        ..activated(kind("Conv3D", || Conv3d::new(1, 1).spec(), &["filters", "kernel_size"]))
    },
    Kind {
        to_keras: strides_or_dilation,
        optional: || of_weights(&["kernel", "bias"]).with("output_padding", &[0, 0, 0][..]),
        inactive: CONV_TRANSPOSE,
        ..activated(kind("Conv3DTranspose", || Conv3dTranspose::new(1, 1).spec(), &["filters", "kernel_size"]))
    },
    kind("Cropping1D", || Cropping1d::new([1, 1]).spec(), &[]),
    Kind {
        from_keras: |config, _| expand_sides(config, "cropping"),
        to_keras: |config| group_by_axis(config, "cropping"),
        inactive: &[DATA_FORMAT],
        ..kind("Cropping2D", || Cropping2d::new(0).spec(), &[])
    },
    Kind {
        from_keras: |config, _| expand_sides(config, "cropping"),
        to_keras: |config| group_by_axis(config, "cropping"),
        inactive: &[DATA_FORMAT],
        ..kind("Cropping3D", || Cropping3d::new(1).spec(), &[])
    },
    images(Kind { from_keras: bounds_from_zero, ..kind("CutMix", || CutMix::new().spec(), &[]) }),
    Kind {
        optional: || of_weights(&["kernel", "bias"]),
        inactive: DENSE,
        ..activated(kind("Dense", || Dense::new(1).spec(), &["units"]))
    },
    Kind {
        from_keras: single_sizes,
        optional: || of_weights(&["depthwise", "bias"]),
        inactive: DEPTHWISE_CONV,
        ..activated(kind("DepthwiseConv1D", || DepthwiseConv1d::new(1).spec(), &["kernel_size"]))
    },
    Kind {
        optional: || of_weights(&["depthwise", "bias"]),
        inactive: DEPTHWISE_CONV,
        ..activated(kind("DepthwiseConv2D", || DepthwiseConv2d::new(1).spec(), &["kernel_size"]))
    },
    dropout(kind("Dropout", || Dropout::new(0.0).spec(), &["rate"])),
    Kind {
        from_keras: split_axes,
        to_keras: join_axes,
        ..kind("Dot", || Dot::new([-1, -1]).spec(), &["axis", "other_axis"])
    },
    kind("ELU", || Elu::new().spec(), &[]),
    Kind {
        optional: embedding_options,
        inactive: EMBEDDING,
        ..kind("Embedding", || Embedding::new(1, 1).spec(), &["input_dim", "output_dim"])
    },
    Kind { inactive: &[DATA_FORMAT], ..kind("Flatten", || Flatten.spec(), &[]) },
    seeded(kind("GaussianDropout", || GaussianDropout::new(0.0).spec(), &["rate"])),
    seeded(kind("GaussianNoise", || GaussianNoise::new(0.0).spec(), &["stddev"])),
    global_pooling(kind("GlobalAveragePooling1D", || GlobalAveragePool1d::new().spec(), &[])),
    global_pooling(kind("GlobalAveragePooling2D", || GlobalAveragePool2d::new().spec(), &[])),
    global_pooling(kind("GlobalAveragePooling3D", || GlobalAveragePool3d::new().spec(), &[])),
    global_pooling(kind("GlobalMaxPooling1D", || GlobalMaxPool1d::new().spec(), &[])),
    global_pooling(kind("GlobalMaxPooling2D", || GlobalMaxPool2d::new().spec(), &[])),
    global_pooling(kind("GlobalMaxPooling3D", || GlobalMaxPool3d::new().spec(), &[])),
    Kind {
        from_keras: single_axis,
        optional: || of_weights(&["gamma", "beta"]).with("axis", SpecValue::Int(-1)),
        ..kind("GroupNormalization", || signed(&GroupNormalization::new(32).spec(), "groups"), &[])
    },
    recurrent(kind("GRU", || Gru::new(1).spec(), &["units"])),
    kind("Identity", || Identity.spec(), &[]),
    Kind {
        from_keras: single_axis,
        optional: || of_weights(&["gamma", "beta"]).with("axis", SpecValue::Ints(vec![-1])),
        inactive: LAYER_NORMALIZATION,
        ..kind("LayerNormalization", || LayerNorm::new().spec(), &[])
    },
    Kind { from_keras: rename_alpha, ..kind("LeakyReLU", || LeakyRelu::new().spec(), &[]) },
    recurrent(kind("LSTM", || Lstm::new(1).spec(), &["units"])),
    kind("Masking", || Masking::new(0.0).spec(), &[]),
    kind("Maximum", || Maximum.spec(), &[]),
    pooling1d(kind("MaxPooling1D", || MaxPool1d::new(2).spec(), &[])),
    pooling(kind("MaxPooling2D", || MaxPool2d::new(2).spec(), &[])),
    pooling3d(kind("MaxPooling3D", || MaxPool3d::new(2).spec(), &[])),
    kind("Minimum", || Minimum.spec(), &[]),
    images(kind("MixUp", || MixUp::new().spec(), &[])),
    kind("Multiply", || Multiply.spec(), &[]),
    Kind {
        from_keras: given_statistics,
        optional: || Spec::new("").with("mean", &[0.0][..]).with("variance", &[1.0][..]),
        ..kind("Normalization", || Normalization::new().spec(), &[])
    },
    kind("Permute", || Permute::new([1]).spec(), &["dims"]),
    Kind {
        optional: || of_weights(&["alpha"]).with("shared_axes", &[1][..]),
        ..kind("PReLU", || PRelu::new().spec(), &[])
    },
    images(Kind {
        from_keras: bounds_around_zero,
        ..kind("RandomBrightness", || RandomBrightness::new(0.0).spec(), &["factor"])
    }),
    images(Kind {
        from_keras: bounds_from_zero,
        ..kind("RandomContrast", || RandomContrast::new(0.0).spec(), &["factor"])
    }),
    images(kind("RandomCrop", || RandomCrop::new(1, 1).spec(), &["height", "width"])),
    images(Kind {
        from_keras: bounds_from_zero,
        ..kind("RandomElasticTransform", || RandomElasticTransform::new().spec(), &[])
    }),
    images(Kind {
        from_keras: erasing_options,
        to_keras: single_fill_value,
        optional: || Spec::new("").with("fill_value", &[0.0][..]),
        ..kind("RandomErasing", || RandomErasing::new().spec(), &[])
    }),
    images(kind("RandomFlip", || RandomFlip::default().spec(), &[])),
    images(Kind {
        from_keras: bounds_around_zero,
        ..kind("RandomRotation", || RandomRotation::new(0.0).spec(), &["factor"])
    }),
    images(Kind {
        from_keras: bounds_around_zero,
        to_keras: shear_factors,
        ..kind("RandomShear", || RandomShear::new().spec(), &[])
    }),
    images(Kind {
        from_keras: bounds_around_zero,
        ..kind("RandomTranslation", || RandomTranslation::new(0.0, 0.0).spec(), &["height_factor", "width_factor"])
    }),
    images(Kind {
        from_keras: bounds_around_zero,
        optional: || Spec::new("").with("width_factor", &[0.0, 0.0][..]),
        ..kind("RandomZoom", || RandomZoom::new(0.0).spec(), &["height_factor"])
    }),
    Kind { optional: || Spec::new("").with("max_value", 6.0), ..kind("ReLU", || Relu::new().spec(), &[]) },
    kind("RepeatVector", || RepeatVector::new(1).spec(), &["n"]),
    kind("Rescaling", || Rescaling::new(1.0).spec(), &["scale"]),
    Kind {
        inactive: &[DATA_FORMAT, only("fill_mode", &[Scalar::Str("constant")])],
        ..kind("Resizing", || Resizing::new(1, 1).spec(), &["height", "width"])
    },
    Kind { from_keras: infer_size, ..kind("Reshape", || Reshape::new(1).spec(), &["target_shape"]) },
    Kind {
        from_keras: single_axis,
        optional: || Spec::new("").with("axis", SpecValue::Ints(vec![-1])),
        ..kind("RMSNormalization", || RmsNormalization::new().spec(), &[])
    },
    Kind {
        from_keras: single_sizes,
        optional: || of_weights(&["depthwise", "pointwise", "bias"]),
        inactive: SEPARABLE_CONV,
        ..activated(kind("SeparableConv1D", || SeparableConv1d::new(1, 1).spec(), &["filters", "kernel_size"]))
    },
    Kind {
        optional: || of_weights(&["depthwise", "pointwise", "bias"]),
        inactive: SEPARABLE_CONV,
        ..activated(kind("SeparableConv2D", || SeparableConv2d::new(1, 1).spec(), &["filters", "kernel_size"]))
    },
    recurrent(kind("SimpleRNN", || SimpleRnn::new(1).spec(), &["units"])),
    Kind {
        to_keras: write_single_axis,
        inactive: &[only_false("robust_masking")],
        ..kind("Softmax", || Softmax::new().spec(), &[])
    },
    kind("SpectralNormalization", || SpectralNormalization::new(Identity).spec(), &["layer"]),
    seeded(kind("SpatialDropout1D", || SpatialDropout1d::new(0.0).spec(), &["rate"])),
    seeded(kind("SpatialDropout2D", || SpatialDropout2d::new(0.0).spec(), &["rate"])),
    seeded(kind("SpatialDropout3D", || SpatialDropout3d::new(0.0).spec(), &["rate"])),
    kind("Subtract", || Subtract.spec(), &[]),
    kind("TimeDistributed", || TimeDistributed::new(Identity).spec(), &["layer"]),
    kind("UnitNormalization", || UnitNormalization::new().spec(), &[]),
    kind("UpSampling1D", || UpSampling1d::new(2).spec(), &[]),
    Kind {
        optional: || Spec::new("").with("interpolation", "bilinear"),
        inactive: &[DATA_FORMAT],
        ..kind("UpSampling2D", || UpSampling2d::new(2).spec(), &[])
    },
    Kind { inactive: &[DATA_FORMAT], ..kind("UpSampling3D", || UpSampling3d::new(2).spec(), &[]) },
    Kind { inactive: &[DATA_FORMAT], ..kind("ZeroPadding1D", || ZeroPadding1d::new([1, 1]).spec(), &[]) },
    Kind {
        from_keras: |config, _| expand_sides(config, "padding"),
        to_keras: |config| group_by_axis(config, "padding"),
        inactive: &[DATA_FORMAT],
        ..kind("ZeroPadding2D", || ZeroPadding2d::default().spec(), &[])
    },
    Kind {
        from_keras: |config, _| expand_sides(config, "padding"),
        to_keras: |config| group_by_axis(config, "padding"),
        inactive: &[DATA_FORMAT],
        ..kind("ZeroPadding3D", || ZeroPadding3d::new(1).spec(), &[])
    },
];

/// The initializers that both libraries have.
pub(super) const INITIALIZERS: &[Kind] = &[
    kind("Zeros", || Zeros.spec(), &[]),
    kind("Ones", || Ones.spec(), &[]),
    kind("Constant", || Constant::default().spec(), &[]),
    kind("RandomUniform", || RandomUniform::default().spec(), &[]),
    kind("RandomNormal", || RandomNormal::default().spec(), &[]),
    kind("TruncatedNormal", || TruncatedNormal::default().spec(), &[]),
    kind("Orthogonal", || Orthogonal::default().spec(), &[]),
    kind("Identity", || initializers::Identity::default().spec(), &[]),
    kind("VarianceScaling", || VarianceScaling::default().spec(), &[]),
    kind("GlorotUniform", || Spec::new("GlorotUniform"), &[]),
    kind("GlorotNormal", || Spec::new("GlorotNormal"), &[]),
    kind("HeUniform", || Spec::new("HeUniform"), &[]),
    kind("HeNormal", || Spec::new("HeNormal"), &[]),
    kind("LecunUniform", || Spec::new("LecunUniform"), &[]),
    kind("LecunNormal", || Spec::new("LecunNormal"), &[]),
];

/// The constraints that both libraries have.
pub(super) const CONSTRAINTS: &[Kind] = &[
    kind("MaxNorm", || MaxNorm::default().spec(), &[]),
    kind("MinMaxNorm", || MinMaxNorm::default().spec(), &[]),
    kind("NonNeg", || NonNeg.spec(), &[]),
    kind("UnitNorm", || UnitNorm::new().spec(), &[]),
];

/// The regularizers that both libraries have.
pub(super) const REGULARIZERS: &[Kind] = &[
    kind("L1", || L1::default().spec(), &[]),
    kind("L2", || L2::default().spec(), &[]),
    kind("L1L2", || L1L2::default().spec(), &[]),
    kind("OrthogonalRegularizer", || OrthogonalRegularizer::default().spec(), &[]),
];

#[cfg(test)]
mod tests;
