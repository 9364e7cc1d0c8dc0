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
    activation,
    add,
    affine,
    batch_norm,
    binary_crossentropy,
    categorical_crossentropy,
    conv2d,
    divide,
    dropout,
    hinge,
    huber,
    kl_divergence,
    log_cosh,
    matmul,
    max_pool2d,
    mean,
    mean_absolute_error,
    mean_squared_error,
    multiply,
    reshape,
    scale,
    sigmoid_crossentropy,
    softmax,
    softmax_crossentropy,
    subtract,
    sum,
}

pub use conv2d::{Conv2dOptions, Padding};

pub(crate) use batch_norm::check_batch_norm;
pub(crate) use conv2d::conv2d_output;
pub(crate) use dropout::check_dropout_rate;
pub(crate) use max_pool2d::max_pool2d_output;
pub(crate) use pointwise::values_fit;

mod pairwise;
mod pointwise;
#[cfg(test)]
mod tests;
