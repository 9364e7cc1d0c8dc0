//! Operators of scikit-learn models, which [`rewrite`](crate::formats::onnx::scikit_learn::rewrite) replaces.

use super::attributes::{Operator, ignored, operator, read};

/// The domain of these operators.
pub(in crate::formats::onnx) const DOMAIN: &str = "ai.onnx.ml";

/// The operators and their attributes.
pub(super) const OPERATORS: &[Operator] = &[
    operator(
        "LinearClassifier",
        1,
        &[
            read("classlabels_ints"),
            read("classlabels_strings"),
            read("coefficients"),
            read("intercepts"),
            ignored("multi_class", "post_transform determines how scores become probabilities"),
            read("post_transform"),
        ],
    ),
    operator(
        "LinearRegressor",
        1,
        &[read("coefficients"), read("intercepts"), read("post_transform"), read("targets")],
    ),
    operator("Normalizer", 1, &[read("norm")]),
    operator("Scaler", 1, &[read("offset"), read("scale")]),
];
