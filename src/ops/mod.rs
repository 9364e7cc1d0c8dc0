//! Operations: one file each, with the formula, the forward, the backward and the method that records it.
//!
//! The methods are on [`Var`](crate::tape::Var), so there is nothing to import: `x.matmul(w)`, `(a + b).relu()`.

/// Every operation: one line here and one new file add one.
macro_rules! operations {
    ($($name:ident),* $(,)?) => {
        $(mod $name;)*

        /// What the tests that walk all operations record.
        #[cfg(test)]
        fn samples() -> Vec<(&'static str, Vec<crate::testing::Sample>)> {
            vec![$((stringify!($name), $name::tests::samples())),*]
        }
    };
}

operations! {
    absolute,
    activation,
    add,
    affine,
    average_pool2d,
    batch_matmul,
    batch_norm,
    binary_crossentropy,
    categorical_crossentropy,
    clip,
    concatenate,
    conv2d,
    divide,
    dropout,
    elu,
    embedding,
    equal,
    erf,
    exp,
    gelu,
    global_max_pool2d,
    grouped_conv2d,
    hard_sigmoid,
    hinge,
    huber,
    kl_divergence,
    layer_norm,
    leaky_relu,
    less,
    ln,
    log_cosh,
    log_softmax,
    matmul,
    max_pool2d,
    maximum,
    mean,
    mean_absolute_error,
    mean_axes,
    mean_squared_error,
    minimum,
    multiply,
    normalized_affine,
    pad,
    penalty,
    pow,
    power,
    reshape,
    scale,
    selu,
    sigmoid_crossentropy,
    silu,
    slice,
    softmax,
    softmax_axis,
    softmax_crossentropy,
    softplus,
    softsign,
    sqrt,
    subtract,
    sum,
    sum_axes,
    transpose,
    truncate,
    where_nonzero,
}

pub use activation::Activation;
pub use conv2d::{Conv2dOptions, Padding};

#[cfg(test)]
pub(crate) use activation::ACTIVATIONS;
pub(crate) use average_pool2d::pooled;
pub(crate) use axes::find as find_axis;
pub(crate) use batch_norm::check_batch_norm;
pub(crate) use concatenate::concatenated;
pub(crate) use conv2d::conv2d_output;
pub(crate) use dropout::check_dropout_rate;
pub(crate) use layer_norm::check_layer_norm;
pub(crate) use pad::padded;
pub(crate) use penalty::check_penalty_factor;

mod axes;
mod pairwise;
mod pointwise;
#[cfg(test)]
mod tests;
mod unary;
