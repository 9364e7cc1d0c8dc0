//! Fusion of activations into the operations before them.
//!
//! An operation that supports it, such as a convolution, applies the activation to its sums while they are in cache, and the
//! value before the activation is not stored. Values and gradients keep their bits. The value must have no other reader.

use super::recording::Recording;
use super::source::Place;
use super::step::Step;

/// Fuses each activation into the operation that computes its input, if it supports that and the input is not read otherwise.
pub(super) fn fuse_activations(recording: &mut Recording) {
    let mut readers = vec![0; recording.buffers.len()];
    let places = recording.observed.iter().chain(&recording.loss).map(|var| recording.vars[*var].source.place);
    let read = recording.steps.iter().flat_map(|step| &step.inputs).map(|input| input.place);
    for place in places.chain(read) {
        if let Place::Buffer(buffer) = place {
            readers[buffer] += 1;
        }
    }
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
    let mut fused = fused.into_iter();
    recording.steps.retain(|_| fused.next() == Some(false));
}

#[cfg(test)]
mod tests {
    use crate::kernels::samples;
    use crate::ops::{Activation, Conv2dOptions};
    use crate::tape::{Mode, ParamGradients, Params, Recorder, Var};
    use crate::{Key, Shape};
    use ndarray::arr1;

    /// An operation, and the shapes of its inputs.
    type Case = (&'static str, &'static [&'static [usize]], for<'r> fn(&[Var<'r>]) -> Var<'r>);

    const CASES: [Case; 5] = [
        ("affine", &[&[5, 3], &[3, 4], &[4]], |x| x[0].affine(x[1], x[2], Activation::Linear)),
        ("conv2d", &[&[2, 5, 4, 3], &[3, 2, 3, 6], &[6]], |x| x[0].conv2d(x[1], Some(x[2]), Conv2dOptions::new())),
        ("groups", &[&[2, 5, 4, 4], &[3, 2, 2, 6]], |x| x[0].conv2d(x[1], None, Conv2dOptions::new().groups(2))),
        ("batch_norm", &[&[6, 4], &[4], &[4]], |x| x[0].batch_norm(x[1], x[2], 0.9, 1e-3, None)),
        ("batch_norm_inference", &[&[6, 4], &[4], &[4]], |x| {
            let statistics = [x[0].recorder().constant(&arr1(&[0.5; 4])), x[0].recorder().constant(&arr1(&[2.0; 4]))];
            x[0].batch_norm_inference([x[1], x[2]], statistics, 1e-3)
        }),
    ];

    /// The number of steps, the output, and the gradients of the variables. An observed value is not fused.
    fn run((_, shapes, record): Case, activation: Activation, observed: bool) -> (usize, Vec<Vec<f32>>) {
        let recorder = Recorder::new(Mode::Training);
        let inputs: Vec<Var<'_>> = shapes.iter().map(|shape| recorder.variable(Shape::new(shape).unwrap())).collect();
        let value = record(&inputs);
        if observed {
            let _ = value.id();
        }
        let y = value.activation(activation);
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

    #[test]
    fn fused_activations_have_the_bits_of_separate_ones() {
        for case in CASES {
            for activation in [Activation::Relu, Activation::Sigmoid, Activation::Tanh] {
                let ((fused, found), (apart, expected)) = (run(case, activation, false), run(case, activation, true));
                assert_eq!(fused + 1, apart, "{} and {activation:?}", case.0);
                for (found, expected) in found.iter().zip(&expected) {
                    samples::assert_same_bits(found, expected, &format!("{} and {activation:?}", case.0));
                }
            }
        }
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
