//! Operations: one file each, with the formula, the forward pass, the backward pass and the method that records it.
//!
//! Operations are methods and operators of [`Var`](crate::tape::Var): `x.matmul(w)`, `(a + b).relu()`.

/// Declares all operations by group. A new operation is a line here and a file in the folder of the group.
macro_rules! operations {
    ($($group:ident { $($name:ident),* $(,)? }),* $(,)?) => {
        $(mod $group {
            $(pub(in crate::ops) mod $name;)*
        })*

        /// The samples of all operations, for tests.
        #[cfg(test)]
        fn samples() -> Vec<(&'static str, Vec<crate::testing::Sample>)> {
            vec![$($((stringify!($name), $group::$name::tests::samples()),)*)*]
        }
    };
}

operations! {
    activations {
        activation,
        elu,
        gelu,
        hard_sigmoid,
        leaky_relu,
        log_softmax,
        mish,
        rectify,
        selu,
        shrink,
        silu,
        softmax,
        softmax_axis,
        softplus,
        softsign,
        sparse_plus,
        sparsemax,
        squareplus,
        threshold,
    },
    convolutional {
        conv2d,
        conv2d_transpose,
        grouped_conv2d,
    },
    core {
        affine,
        batch_matmul,
        embedding,
        matmul,
    },
    images {
        affine_transform,
        map_coordinates,
    },
    losses {
        binary_crossentropy,
        categorical_crossentropy,
        hinge,
        huber,
        kl_divergence,
        log_cosh,
        mean_absolute_error,
        mean_squared_error,
        sigmoid_crossentropy,
        softmax_crossentropy,
    },
    math {
        absolute,
        add,
        clip,
        divide,
        equal,
        erf,
        exp,
        less,
        ln,
        maximum,
        minimum,
        multiply,
        pow,
        power,
        scale,
        sqrt,
        subtract,
        truncate,
        where_nonzero,
    },
    normalization {
        batch_norm,
        layer_norm,
        masked_batch_norm,
        normalized_affine,
    },
    pooling {
        average_pool2d,
        global_max_pool2d,
        max_pool2d,
    },
    random {
        random_rows,
    },
    recurrent {
        gru,
        lstm,
        simple_rnn,
    },
    reduction {
        mean,
        mean_axes,
        sum,
        sum_axes,
    },
    regularization {
        dropout,
        gaussian_noise,
        penalty,
    },
    reshaping {
        concatenate,
        pad,
        repeat,
        resample,
        reshape,
        slice,
        transpose,
    },
}

pub use activations::activation::Activation;
pub use conv2d_options::Conv2dOptions;
pub use conv2d_transpose_options::Conv2dTransposeOptions;
pub use interpolation::Interpolation;
pub use recurrent_options::RecurrentOptions;
pub use transform_options::TransformOptions;
pub use window::Padding;

pub use crate::kernels::sampling::FillMode;

#[cfg(test)]
pub(crate) use activations::activation::ACTIVATIONS;
pub(crate) use axes::find as find_axis;
pub(crate) use convolutional::conv2d::conv2d_output;
pub(crate) use normalization::batch_norm::check_batch_norm;
pub(crate) use normalization::layer_norm::check_layer_norm;
pub(crate) use pooling::average_pool2d::pooled;
pub(crate) use regularization::dropout::check_dropout_rate;
pub(crate) use regularization::gaussian_noise::check_stddev;
pub(crate) use regularization::penalty::check_penalty_factor;
pub(crate) use reshaping::concatenate::concatenated;
pub(crate) use reshaping::pad::padded;
pub(crate) use window::size as window_size;

mod axes;
mod conv2d_options;
mod conv2d_transpose_options;
mod fill_mode;
mod interpolation;
mod pairwise;
mod pointwise;
mod recurrence;
mod recurrent_options;
mod row_functions;
#[cfg(test)]
mod tests;
mod transform_options;
mod unary;
mod window;
