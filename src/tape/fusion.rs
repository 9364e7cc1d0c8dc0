//! Fusion of operations: of activations into the operations before them, and of zeros around images into the convolutions after
//! them.
//!
//! An operation that supports it, such as a convolution, applies the activation to its sums while they are in cache, and the
//! value before the activation is not stored. A convolution that pads images itself does not store padded ones. Outputs keep
//! their bits if they are finite. A value that is no longer stored must have no other reader.

use super::recording::Recording;
use super::source::Place;
use super::step::Step;

/// Fuses what the operations of a recording support.
pub(super) fn fuse(recording: &mut Recording) {
    fuse_padding(recording);
    fuse_activations(recording);
}

/// The number of readers of each buffer, among them the loss and the caller.
fn count_readers(recording: &Recording) -> Vec<usize> {
    let mut readers = vec![0; recording.buffers.len()];
    let places = recording.observed.iter().chain(&recording.loss).map(|var| recording.vars[*var].source.place);
    let read = recording.steps.iter().flat_map(|step| &step.inputs).map(|input| input.place);
    for place in places.chain(read) {
        if let Place::Buffer(buffer) = place {
            readers[buffer] += 1;
        }
    }
    readers
}

/// Removes the steps that other steps compute.
fn remove_fused(recording: &mut Recording, fused: Vec<bool>) {
    let mut fused = fused.into_iter();
    recording.steps.retain(|_| fused.next() == Some(false));
}

/// Fuses zeros around images into the operation that reads them, if it supports that and they are not read otherwise.
fn fuse_padding(recording: &mut Recording) {
    let readers = count_readers(recording);
    // The step that adds zeros in each buffer.
    let mut paddings = vec![None; recording.buffers.len()];
    let mut fused = vec![false; recording.steps.len()];
    for at in 0..recording.steps.len() {
        let (before, step) = recording.steps.split_at_mut(at);
        let step = &mut step[0];
        if step.op.zero_padding().is_some() {
            paddings[step.output] = Some(at);
        }
        let Some(Place::Buffer(buffer)) = step.inputs.first().map(|input| input.place) else { continue };
        let Some(padding) = paddings[buffer].filter(|_| readers[buffer] == 1) else { continue };
        let earlier: &Step = &before[padding];
        let around = earlier.op.zero_padding().expect("a step that adds zeros");
        if step.op.pad_input(earlier.inputs[0].shape, around) {
            (step.inputs[0], step.needs_gradient[0]) = (earlier.inputs[0], earlier.needs_gradient[0]);
            recording.buffers[buffer] = 0;
            fused[padding] = true;
        }
    }
    remove_fused(recording, fused);
}

/// Fuses each activation into the operation that computes its input, if it supports that and the input is not read otherwise.
fn fuse_activations(recording: &mut Recording) {
    let readers = count_readers(recording);
    // The step that computes each buffer.
    let mut producers = vec![None; recording.buffers.len()];
    let mut fused = vec![false; recording.steps.len()];
    for (at, is_fused) in fused.iter_mut().enumerate() {
        let (before, step) = recording.steps.split_at_mut(at);
        let step = &step[0];
        let mut producer = at;
        if let (Some(activation), [input]) = (step.op.elementwise(), &step.inputs[..])
            && let Place::Buffer(buffer) = input.place
            && let Some(earlier) = producers[buffer]
            && readers[buffer] == 1
        {
            let earlier_step: &mut Step = &mut before[earlier];
            if earlier_step.op.fuse(activation) {
                earlier_step.output = step.output;
                recording.buffers[buffer] = 0;
                (*is_fused, producer) = (true, earlier);
            }
        }
        producers[step.output] = Some(producer);
    }
    remove_fused(recording, fused);
}

#[cfg(test)]
mod tests {
    use crate::kernels::samples;
    use crate::ops::{Activation, Conv2dOptions, Padding};
    use crate::tape::{Mode, ParamGradients, Params, Recorder, Var};
    use crate::{Key, Shape};
    use ndarray::arr1;

    /// An operation, and the shapes of its inputs.
    type Case = (&'static str, &'static [&'static [usize]], for<'r> fn(&[Var<'r>]) -> Var<'r>);

    const CASES: [Case; 7] = [
        ("affine", &[&[5, 3], &[3, 4], &[4]], |x| x[0].affine(x[1], x[2], Activation::Linear)),
        ("conv2d", &[&[2, 5, 4, 3], &[3, 2, 3, 6], &[6]], |x| x[0].conv2d(x[1], Some(x[2]), Conv2dOptions::new())),
        ("groups", &[&[2, 5, 4, 4], &[3, 2, 2, 6]], |x| x[0].conv2d(x[1], None, Conv2dOptions::new().groups(2))),
        ("add", &[&[3, 4], &[3, 4]], |x| x[0] + x[1]),
        ("multiply", &[&[3, 4], &[4]], |x| x[0] * x[1]),
        ("batch_norm", &[&[6, 4], &[4], &[4]], |x| x[0].batch_norm(x[1], x[2], 0.9, 1e-3, None)),
        ("batch_norm_inference", &[&[6, 4], &[4], &[4]], |x| {
            let statistics = [x[0].recorder().constant(&arr1(&[0.5; 4])), x[0].recorder().constant(&arr1(&[2.0; 4]))];
            x[0].batch_norm_inference([x[1], x[2]], statistics, 1e-3)
        }),
    ];

    /// The number of steps, the output, and the gradients of the variables. An observed value is not fused.
    fn run(shapes: &[&[usize]], record: impl for<'r> Fn(&[Var<'r>]) -> Var<'r>) -> (usize, Vec<Vec<f32>>) {
        let recorder = Recorder::new(Mode::Training);
        let inputs: Vec<Var<'_>> = shapes.iter().map(|shape| recorder.variable(Shape::new(shape).unwrap())).collect();
        let y = record(&inputs);
        recorder.minimize((y * y).sum());
        let (ids, y) = (inputs.iter().map(Var::id).collect::<Vec<_>>(), y.id());
        let mut tape = recorder.finish().unwrap();
        for (seed, id) in ids.iter().enumerate() {
            let input = tape.input_slices([*id])[0].len();
            tape.input_slices([*id])[0].copy_from_slice(&samples::values(seed as u64, input));
        }
        let params = Params::new();
        tape.run(&params, Key::from_seed(0)).unwrap();
        tape.backward(&params, &mut ParamGradients::new(&params));
        let mut values = vec![tape.view(y).data().to_vec()];
        values.extend(ids.iter().map(|id| tape.gradient(*id).unwrap().iter().copied().collect()));
        (tape.steps.len(), values)
    }

    fn observed(value: Var<'_>) -> Var<'_> {
        let _ = value.id();
        value
    }

    #[test]
    fn fused_activations_have_the_bits_of_separate_ones() {
        for case in CASES {
            for activation in [Activation::Relu, Activation::Sigmoid, Activation::Tanh] {
                let (_, shapes, record) = case;
                let (fused, found) = run(shapes, |x| record(x).activation(activation));
                let (apart, expected) = run(shapes, |x| observed(record(x)).activation(activation));
                assert_eq!(fused + 1, apart, "{} and {activation:?}", case.0);
                for (found, expected) in found.iter().zip(&expected) {
                    samples::assert_same_bits(found, expected, &format!("{} and {activation:?}", case.0));
                }
            }
        }
    }

    #[test]
    fn convolutions_that_pad_images_have_the_values_of_separate_ones() {
        let around = [[0, 0], [1, 0], [1, 2], [0, 0]];
        let same = Conv2dOptions::new().padding(Padding::Same);
        // Numbers of channels, channels of a group and filters.
        for ([channels, inner, filters], options) in [
            ([3, 3, 5], Conv2dOptions::new()),
            ([3, 3, 5], Conv2dOptions::new().strides(2)),
            ([1, 1, 4], same.strides((2, 1))),
            ([16, 16, 16], Conv2dOptions::new()),
            ([20, 1, 20], Conv2dOptions::new().groups(20).strides(2)),
            ([4, 2, 6], same.groups(2).dilation_rate(2)),
            ([64, 32, 32], Conv2dOptions::new().groups(2)),
        ] {
            let shapes: [&[usize]; 2] = [&[3, 9, 8, channels], &[3, 3, inner, filters]];
            let (fused, found) = run(&shapes, |x| x[0].pad(&around, 0.0).conv2d(x[1], None, options));
            let (apart, expected) = run(&shapes, |x| observed(x[0].pad(&around, 0.0)).conv2d(x[1], None, options));
            assert_eq!(fused + 1, apart, "{channels} channels");
            for (position, (found, expected)) in found.iter().zip(&expected).enumerate() {
                // Other tiles of images have other sums of gradients.
                if channels == 16 && position == 1 {
                    approx::assert_relative_eq!(found[..], expected[..], epsilon = 1e-3, max_relative = 1e-5);
                } else {
                    samples::assert_same_bits(found, expected, &format!("{channels} channels, array {position}"));
                }
            }
        }
    }

    #[test]
    fn other_padding_stays_separate() {
        let steps = |around: [[usize; 2]; 4], value: f32| {
            let recorder = Recorder::new(Mode::Inference);
            let padded = recorder.input([1, 4, 4, 1]).pad(&around, value);
            let _ = padded.conv2d(recorder.input([2, 2, 1, 1]), None, Conv2dOptions::new());
            recorder.finish().unwrap().steps.len()
        };
        assert_eq!(steps([[0, 0], [1, 0], [0, 1], [0, 0]], 0.0), 1);
        for around in
            [[[0, 0], [2, 0], [0, 0], [0, 0]], [[0, 0], [0, 0], [0, 2], [0, 0]], [[1, 0], [0, 0], [0, 0], [0, 0]]]
        {
            assert_eq!(steps(around, 0.0), 2, "{around:?}");
        }
        assert_eq!(steps([[0, 0], [1, 0], [0, 1], [0, 0]], 0.5), 2);
    }

    #[test]
    fn values_with_other_readers_and_other_activations_stay_separate() {
        let steps = |record: for<'r> fn(Var<'r>) -> Var<'r>| {
            let recorder = Recorder::new(Mode::Inference);
            let x = recorder.input([2, 3]);
            let _ = record(x.affine(recorder.input([3, 4]), recorder.input([4]), Activation::Linear));
            recorder.finish().unwrap().steps.len()
        };
        assert_eq!(steps(|z| z.relu()), 1);
        assert_eq!(steps(|z| z.relu() + z), 3);
        assert_eq!(steps(|z| z.relu().tanh()), 2);
        assert_eq!(steps(|z| z.exp()), 2);
    }
}
