//! The allocations of each operation, on arrays that are split over threads.

use gradus::ops::{
    Activation, Conv2dOptions, Conv2dTransposeOptions, FillMode, Padding, RecurrentOptions, TransformOptions,
};
use gradus::testing::Sample;
use ndarray::Array;

/// A matrix for elementwise operations, and images for operations on images.
const MATRIX: [usize; 2] = [601, 100];
const IMAGES: [usize; 4] = [8, 33, 32, 8];

/// Sequences for recurrences.
const SEQUENCES: [usize; 3] = [33, 20, 16];

/// Options of recurrences.
fn recurrent<'r>() -> RecurrentOptions<'r> {
    RecurrentOptions::new().return_sequences(true).return_state(true)
}

/// An operation on one matrix.
macro_rules! one {
    (|$x:ident| $expression:expr) => {
        Sample::new(|inputs| {
            let $x = inputs[0];
            $expression
        })
        .variable(MATRIX)
    };
}

/// An operation on two matrices.
macro_rules! two {
    (|$x:ident, $y:ident| $expression:expr) => {
        Sample::new(|inputs| {
            let ($x, $y) = (inputs[0], inputs[1]);
            $expression
        })
        .variable(MATRIX)
        .variable(MATRIX)
    };
}

/// A loss of predictions and targets. Targets are probabilities, one-hot if there are classes.
macro_rules! loss {
    (|$x:ident, $t:ident| $expression:expr) => {
        Sample::new(|inputs| {
            let ($x, $t) = (inputs[0], inputs[1]);
            $expression
        })
        .variable(MATRIX)
        .input(Array::from_shape_fn(MATRIX, |(row, column)| f32::from(u8::from((row + column) % MATRIX[1] == 0))))
    };
}

/// In alphabetical order.
pub(crate) fn operations() -> Vec<(&'static str, Sample)> {
    let norm = |sample: Sample| sample.variable([100]).variable([100]);
    let normalized =
        Sample::new(|x| x[0].batch_norm(x[1], x[2], 0.99, 1e-3, None).affine(x[3], x[4], Activation::Sigmoid));
    vec![
        ("absolute", one!(|x| x.absolute())),
        ("activation", one!(|x| x.relu() + x.sigmoid() + x.tanh())),
        ("add", two!(|x, y| x + y)),
        ("affine", {
            let sample = Sample::new(|x| x[0].affine(x[1], x[2], Activation::Relu));
            sample.variable(MATRIX).variable([100, 70]).variable([70])
        }),
        ("affine_transform", {
            let transforms = Array::from_shape_fn((8, 8), |(_, at)| [0.9, 0.1, 2.0, -0.1, 1.1, 0.0, 0.0, 0.0][at]);
            let options = TransformOptions::new().fill_mode(FillMode::Reflect);
            Sample::new(move |x| x[0].affine_transform(x[1], options)).variable(IMAGES).input(transforms)
        }),
        ("average_pool2d", Sample::new(|x| x[0].average_pool2d([2, 3], [2, 2], Padding::Same)).variable(IMAGES)),
        ("batch_matmul", Sample::new(|x| x[0].matmul(x[1])).variable([5, 70, 60]).variable([5, 60, 50])),
        ("batch_norm", {
            let sample = Sample::new(|x| x[0].batch_norm(x[1], x[2], 0.99, 1e-3, Some([x[3], x[4]])));
            norm(sample.variable(MATRIX)).state(Array::zeros(100)).state(Array::ones(100))
        }),
        ("binary_crossentropy", loss!(|x, t| x.sigmoid().binary_crossentropy(t))),
        ("categorical_crossentropy", loss!(|x, t| (x * x + 0.5).categorical_crossentropy(t))),
        ("clip", one!(|x| x.clip(-1.0, 1.0))),
        ("concatenate", two!(|x, y| x.concatenate(&[y], 1))),
        ("conv2d", {
            let sample = Sample::new(|x| x[0].conv2d(x[1], Some(x[2]), Conv2dOptions::default()));
            sample.variable(IMAGES).variable([3, 3, 8, 6]).variable([6])
        }),
        ("conv2d_transpose", {
            let options = Conv2dTransposeOptions::new((66, 64)).strides((2, 2));
            let sample = Sample::new(move |x| x[0].conv2d_transpose(x[1], Some(x[2]), options));
            sample.variable(IMAGES).variable([2, 2, 4, 8]).variable([4])
        }),
        ("divide", two!(|x, y| x / (y * y + 1.0))),
        ("dropout", one!(|x| x.dropout(0.5))),
        ("elu", one!(|x| x.elu(1.0))),
        ("embedding", {
            let indices = Array::from_shape_fn(MATRIX, |(row, column)| ((row + column) % 7) as f32);
            Sample::new(|x| x[1].embedding(x[0])).variable([7, 3]).input(indices)
        }),
        ("equal", two!(|x, y| x.equal(y) * y)),
        ("erf", one!(|x| x.erf())),
        ("exp", one!(|x| x.exp())),
        ("gaussian_noise", one!(|x| x.gaussian_noise(0.5))),
        ("gelu", one!(|x| x.gelu() + x.gelu_tanh())),
        ("global_max_pool2d", Sample::new(|x| x[0].global_max_pool2d()).variable(IMAGES)),
        ("grouped_conv2d", {
            let sample = Sample::new(|x| x[0].conv2d(x[1], Some(x[2]), Conv2dOptions::new().groups(2)));
            sample.variable(IMAGES).variable([3, 3, 4, 6]).variable([6])
        }),
        ("gru", {
            let sample = Sample::new(|x| x[0].gru(x[1], x[2], Some(x[3]), true, recurrent())[0]);
            sample.variable(SEQUENCES).variable([16, 96]).variable([32, 96]).variable([2, 96])
        }),
        ("hard_sigmoid", one!(|x| x.hard_sigmoid() + x.hard_silu() + x.hard_tanh())),
        ("hinge", loss!(|x, t| x.hinge(t))),
        ("huber", loss!(|x, t| x.huber(t, 1.0))),
        ("kl_divergence", loss!(|x, t| x.softmax().kl_divergence(t))),
        ("layer_norm", norm(Sample::new(|x| x[0].layer_norm(Some(x[1]), Some(x[2]), 1e-3)).variable(MATRIX))),
        ("leaky_relu", one!(|x| x.leaky_relu(0.2))),
        ("less", two!(|x, y| x.less(y) * y)),
        ("ln", one!(|x| (x * x + 0.5).ln())),
        ("log_cosh", loss!(|x, t| x.log_cosh(t))),
        ("log_softmax", one!(|x| x.log_softmax())),
        ("lstm", {
            let sample = Sample::new(|x| x[0].lstm(x[1], x[2], Some(x[3]), recurrent())[0]);
            sample.variable(SEQUENCES).variable([16, 128]).variable([32, 128]).variable([128])
        }),
        ("map_coordinates", {
            let positions = Array::from_shape_fn((8, 2, 33, 32), |(_, axis, y, x)| [y, x][axis] as f32 * 0.9);
            Sample::new(|x| x[0].map_coordinates(x[1], TransformOptions::new())).variable(IMAGES).input(positions)
        }),
        ("masked_batch_norm", {
            let sample = Sample::new(|x| x[0].masked_batch_norm(x[1], [x[2], x[3]], 0.99, 1e-3, Some([x[4], x[5]])));
            let sample = sample.variable(MATRIX).input(Array::from_shape_fn(MATRIX[0], |row| (row % 3) as f32 / 2.0));
            sample.variable([100]).variable([100]).state(Array::zeros(100)).state(Array::ones(100))
        }),
        ("matmul", Sample::new(|x| x[0].matmul(x[1])).variable(MATRIX).variable([100, 70])),
        ("max_pool2d", Sample::new(|x| x[0].max_pool2d([2, 3], [2, 2], Padding::Same)).variable(IMAGES)),
        ("maximum", two!(|x, y| x.maximum(y))),
        ("mean", one!(|x| x.mean())),
        ("mean_absolute_error", loss!(|x, t| x.mean_absolute_error(t))),
        ("mean_axes", one!(|x| x.mean_axes(&[0], true))),
        ("mean_squared_error", loss!(|x, t| x.mean_squared_error(t))),
        ("minimum", two!(|x, y| x.minimum(y))),
        ("mish", one!(|x| x.mish())),
        ("multiply", two!(|x, y| x * y)),
        ("normalized_affine", {
            let data = Array::from_shape_fn(MATRIX, |(row, column)| ((row * 7 + column * 3) % 11) as f32);
            norm(normalized.input(data)).variable([100, 70]).variable([70])
        }),
        ("pad", one!(|x| x.pad(&[[1, 0], [0, 2]], 0.5))),
        ("penalty", one!(|x| x.penalty(0.1, 0.1))),
        ("pow", two!(|x, y| (x * x + 0.5).pow(y))),
        ("power", one!(|x| x.power(3.0))),
        ("random_rows", {
            one!(|x| x + x.random_rows([100], |draws, row| row.iter_mut().for_each(|y| *y = draws.uniform() as f32)))
        }),
        ("rectify", one!(|x| x.rectify(0.5, 0.1, 0.2))),
        ("repeat", one!(|x| x.repeat(1, 2))),
        ("resample", {
            let terms = |at: usize| vec![(at, 0.5), ((at + 1) % IMAGES[1], 0.5)];
            Sample::new(move |x| x[0].resample(1, (0..IMAGES[1]).map(terms).collect())).variable(IMAGES)
        }),
        ("reshape", one!(|x| x.reshape([100, 601]) * 2.0)),
        ("scale", one!(|x| 1.0 - x * 2.0)),
        ("selu", one!(|x| x.selu())),
        ("shrink", one!(|x| x.hard_shrink() + x.soft_shrink() + x.tanh_shrink())),
        ("sigmoid_crossentropy", loss!(|x, t| x.sigmoid_crossentropy(t))),
        ("silu", one!(|x| x.silu())),
        ("simple_rnn", {
            let sample = Sample::new(|x| x[0].simple_rnn(x[1], x[2], None, recurrent())[0]);
            sample.variable(SEQUENCES).variable([16, 32]).variable([32, 32])
        }),
        ("slice", one!(|x| x.slice(&[1, 0], [600, 99]))),
        ("softmax", one!(|x| x.softmax())),
        ("softmax_axis", one!(|x| x.softmax_axis(0))),
        ("softmax_crossentropy", loss!(|x, t| x.softmax_crossentropy(t))),
        ("softplus", one!(|x| x.softplus())),
        ("softsign", one!(|x| x.softsign())),
        ("sparse_plus", one!(|x| x.sparse_plus() + x.sparse_sigmoid())),
        ("sparsemax", one!(|x| x.sparsemax())),
        ("sqrt", one!(|x| (x * x + 0.5).sqrt())),
        ("squareplus", one!(|x| x.squareplus())),
        ("subtract", two!(|x, y| x - y)),
        ("sum", one!(|x| x.sum())),
        ("sum_axes", one!(|x| x.sum_axes(&[1], false))),
        ("threshold", one!(|x| x.threshold(0.2, -1.0))),
        ("transpose", one!(|x| x.transpose(&[1, 0]))),
        ("truncate", one!(|x| x.truncate() * x)),
        ("where_nonzero", two!(|x, y| x.where_nonzero(y))),
    ]
}
