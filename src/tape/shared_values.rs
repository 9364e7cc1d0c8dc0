//! The assignment of values to arrays in tapes without a backward pass.
//!
//! A value that cannot be read from the tape is needed until the last operation that reads it has run. Then its array holds
//! later values, so that predictions touch less memory, and more of it stays in cache.

use super::recording::Recording;
use super::slots::Slots;
use super::source::Place;

/// Lets values share buffers: all but inputs, constants, observed and assigned values, and those with which states are updated.
pub(super) fn share_values(recording: &mut Recording) {
    let mut last_readers = vec![None; recording.buffers.len()];
    for (at, step) in recording.steps.iter().enumerate() {
        buffers_of(step.inputs.iter().map(|input| input.place)).for_each(|buffer| last_readers[buffer] = Some(at));
    }
    let mut kept = vec![false; recording.buffers.len()];
    let mut slots = Slots::new(recording.buffers.len());
    for buffer in recording.inputs.iter().copied().chain(recording.constants.iter().map(|(buffer, _)| *buffer)) {
        slots.take(buffer, recording.buffers[buffer]);
        kept[buffer] = true;
    }
    let observed = recording.observed.iter().chain(recording.assigned.iter().map(|(_, var)| var));
    let observed = observed.map(|var| recording.vars[*var].source.place);
    let updating = recording.steps.iter().filter(|step| !step.states.is_empty());
    let updating =
        updating.flat_map(|step| step.inputs.iter().map(|input| input.place).chain([Place::Buffer(step.output)]));
    buffers_of(observed.chain(updating)).for_each(|buffer| kept[buffer] = true);
    for (at, step) in recording.steps.iter().enumerate() {
        slots.take(step.output, step.length);
        let mut read: Vec<usize> = buffers_of(step.inputs.iter().map(|input| input.place)).collect();
        read.sort_unstable();
        read.dedup();
        let ended = |buffer: &usize| !kept[*buffer] && last_readers[*buffer].is_none_or(|last| last == at);
        read.into_iter().chain([step.output]).filter(ended).for_each(|buffer| slots.release(buffer));
    }
    let slot = |buffer: usize| slots.of[buffer].expect("every buffer is filled or computed");
    for step in &mut recording.steps {
        step.output = slot(step.output);
        step.inputs.iter_mut().for_each(|input| input.place = input.place.in_buffer(slot));
    }
    // Values that a fused operation no longer computes have no buffer.
    for value in &mut recording.vars {
        value.source.place = match value.source.place {
            Place::Buffer(buffer) if slots.of[buffer].is_none() => Place::Nowhere,
            place => place.in_buffer(slot),
        };
    }
    recording.inputs.iter_mut().for_each(|buffer| *buffer = slot(*buffer));
    recording.constants.iter_mut().for_each(|(buffer, _)| *buffer = slot(*buffer));
    recording.buffers = slots.lengths;
}

/// The buffers among these places.
fn buffers_of(places: impl Iterator<Item = Place>) -> impl Iterator<Item = usize> {
    places.filter_map(|place| match place {
        Place::Buffer(buffer) => Some(buffer),
        Place::Param(_) | Place::Nowhere => None,
    })
}

impl Place {
    /// The place with the number of its buffer replaced, if it is one.
    fn in_buffer(self, number: impl Fn(usize) -> usize) -> Place {
        match self {
            Place::Buffer(buffer) => Place::Buffer(number(buffer)),
            place => place,
        }
    }
}

#[cfg(test)]
mod tests {
    use crate::Key;
    use crate::tape::{Mode, Params, Recorder, Tape, ValueId};
    use ndarray::{arr1, arr2};

    /// Records operations among which one value has several readers, one is read twice by one operation, and one is not read.
    /// Returns the ids of the input, of a value in the middle, and of the output.
    fn record(recorder: &Recorder) -> [ValueId; 3] {
        let x = recorder.input([2, 3]);
        let a = x.exp();
        let b = a * a;
        let _ = b.sum_axes(&[1], true).sqrt();
        let c = (b + recorder.constant(&arr1(&[1.0, 2.0, 3.0]))).ln();
        let d = c.reshape([3, 2]).transpose(&[1, 0]);
        let y = d + a.tanh() * c;
        [x.id(), b.id(), y.id()]
    }

    fn outputs(tape: &mut Tape, [x, b, y]: [ValueId; 3], factor: f32) -> [Vec<f32>; 2] {
        tape.input_mut(x).assign(&arr2(&[[0.1, -0.2, 0.3], [0.4, 0.5, -0.6]]).mapv(|v: f32| v * factor));
        tape.run(&Params::new(), Key::from_seed(0)).unwrap();
        [b, y].map(|id| tape.view(id).data().to_vec())
    }

    #[test]
    fn observed_values_are_those_of_a_tape_without_sharing() {
        let tapes = [Recorder::finish, Recorder::finish_with_shared_values].map(|finish| {
            let recorder = Recorder::new(Mode::Inference);
            let ids = record(&recorder);
            (finish(recorder).unwrap(), ids)
        });
        let [(mut apart, ids), (mut shared, shared_ids)] = tapes;
        assert!(shared.bytes() < apart.bytes(), "{} and {} bytes", shared.bytes(), apart.bytes());
        for factor in [1.0, 2.0, 0.5] {
            assert_eq!(outputs(&mut shared, shared_ids, factor), outputs(&mut apart, ids, factor));
        }
    }

    #[test]
    fn a_long_chain_needs_three_arrays() {
        let recorder = Recorder::new(Mode::Inference);
        let x = recorder.input([4, 5]);
        let y = (0..30).fold(x, |x, _| x.exp().tanh());
        let _ = [x.id(), y.id()];
        assert_eq!(recorder.finish_with_shared_values().unwrap().bytes(), 3 * 20 * size_of::<f32>());
    }
}
