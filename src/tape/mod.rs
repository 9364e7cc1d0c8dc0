//! The tape: a list of operations with their buffers, recorded once and replayed.
//!
//! Recording checks shapes and allocates; running fills the buffers; running again allocates nothing. Reverse-mode
//! differentiation walks the list backwards (Griewank and Walther 2008, *Evaluating Derivatives*). Inputs always come
//! before outputs, so an output's gradient can be split off from those of its inputs without any bookkeeping at run time.

mod context;
mod finite;
mod known_finite;
mod op;
mod origin;
mod param_gradients;
mod params;
mod plan;
mod record;
mod stamp;
mod states;

pub use context::Context;
pub use op::{Gradients, Inputs, Op, arity};
pub use param_gradients::ParamGradients;
pub use params::{ParamId, Params};
pub use record::{Id, Mode, Recorder, Var};
pub use states::States;

pub(crate) use op::InPlace;
pub(crate) use origin::Origin;
pub(crate) use stamp::Stamp;

use crate::error::{Error, Result};
use crate::kernels::aligned_buffer::AlignedBuffer;
use crate::kernels::spin_wait;
use crate::kernels::update::{Descend, MAX_STATE_ARRAYS, Update};
use crate::random::Key;
use crate::shape::{Shape, View};
use context::{Faults, place};
use ndarray::{ArrayViewD, ArrayViewMutD, IxDyn};
use op::{Loan, Place, Source};
use plan::Addition;
use record::Recording;
use states::Commits;
use std::fmt;

/// A recorded computation: operations with their buffers. Plain data, `Send`, replayable.
///
/// See [`Recorder`] for how one is made.
pub struct Tape {
    stamp: Stamp,
    mode: Mode,
    params: Option<Stamp>,
    vars: Vec<Source>,
    inputs: Vec<usize>,
    buffers: Vec<AlignedBuffer>,
    /// The gradient of each buffer; empty where nobody wants it.
    gradients: Vec<AlignedBuffer>,
    scratch: Vec<AlignedBuffer>,
    loss: Option<usize>,
    steps: Vec<Step>,
    /// What the operations of a run report.
    faults: Faults,
    commits: Commits,
}

/// One operation on the tape.
struct Step {
    op: Box<dyn Op>,
    /// The layer it belongs to.
    scope: String,
    /// What its draws' key is split by.
    path: u64,
    inputs: Vec<Source>,
    /// Which inputs depend on something that wants a gradient.
    wanted: Vec<bool>,
    output: usize,
    /// Where the new values of its states are kept.
    states: Vec<usize>,
    /// Where backward writes, sorted by place; empty when it need not run.
    loans: Vec<Loan>,
    /// What is added afterwards: later contributions to a gradient.
    additions: Vec<Addition>,
    /// The parameter that it can change as soon as the gradient is there.
    in_place: Option<usize>,
}

impl Step {
    fn new(op: Box<dyn Op>, scope: String, path: u64, inputs: Vec<Source>, wanted: Vec<bool>, output: usize) -> Step {
        let (states, loans, additions) = (Vec::new(), Vec::new(), Vec::new());
        Step { op, scope, path, inputs, wanted, output, states, loans, additions, in_place: None }
    }

    /// `layer: operation`, for messages.
    fn place(&self) -> String {
        place(&self.scope, self.op.name())
    }
}

impl Tape {
    fn new(recording: Recording, mode: Mode) -> Result<Tape> {
        let Recording { stamp, params, vars, buffers, inputs, mut steps, trainable, states, loss, .. } = recording;
        let loss = loss.and_then(|var| match vars[var].source.place {
            Place::Buffer(buffer) if vars[var].differentiable => Some(buffer),
            _ => None,
        });
        let plan = plan::backward(&mut steps, &buffers, loss);
        if recording.loss.is_some() {
            plan.check_reached(&trainable)?;
        }
        Ok(Tape {
            stamp,
            mode,
            params,
            vars: vars.iter().map(|taken| taken.source).collect(),
            inputs,
            gradients: plan.gradients.iter().copied().map(AlignedBuffer::zeros).collect(),
            scratch: plan.scratch.iter().copied().map(AlignedBuffer::zeros).collect(),
            buffers: buffers.iter().copied().map(AlignedBuffer::zeros).collect(),
            loss,
            steps,
            faults: Faults::default(),
            commits: Commits::new(states),
        })
    }

    /// Computes every value from the inputs and the parameters.
    ///
    /// `key` belongs to this run; random operations draw under it, each by its layer and its number there.
    ///
    /// # Errors
    /// [`Error::Fault`] where an operation meets a value with which it cannot compute, such as an index out of range. The
    /// run ends at the first such operation, in the order of recording; the values of the tape are then unspecified, and
    /// [`backward`](Tape::backward) must not follow. [`commit`](Tape::commit) then changes nothing. The tape can be run again.
    ///
    /// # Panics
    /// When `params` are not those of the recording.
    pub fn run(&mut self, params: &Params, key: Key) -> Result<()> {
        self.check_params(params.stamp);
        spin_wait::with_spinning_threads(|| self.forward(params, key))
    }

    fn forward(&mut self, params: &Params, key: Key) -> Result<()> {
        self.commits.forget();
        for step in &mut self.steps {
            let path = (self.mode == Mode::Training).then_some(step.path);
            let context = Context { key, path, first_row: 0, faults: &self.faults };
            let (before, after) = self.buffers.split_at_mut(step.output);
            let inputs = Inputs { sources: &step.inputs, buffers: before, params };
            step.op.forward(inputs, &mut after[0], context);
            if let Some((row, problem)) = self.faults.take() {
                return Err(Error::Fault { place: step.place(), row, rows: "batch", problem: Box::new(problem) });
            }
        }
        self.update_states(params);
        Ok(())
    }

    /// Whether there is a loss that depends on something trainable, so that [`backward`](Tape::backward) has work to do.
    pub(crate) fn learns(&self) -> bool {
        self.loss.is_some()
    }

    /// Computes the loss's gradient with respect to every trainable parameter, and to every value on the way.
    ///
    /// Overwrites `gradients`; call [`run`](Tape::run) first.
    ///
    /// # Panics
    /// When `params` or `gradients` are not those of the recording, or nothing was given to
    /// [`minimize`](Recorder::minimize).
    pub fn backward(&mut self, params: &Params, gradients: &mut ParamGradients) {
        self.begin_backward(params, gradients);
        spin_wait::with_spinning_threads(|| {
            for step in (0..self.steps.len()).rev() {
                self.step_back(step, params, gradients, None);
            }
        });
    }

    /// As [`backward`](Tape::backward), while every parameter that one operation alone reads, and can change in place,
    /// follows its gradient at once: those of which [`changes_in_place`](Tape::changes_in_place) speaks, if there is
    /// state for them.
    pub(crate) fn descend(
        &mut self,
        params: &mut Params,
        gradients: &mut ParamGradients,
        state: &mut [(ParamId, [AlignedBuffer; MAX_STATE_ARRAYS])],
        descend: &Descend<'_>,
    ) {
        self.begin_backward(params, gradients);
        spin_wait::with_spinning_threads(|| {
            for step in (0..self.steps.len()).rev() {
                let changed = self.steps[step].in_place;
                match changed.and_then(|index| state.iter_mut().find(|(id, _)| id.index == index)) {
                    Some((id, state)) => {
                        let mut value = params.replace_values(*id, AlignedBuffer::default());
                        let update = Update::new(&mut value, state.each_mut().map(|array| &mut **array), descend);
                        self.step_back(step, params, gradients, Some(update));
                        params.replace_values(*id, value);
                    }
                    None => self.step_back(step, params, gradients, None),
                }
            }
        });
    }

    /// Whether [`descend`](Tape::descend) changes this parameter.
    pub(crate) fn changes_in_place(&self, id: ParamId) -> bool {
        self.steps.iter().any(|step| step.in_place == Some(id.index))
    }

    fn begin_backward(&mut self, params: &Params, gradients: &ParamGradients) {
        self.check_params(params.stamp);
        self.check_params(gradients.stamp);
        let loss =
            self.loss.expect("backward needs a loss: call Recorder::minimize with one that depends on a parameter");
        self.gradients[loss].fill(1.0);
    }

    fn step_back(&mut self, step: usize, params: &Params, gradients: &mut ParamGradients, weight: Option<Update<'_>>) {
        let step = &mut self.steps[step];
        if step.loans.is_empty() {
            return;
        }
        let (before, after) = self.gradients.split_at_mut(step.output);
        let inputs = Inputs { sources: &step.inputs, buffers: &self.buffers, params };
        let lent = Gradients {
            arity: step.inputs.len(),
            loans: &step.loans,
            buffers: before,
            params: &mut gradients.arrays,
            scratch: &mut self.scratch,
        };
        let (y, dy) = (&*self.buffers[step.output], &mut *after[0]);
        match (weight, step.op.in_place()) {
            (Some(weight), Some(op)) => op.backward_in_place(inputs, y, dy, lent, weight),
            _ => step.op.backward(inputs, y, dy, lent),
        }
        for addition in &step.additions {
            addition.run(&mut self.gradients, &mut gradients.arrays, &self.scratch);
        }
    }

    /// An input's values, to fill in before a run.
    ///
    /// # Panics
    /// When `id` is of another tape, or not of an input.
    pub fn input_mut(&mut self, id: Id) -> ArrayViewMutD<'_, f32> {
        let shape = self.source(id).shape;
        let [values] = self.input_slices([id]);
        ArrayViewMutD::from_shape(IxDyn(shape.sizes()), values).expect("buffers fill their shape")
    }

    /// The values of any number of inputs, row-major, to fill in before a run. Allocates nothing.
    ///
    /// ```
    /// use gradus::{Key, data::{Arrays, Dataset}, tape::*};
    /// use ndarray::{arr1, arr2};
    /// let data = Arrays::new(arr2(&[[1.0f32, 2.0], [3.0, 4.0]]), arr1(&[0.5f32, 0.25]))?;
    /// let recorder = Recorder::new(Mode::Inference);
    /// let (x, t) = (recorder.input([1, 2]), recorder.input([1]));
    /// let difference = (x.sum() - t).id();
    /// let (x, t) = (x.id(), t.id());
    /// let mut tape = recorder.finish()?;
    ///
    /// let [inputs, targets] = tape.input_slices([x, t]);
    /// data.gather(&[1], inputs, targets);
    /// tape.run(&Params::new(), Key::from_seed(0))?;
    /// assert_eq!(tape.value(difference)[[0]], 6.75);
    /// # Ok::<(), gradus::Error>(())
    /// ```
    ///
    /// # Panics
    /// When an id is of another tape, or not of an input, or is given twice.
    pub fn input_slices<const N: usize>(&mut self, ids: [Id; N]) -> [&mut [f32]; N] {
        let positions = ids.map(|id| self.input_buffer(id));
        let buffers = self.buffers.get_disjoint_mut(positions).expect("an input was given twice");
        buffers.map(|buffer| &mut **buffer)
    }

    fn input_buffer(&self, id: Id) -> usize {
        match self.source(id).place {
            Place::Buffer(buffer) if self.inputs.contains(&buffer) => buffer,
            _ => panic!("only inputs are filled in from outside, not parameters or results of operations"),
        }
    }

    /// A value as the last run left it. A parameter's value is in its [`Params`], not here.
    ///
    /// # Panics
    /// When `id` is of another tape or of a parameter.
    pub fn value(&self, id: Id) -> ArrayViewD<'_, f32> {
        let view = self.view(id);
        ArrayViewD::from_shape(IxDyn(view.shape().sizes()), view.data()).expect("buffers fill their shape")
    }

    /// The same as a [`View`], which metrics take.
    ///
    /// # Panics
    /// As for [`value`](Tape::value).
    pub fn view(&self, id: Id) -> View<'_> {
        let Source { place, shape } = self.source(id);
        let Place::Buffer(buffer) = place else { panic!("a parameter's value is read from its Params") };
        View::new(shape, &self.buffers[buffer])
    }

    /// The loss's gradient with respect to a [`variable`](Recorder::variable), after [`backward`](Tape::backward);
    /// `None` where the loss does not depend on it.
    ///
    /// # Panics
    /// When `id` is of another tape, or not of an input: an operation may destroy the gradient of its result.
    pub fn gradient(&self, id: Id) -> Option<ArrayViewD<'_, f32>> {
        let Source { place, shape } = self.source(id);
        let Place::Buffer(buffer) = place else { panic!("a parameter's gradient is in the ParamGradients") };
        assert!(self.inputs.contains(&buffer), "gradients are kept of variables only");
        ArrayViewD::from_shape(IxDyn(shape.sizes()), &self.gradients[buffer]).ok()
    }

    fn source(&self, id: Id) -> Source {
        assert!(id.stamp == self.stamp, "an Id was used with another Tape than the one it came from");
        self.vars[id.var]
    }

    fn check_params(&self, stamp: Stamp) {
        let same = self.params.is_none_or(|recorded| recorded == stamp);
        assert!(same, "a tape was run with other parameters than those it was recorded with");
    }
}

impl fmt::Debug for Tape {
    /// The operations, one a line, with their shapes.
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
