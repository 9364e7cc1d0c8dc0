//! Options of layers that have no setting in gradus, and the kinds of layers that share their options.

use super::kind::Kind;
use super::layer_options::{
    IMPLEMENTATION, RECURRENT, default_strides, default_strides3d, open_sizes_to_null, open_sizes_to_zero,
    recurrent_options, reject_unnamed_activations, single_sizes, single_strides,
};
use super::options::{DATA_FORMAT, DRAWS, InactiveOption, Scalar, equivalent, ignored, only, only_false, only_null};
use super::stateful;
use crate::{Spec, SpecValue};

/// Options of an `InputLayer`, besides its shape.
pub(super) const INPUT: &[InactiveOption] = &[
    ignored("name", "it names the input"),
    only_false("sparse"),
    only_false("ragged"),
    only_false("optional"),
    equivalent("dtype", ELEMENTS, "inputs are float32, which represents integers exactly up to 2²⁴"),
    ignored("batch_size", "the number of rows is not fixed"),
];

const ELEMENTS: &[Scalar] = &[
    Scalar::Null,
    Scalar::Str("float32"),
    Scalar::Str("float64"),
    Scalar::Str("float16"),
    Scalar::Str("bfloat16"),
    Scalar::Str("int64"),
    Scalar::Str("int32"),
    Scalar::Str("int16"),
    Scalar::Str("int8"),
    Scalar::Str("uint8"),
    Scalar::Str("uint16"),
    Scalar::Str("uint32"),
    Scalar::Str("bool"),
];

pub(super) const BATCH_NORMALIZATION: &[InactiveOption] = &[
    only_false("synchronized"),
    only_false("renorm"),
    ignored("renorm_clipping", "it has no effect without renorm"),
    ignored("renorm_momentum", "it has no effect without renorm"),
    ignored("fused", "it selects an implementation in Keras"),
    only_null("virtual_batch_size"),
    only_null("adjustment"),
];

pub(super) const DENSE: &[InactiveOption] = &[
    only_null("quantization_config"),
    only_null("lora_rank"),
    ignored("lora_alpha", "it has no effect without lora_rank"),
];

pub(super) const EMBEDDING: &[InactiveOption] = &[
    only_false("sparse"),
    ignored("input_length", "the length follows from the input"),
    ignored("weights", "the weights come from the file"),
    only_null("quantization_config"),
    only_null("lora_rank"),
    ignored("lora_alpha", "it has no effect without lora_rank"),
];

pub(super) const LAYER_NORMALIZATION: &[InactiveOption] = &[only_false("rms_scaling")];

/// A pooling layer with one axis of positions.
pub(super) const fn pooling1d(kind: Kind) -> Kind {
    Kind { from_keras: single_strides, inactive: &[DATA_FORMAT], ..kind }
}

/// A pooling layer over all positions.
pub(super) const fn global_pooling(kind: Kind) -> Kind {
    Kind { optional: || Spec::new("").with("keepdims", true), inactive: &[DATA_FORMAT], ..kind }
}

/// A pooling layer.
pub(super) const fn pooling(kind: Kind) -> Kind {
    Kind { from_keras: default_strides, inactive: &[DATA_FORMAT], ..kind }
}

/// A pooling layer of volumes.
pub(super) const fn pooling3d(kind: Kind) -> Kind {
    Kind { from_keras: default_strides3d, inactive: &[DATA_FORMAT], ..kind }
}

/// A pooling layer with a given number of windows.
pub(super) const fn adaptive(kind: Kind) -> Kind {
    Kind { from_keras: single_sizes, inactive: &[DATA_FORMAT], ..kind }
}

pub(super) const CONV_TRANSPOSE: &[InactiveOption] = &[
    DATA_FORMAT,
    // Keras 2 writes the number of groups, which has no effect.
    only("groups", &[Scalar::Number(1.0)]),
];

pub(super) const DEPTHWISE_CONV: &[InactiveOption] = &[DATA_FORMAT, only("groups", &[Scalar::Number(1.0)])];

pub(super) const SEPARABLE_CONV: &[InactiveOption] = &[
    DATA_FORMAT,
    only("groups", &[Scalar::Number(1.0)]),
    ignored("kernel_initializer", OTHER_KERNELS),
    ignored("kernel_regularizer", OTHER_KERNELS),
    ignored("kernel_constraint", OTHER_KERNELS),
];

pub(super) const CONV_LSTM: &[InactiveOption] = &[
    DATA_FORMAT,
    only_false("stateful"),
    only_false("time_major"),
    ignored("seed", DRAWS),
    ignored("unroll", IMPLEMENTATION),
];

/// Why options of a kernel have no effect on a layer with two other kernels.
const OTHER_KERNELS: &str = "the layer has a depthwise and a pointwise kernel instead";

/// A layer with an activation.
pub(super) const fn activated(kind: Kind) -> Kind {
    Kind { to_keras: reject_unnamed_activations, ..kind }
}

const SEED: &[InactiveOption] = &[ignored("seed", DRAWS), DATA_FORMAT, only_null("noise_shape")];

/// A layer with a seed.
pub(super) const fn seeded(kind: Kind) -> Kind {
    Kind { inactive: SEED, ..kind }
}

const IMAGES: &[InactiveOption] =
    &[ignored("seed", DRAWS), ignored("rng_type", "it selects the generator of random numbers in Keras"), DATA_FORMAT];

/// A layer of images, which may have a seed.
pub(super) const fn images(kind: Kind) -> Kind {
    Kind { inactive: IMAGES, ..kind }
}

/// A dropout layer whose decisions can be shared along axes.
pub(super) const fn dropout(kind: Kind) -> Kind {
    Kind {
        from_keras: open_sizes_to_zero,
        to_keras: open_sizes_to_null,
        optional: || Spec::new("").with("noise_shape", &[0][..]),
        inactive: SEED,
        ..kind
    }
}

/// A recurrent layer.
pub(super) const fn recurrent(kind: Kind) -> Kind {
    let optional = recurrent_options;
    Kind { from_keras: stateful::without_batch_size, optional, inactive: RECURRENT, ..activated(kind) }
}

/// The spec of defaults with an option that may also be negative.
pub(super) fn signed(defaults: &Spec, option: &str) -> Spec {
    defaults.settings().iter().fold(Spec::new(defaults.class()), |spec, (name, value)| match value {
        SpecValue::UInt(size) if name == option => {
            spec.with(name.clone(), SpecValue::Int(isize::try_from(*size).unwrap_or(isize::MAX)))
        }
        value => spec.with(name.clone(), value.clone()),
    })
}
