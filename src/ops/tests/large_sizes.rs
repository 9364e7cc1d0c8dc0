//! Tests with shapes and settings that exceed the memory, and with the largest settings.

use super::{resized, sizes};
use crate::error::Error;
use crate::ops::{Activation, Conv2dOptions, Padding, samples};
use crate::random::Key;
use crate::shape::Shape;
use crate::tape::{Mode, ParamGradients, Params, Recorder, Var};
use crate::testing;

/// Sizes that exceed any memory. Their products and sums overflow.
const HUGE: [usize; 5] = [usize::MAX, usize::MAX - 1, usize::MAX / 2, 1 << 62, 1 << 47];

/// The shapes with the size of one axis of one input replaced, for each axis of each input.
fn with_size(own: &[Shape], to: usize) -> Vec<Vec<Shape>> {
    let places = (0..own.len()).flat_map(|input| (0..own[input].rank()).map(move |axis| (input, axis)));
    let replaced = |(input, axis): (usize, usize)| {
        let (mut shapes, mut sizes) = (own.to_vec(), own[input].sizes().to_vec());
        sizes[axis] = to;
        shapes[input] = Shape::new(&sizes).unwrap();
        shapes
    };
    places.map(replaced).collect()
}

#[test]
fn shapes_that_exceed_memory_are_errors() {
    for (name, samples) in samples() {
        for sample in samples {
            let own = sample.shapes();
            for huge in HUGE {
                let together = sizes(&sample).into_iter().map(|size| resized(&sample, size, huge));
                for shapes in with_size(&own, huge).into_iter().chain(together) {
                    assert!(sample.record_on(&shapes).is_err(), "{name} on {shapes:?}");
                }
            }
        }
    }
}

/// A size of an array that fits in memory, and whose square does not.
const LARGE: usize = 1 << 24;

/// Checks that an operation on inputs of these shapes, which fit in memory, returns an error.
fn assert_too_large(shapes: &[&[usize]], record: impl for<'r> Fn(&[Var<'r>]) -> Var<'r>) {
    let recorder = Recorder::new(Mode::Training);
    let inputs: Vec<Var<'_>> = shapes.iter().map(|sizes| recorder.input(Shape::new(sizes).unwrap())).collect();
    let _ = recorder.scope("somewhere", || record(&inputs));
    let error = recorder.finish().unwrap_err();
    let Error::TooLarge { place, .. } = &error else { panic!("{shapes:?}: {error}") };
    assert!(place.starts_with("somewhere: "), "{shapes:?}: {error}");
}

#[test]
fn results_of_large_inputs_are_checked() {
    assert_too_large(&[&[LARGE, 1], &[LARGE]], |x| x[0] + x[1]);
    assert_too_large(&[&[LARGE, 1], &[1, LARGE]], |x| x[0].matmul(x[1]));
    assert_too_large(&[&[LARGE, 1, 1, 1], &[1, LARGE, 1, 1]], |x| x[0].matmul(x[1]));
    assert_too_large(&[&[LARGE], &[1, LARGE]], |x| x[0].embedding(x[1]));
    assert_too_large(&[&[LARGE, 1], &[1], &[1], &[1, LARGE], &[LARGE]], |x| {
        x[0].batch_norm(x[1], x[2], 0.9, 1e-3, None).affine(x[3], x[4], Activation::Linear)
    });
    let same = Conv2dOptions::new().padding(Padding::Same);
    assert_too_large(&[&[1, LARGE, 1, 1], &[1, LARGE, 1, 1]], |x| x[0].conv2d(x[1], None, same)); // zeros around the image
    assert_too_large(&[&[1, LARGE, 1, 1], &[1, 1, 1, LARGE]], |x| x[0].conv2d(x[1], None, same));
    assert_too_large(&[&[LARGE, 1, 1, 1], &[1, 1, 1, LARGE]], |x| x[0].conv2d(x[1], None, same.dilation_rate(2)));
    assert_too_large(&[&[2, LARGE]], |x| x[0].pad(&[[0, 0], [1 << 47, 1 << 62]], 0.0));
}

/// The name of an integer setting, a function that records its operation, and the shape of the input.
type Setting = (&'static str, for<'r> fn(Var<'r>, usize) -> Var<'r>, &'static [usize]);

/// All operations with integer settings.
const SETTINGS: [Setting; 17] = [
    ("strides", |x, size| conv(x, |options| options.strides((size, 1))), &[2, 5, 4, 4]),
    ("strides", |x, size| conv(x, |options| options.strides(size)), &[2, 5, 4, 4]),
    ("dilation", |x, size| conv(x, |options| options.dilation_rate((1, size))), &[2, 5, 4, 4]),
    ("dilation", |x, size| conv(x, |options| options.dilation_rate(size)), &[2, 5, 4, 4]),
    ("groups", |x, size| conv(x, |options| options.groups(size)), &[2, 5, 4, 4]),
    ("window", |x, size| x.max_pool2d([size, 1], [1, 1], Padding::Same), &[2, 5, 4, 4]),
    ("window", |x, size| x.max_pool2d([size, size], [1, 1], Padding::Valid), &[2, 5, 4, 4]),
    ("strides", |x, size| x.max_pool2d([2, 2], [1, size], Padding::Same), &[2, 5, 4, 4]),
    ("strides", |x, size| x.max_pool2d([2, 2], [size, size], Padding::Valid), &[2, 5, 4, 4]),
    ("window", |x, size| x.average_pool2d([1, size], [1, 1], Padding::Same), &[2, 5, 4, 4]),
    ("strides", |x, size| x.average_pool2d([2, 2], [size, 1], Padding::Same), &[2, 5, 4, 4]),
    ("around", |x, size| x.pad(&[[size, 0], [0, size]], 0.0), &[2, 3]),
    ("around", |x, size| x.pad(&[[1, 0], [size, size]], 0.0), &[2, 3]),
    ("starts", |x, size| x.slice(&[size, 0], [1, 1]), &[2, 3]),
    ("size", |x, size| x.slice(&[1, 0], [1, size]), &[2, 3]),
    ("axes", |x, size| x.transpose(&[size, 0]), &[2, 3]),
    ("shape", |x, size| x.reshape([size, 2]), &[2, 3]),
];

/// Records a convolution with kernels 2 × 2.
fn conv<'r>(x: Var<'r>, set: impl FnOnce(Conv2dOptions) -> Conv2dOptions) -> Var<'r> {
    let options = Conv2dOptions::new().padding(Padding::Same);
    x.conv2d(x.recorder().variable([2, 2, 4, 2]), None, set(options))
}

#[test]
fn settings_that_exceed_memory_are_errors() {
    for (name, record, shape) in SETTINGS {
        for size in HUGE {
            let recorder = Recorder::new(Mode::Training);
            let x = recorder.variable(Shape::new(shape).unwrap());
            recorder.minimize(recorder.scope("somewhere", || record(x, size)).sum());
            assert!(recorder.finish().is_err(), "{name} {size} on {shape:?}");
        }
    }
}

/// The largest strides give one window, as strides of the size of the image do.
#[test]
fn the_largest_strides_give_one_window() {
    let bits = |stride: usize, padding: Padding, record: fn(Var<'_>, usize, Padding) -> Var<'_>| {
        let recorder = Recorder::new(Mode::Training);
        let x = recorder.variable([2, 5, 4, 4]);
        let y = record(x, stride, padding);
        recorder.minimize((y * y).sum());
        let (x, y) = (x.id(), y.id());
        let (mut tape, params) = (recorder.finish().unwrap(), Params::new());
        tape.input_mut(x).assign(&testing::spread(Shape::from([2, 5, 4, 4]), 1));
        tape.run(&params, Key::from_seed(0)).unwrap();
        tape.backward(&params, &mut ParamGradients::new(&params));
        let (value, gradient) = (tape.value(y), tape.gradient(x).unwrap());
        value.iter().chain(gradient).map(|value| value.to_bits()).collect::<Vec<u32>>()
    };
    let records: [fn(Var<'_>, usize, Padding) -> Var<'_>; 3] = [
        |x, stride, padding| x.max_pool2d([2, 2], [stride; 2], padding),
        |x, stride, padding| x.average_pool2d([2, 2], [stride; 2], padding),
        |x, stride, padding| {
            let kernel = x.slice(&[0, 0, 0, 0], [2, 2, 4, 4]);
            x.conv2d(kernel, None, Conv2dOptions::new().strides(stride).padding(padding))
        },
    ];
    for record in records {
        for padding in [Padding::Valid, Padding::Same] {
            assert_eq!(bits(i32::MAX as usize, padding, record), bits(5, padding, record), "{padding:?}");
        }
    }
}
