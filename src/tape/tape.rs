//! The tape: a recorded computation that can be run repeatedly.

use super::assignments::Assignments;
use super::context::Context;
use super::faults::Faults;
use super::fusion::fuse;
use super::gradients::Gradients;
use super::inputs::Inputs;
use super::mode::Mode;
use super::param_gradients::ParamGradients;
use super::params::{ParamId, Params};
use super::plan;
use super::recording::Recording;
use super::shared_values::share_values;
use super::source::{Place, Source};
use super::stamp::Stamp;
use super::state_updates::StateUpdates;
use super::step::Step;
use super::value_id::ValueId;
use crate::error::{Error, Result};
use crate::kernels::aligned_buffer::AlignedBuffer;
use crate::kernels::spin_wait;
use crate::kernels::update::{MAX_STATE_ARRAYS, Update, UpdateRule};
use crate::random::Key;
use crate::shape::Shape;
use std::fmt;

/// A recorded computation: operations with their buffers. Can be run repeatedly and sent to another thread.
///
/// Made by [`Recorder::finish`](super::Recorder::finish).
pub struct Tape {
    stamp: Stamp,
    mode: Mode,
    pub(super) params: Option<Stamp>,
    /// One more than the largest index of a parameter of the recording.
    params_end: usize,
    vars: Vec<Source>,
    /// The buffers that are filled before a run.
    pub(super) inputs: Vec<usize>,
    pub(super) buffers: Vec<AlignedBuffer>,
    /// The arrays for gradients, which several gradients share one after the other.
    pub(super) gradients: Vec<AlignedBuffer>,
    /// The array in `gradients` of the gradient of each buffer that has one.
    pub(super) gradient_slots: Vec<Option<usize>>,
    scratch: Vec<AlignedBuffer>,
    loss: Option<usize>,
    pub(super) steps: Vec<Step>,
    faults: Faults,
    pub(super) state_updates: StateUpdates,
    pub(super) assignments: Assignments,
    /// One more than the largest index of a trainable parameter of the recording.
    trainable_end: usize,
    /// Whether the last run succeeded.
    pub(super) has_run: bool,
}

impl Tape {
    /// Plans the backward pass of a recording and allocates the buffers.
    ///
    /// # Errors
    /// A trainable parameter on which the loss does not depend.
    pub(super) fn new(mut recording: Recording, mode: Mode) -> Result<Tape> {
        fuse(&mut recording);
        Tape::of_fused(recording, mode)
    }

    /// Allocates the buffers of a recording, in which values that cannot be read share arrays, without a backward pass.
    pub(super) fn with_shared_values(mut recording: Recording, mode: Mode) -> Result<Tape> {
        fuse(&mut recording);
        recording.loss = None;
        share_values(&mut recording);
        Tape::of_fused(recording, mode)
    }

    fn of_fused(recording: Recording, mode: Mode) -> Result<Tape> {
        let Recording {
            stamp,
            params,
            vars,
            buffers,
            inputs,
            mut steps,
            trainable,
            states,
            assigned,
            loss,
            constants,
            params_end,
            ..
        } = recording;
        let loss = loss.and_then(|var| match vars[var].source.place {
            Place::Buffer(buffer) if vars[var].differentiable => Some(buffer),
            _ => None,
        });
        let plan = plan::backward(&mut steps, &buffers, loss);
        if recording.loss.is_some() {
            plan.check_reached(&trainable)?;
        }
        let mut buffers: Vec<AlignedBuffer> = buffers.iter().copied().map(AlignedBuffer::zeros).collect();
        constants.iter().for_each(|(buffer, values)| buffers[*buffer].copy_from_slice(values));
        Ok(Tape {
            stamp,
            mode,
            params,
            params_end,
            vars: vars.iter().map(|value| value.source).collect(),
            inputs,
            gradients: plan.gradients.lengths.iter().copied().map(AlignedBuffer::zeros).collect(),
            gradient_slots: plan.gradients.of,
            scratch: plan.scratch.iter().copied().map(AlignedBuffer::zeros).collect(),
            buffers,
            loss,
            steps,
            faults: Faults::default(),
            state_updates: StateUpdates::new(states),
            assignments: Assignments::new(assigned.iter().map(|(param, var)| {
                let source = vars[*var].source;
                (*param, source.place, source.shape)
            })),
            trainable_end: trainable.iter().map(|(index, _)| index + 1).max().unwrap_or(0),
            has_run: false,
        })
    }

    /// Computes all values from the inputs and the parameters.
    ///
    /// `key` is the random key of this run. Each random operation splits it by its layer and its number in the layer.
    ///
    /// # Errors
    /// [`Error::Fault`] when an operation encounters an invalid value, such as an index out of range. The run
    /// ends at the first such operation, in the order of recording. The values of the tape are then unspecified,
    /// [`backward`](Tape::backward) panics, and [`commit`](Tape::commit) has no effect. The tape can be run again.
    ///
    /// # Panics
    /// When `params` are not those of the recording.
    pub fn run(&mut self, params: &Params, key: Key) -> Result<()> {
        self.run_rows(params, key, 0)
    }

    /// Computes all values for the rows of a larger batch that begin with row `first_row`, as for
    /// [`Compile::shards`](crate::Compile::shards). Operations draw for a row what a run of the whole batch would draw.
    ///
    /// # Errors
    /// Those of [`run`](Tape::run). Rows are numbered within the larger batch.
    ///
    /// # Panics
    /// When `params` are not those of the recording.
    pub fn run_rows(&mut self, params: &Params, key: Key, first_row: usize) -> Result<()> {
        self.check_params(params);
        self.has_run = false;
        self.state_updates.discard();
        self.assignments.discard();
        spin_wait::with_spinning_threads(|| {
            (0..self.steps.len()).try_for_each(|step| self.step_forward(step, params, key, first_row))?;
            self.state_updates.compute(&mut self.steps, &self.buffers, params);
            self.assignments.mark(params);
            Ok::<(), Error>(())
        })?;
        self.has_run = true;
        Ok(())
    }

    pub(super) fn step_forward(&mut self, step: usize, params: &Params, key: Key, first_row: usize) -> Result<()> {
        let step = &mut self.steps[step];
        let path = (self.mode == Mode::Training).then_some(step.path);
        let context = Context { key, path, first_row, faults: &self.faults };
        let mut y = std::mem::take(&mut self.buffers[step.output]); // not among the inputs
        let inputs = Inputs { sources: &step.inputs, buffers: &self.buffers, params };
        step.op.forward(inputs, &mut y[..step.length], context);
        self.buffers[step.output] = y;
        match self.faults.take() {
            None => Ok(()),
            Some((row, problem)) => {
                Err(Error::Fault { place: step.place(), row, rows: "batch", problem: Box::new(problem) })
            }
        }
    }

    /// The number of bytes of the values and gradients, without buffers that operations own.
    pub(crate) fn bytes(&self) -> usize {
        let arrays = self.buffers.iter().chain(&self.gradients).chain(&self.scratch);
        size_of::<f32>() * arrays.map(|array| array.len()).sum::<usize>()
    }

    /// Whether the tape has a loss that depends on a variable or a trainable parameter, as [`backward`](Tape::backward)
    /// requires.
    pub(crate) fn has_gradients(&self) -> bool {
        self.loss.is_some()
    }

    /// Computes the loss's gradient with respect to each trainable parameter and each variable.
    ///
    /// Overwrites the gradients of the parameters that were recorded. Call [`run`](Tape::run) first.
    ///
    /// # Panics
    /// - The tape has not run, or its last run returned an error.
    /// - `params` or `gradients` are not those of the recording, or `gradients` were created before a parameter of the
    ///   recording was added.
    /// - The recording has no loss: see [`Recorder::minimize`](super::Recorder::minimize).
    pub fn backward(&mut self, params: &Params, gradients: &mut ParamGradients) {
        self.begin_backward(params, gradients);
        spin_wait::with_spinning_threads(|| {
            for step in (0..self.steps.len()).rev() {
                self.step_back(step, params, gradients, None);
            }
        });
    }

    /// Computes the gradients of [`backward`](Tape::backward), and updates parameters in the backward pass: those for which
    /// [`changes_in_place`](Tape::changes_in_place) is `true` and `state` has an entry. Writes the assigned values to their
    /// parameters.
    pub(crate) fn backward_and_update(
        &mut self,
        params: &mut Params,
        gradients: &mut ParamGradients,
        state: &mut [(ParamId, [AlignedBuffer; MAX_STATE_ARRAYS])],
        rule: &UpdateRule<'_>,
    ) {
        self.begin_backward(params, gradients);
        spin_wait::with_spinning_threads(|| {
            for step in (0..self.steps.len()).rev() {
                let changed = self.steps[step].in_place;
                match changed.and_then(|index| state.iter_mut().find(|(id, _)| id.index == index)) {
                    Some((id, state)) => {
                        let mut value = params.replace_values(*id, AlignedBuffer::default());
                        let update = Update::new(&mut value, state.each_mut().map(|array| &mut **array), rule);
                        self.step_back(step, params, gradients, Some(update));
                        params.replace_values(*id, value);
                    }
                    None => self.step_back(step, params, gradients, None),
                }
            }
        });
        self.commit_assigned(params);
    }

    /// Whether [`backward_and_update`](Tape::backward_and_update) updates this parameter in the backward pass: a single
    /// operation reads it, and supports this.
    pub(crate) fn changes_in_place(&self, id: ParamId) -> bool {
        self.steps.iter().any(|step| step.in_place == Some(id.index))
    }

    fn begin_backward(&mut self, params: &Params, gradients: &ParamGradients) {
        self.check_params(params);
        assert!(self.is_recorded_with(gradients.stamp), "a tape was used with ParamGradients of other Params");
        gradients.check_count(self.trainable_end);
        assert!(self.has_run, "the backward pass needs the values of a run: call Tape::run first, which must succeed");
        let loss =
            self.loss.expect("backward needs a loss: call Recorder::minimize with one that depends on a parameter");
        let slot = self.gradient_slots[loss].expect("the loss has a gradient");
        self.gradients[slot][..1].fill(1.0);
    }

    /// Runs the backward pass of a step, with an update of its weight array if given.
    fn step_back(&mut self, step: usize, params: &Params, gradients: &mut ParamGradients, weight: Option<Update<'_>>) {
        let step = &mut self.steps[step];
        if step.targets.is_empty() {
            return;
        }
        let slot = self.gradient_slots[step.output].expect("a step with targets has a gradient");
        let mut dy = std::mem::take(&mut self.gradients[slot]); // not among the targets
        let inputs = Inputs { sources: &step.inputs, buffers: &self.buffers, params };
        let written = Gradients {
            arity: step.inputs.len(),
            targets: &step.targets,
            buffers: &mut self.gradients,
            params: &mut gradients.arrays,
            scratch: &mut self.scratch,
        };
        let y = &self.buffers[step.output][..step.length];
        let given = &mut dy[..step.length];
        match (weight, step.op.in_place()) {
            (Some(weight), Some(op)) => op.backward_in_place(inputs, y, given, written, weight),
            _ => step.op.backward(inputs, y, given, written),
        }
        self.gradients[slot] = dy;
        for addition in &step.additions {
            addition.run(&mut self.gradients, &mut gradients.arrays, &self.scratch);
        }
    }

    pub(super) fn source(&self, id: ValueId) -> Source {
        assert!(id.stamp == self.stamp, "a ValueId was used with a Tape that it does not belong to");
        self.vars[id.var]
    }

    fn is_recorded_with(&self, stamp: Stamp) -> bool {
        self.params.is_none_or(|recorded| recorded == stamp)
    }

    /// Whether the tape was recorded with these parameters.
    pub(crate) fn is_of(&self, params: &Params) -> bool {
        self.is_recorded_with(params.stamp) && params.len() >= self.params_end
    }

    pub(super) fn check_params(&self, params: &Params) {
        assert!(self.is_of(params), "a tape was used with Params other than those of its recording");
    }
}

impl fmt::Debug for Tape {
    /// Writes the operations with their shapes, one per line.
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        writeln!(f, "Tape ({:?})", self.mode)?;
        for step in &self.steps {
            let inputs: Vec<String> = step.inputs.iter().map(|source| source.shape.to_string()).collect();
            let output = self.vars.iter().find(|source| source.place == Place::Buffer(step.output));
            let output = output.map_or(Shape::SCALAR, |source| source.shape);
            writeln!(f, "  {} {}: {} → {output}", step.scope, step.op.name(), inputs.join(", "))?;
        }
        Ok(())
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::tape::Recorder;
    use ndarray::arr1;

    /// A tape whose loss is the row of a table at an index.
    fn lookup() -> (Tape, Params, ParamGradients, ValueId) {
        let mut params = Params::new();
        let table = params.add("table", &ndarray::arr2(&[[1.0], [2.0]])).unwrap();
        let recorder = Recorder::new(Mode::Training);
        let x = recorder.input([1]);
        recorder.minimize(x.embedding(recorder.parameter(&params, table)).sum());
        let x = x.id();
        let gradients = ParamGradients::new(&params);
        (recorder.finish().unwrap(), params, gradients, x)
    }

    #[test]
    #[should_panic(expected = "the backward pass needs the values of a run: call Tape::run first")]
    fn a_backward_pass_without_a_run_is_rejected() {
        let (mut tape, params, mut gradients, _) = lookup();
        tape.backward(&params, &mut gradients);
    }

    #[test]
    #[should_panic(expected = "the backward pass needs the values of a run: call Tape::run first")]
    fn a_backward_pass_after_a_fault_is_rejected() {
        let (mut tape, params, mut gradients, x) = lookup();
        tape.run(&params, Key::from_seed(0)).unwrap();
        tape.backward(&params, &mut gradients);
        tape.input_mut(x).assign(&arr1(&[7.0]));
        tape.run(&params, Key::from_seed(0)).unwrap_err();
        tape.backward(&params, &mut gradients);
    }

    #[test]
    fn a_recording_has_one_loss() {
        let recorder = Recorder::new(Mode::Training);
        let x = recorder.variable([2]);
        recorder.minimize(x.sum());
        recorder.minimize(x.mean());
        let message = recorder.finish().unwrap_err().to_string();
        assert_eq!(message, "minimize: the recording already has a loss; minimize the sum of all losses");
    }
}
