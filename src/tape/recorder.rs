//! Recording of operations by expressions, from which a tape is made.

use super::mode::Mode;
use super::op::Op;
use super::params::{ParamId, Params};
use super::recording::{RecordedValue, Recording, VarIndex};
use super::source::{Place, Source};
use super::step::{Step, place};
use super::tape::Tape;
use crate::error::{Error, Result};
use crate::kernels::simd;
use crate::random::Key;
use crate::shape::Shape;
use std::cell::RefCell;

/// Records the operations of expressions. [`finish`](Recorder::finish) creates a [`Tape`] from them.
///
/// An error of an operation is stored, with the layer, the operation and the shapes, and returned by `finish`, so that
/// expressions need no `?`. Only the first error is stored.
///
/// ```
/// use gradus::{Key, tape::*};
/// use ndarray::arr2;
///
/// let mut params = Params::new();
/// let weight = params.add("weight", &arr2(&[[1.0, 2.0], [3.0, 4.0]]))?;
///
/// let recorder = Recorder::new(Mode::Training);
/// let x = recorder.input([1, 2]);
/// let w = recorder.parameter(&params, weight);
/// let loss = (x.matmul(w) * 0.5).sum();
/// recorder.minimize(loss);
/// let (x, loss) = (x.id(), loss.id());
/// let mut tape = recorder.finish()?;
///
/// tape.input_mut(x).assign(&arr2(&[[1.0, 1.0]]));
/// tape.run(&params, Key::from_seed(0))?;
/// assert_eq!(tape.value(loss).sum(), 5.0);
///
/// let mut gradients = ParamGradients::new(&params);
/// tape.backward(&params, &mut gradients);
/// assert_eq!(gradients.get(weight).unwrap(), arr2(&[[0.5, 0.5], [0.5, 0.5]]).into_dyn());
/// # Ok::<(), gradus::Error>(())
/// ```
pub struct Recorder {
    mode: Mode,
    /// The largest number of elements of a value.
    max_elements: usize,
    pub(super) state: RefCell<Recording>,
}

/// A recorded value: the argument and result of operations, which are its methods and operators. It is `Copy`.
#[derive(Clone, Copy)]
#[must_use]
pub struct Var<'r> {
    pub(super) recorder: &'r Recorder,
    pub(super) var: VarIndex,
}

impl Recorder {
    /// Starts a recording.
    pub fn new(mode: Mode) -> Recorder {
        let state = Recording::new();
        Recorder { mode, max_elements: usize::MAX, state: RefCell::new(state) }
    }

    /// Starts a recording in which a value of more than `max_elements` elements is an error. For networks from files whose
    /// sizes were not checked.
    pub fn limited(mode: Mode, max_elements: usize) -> Recorder {
        Recorder { max_elements, ..Recorder::new(mode) }
    }

    /// The purpose of the tape.
    pub fn mode(&self) -> Mode {
        self.mode
    }

    /// Records an input: a value that is filled in before each run, and that needs no gradient. It is 0 until it is filled
    /// in. [`constant`](Recorder::constant) records a value that never changes.
    pub fn input(&self, shape: impl Into<Shape>) -> Var<'_> {
        self.new_input(shape.into(), false)
    }

    /// Records a variable: a value that is filled in before each run, and whose gradient [`Tape::gradient`] returns.
    pub fn variable(&self, shape: impl Into<Shape>) -> Var<'_> {
        self.new_input(shape.into(), true)
    }

    /// Records a value that is filled in before each run.
    fn new_input(&self, shape: Shape, differentiable: bool) -> Var<'_> {
        let var = self.output("input", shape, differentiable);
        let state = &mut *self.state.borrow_mut();
        if let Place::Buffer(buffer) = state.vars[var.var].source.place {
            state.inputs.push(buffer);
        }
        var
    }

    /// Records the value of a parameter, or returns the value that was [assigned](Recorder::assign) to it.
    ///
    /// # Panics
    /// When `params` has no parameter `id`, or earlier parameters of this recording belong to another [`Params`].
    pub fn parameter(&self, params: &Params, id: ParamId) -> Var<'_> {
        params.check(id);
        if let Some(assigned) = self.assigned(id.index) {
            return assigned;
        }
        let state = &mut *self.state.borrow_mut();
        let stamp = *state.params.get_or_insert(params.stamp);
        assert!(stamp == params.stamp, "all parameters of a recording must belong to one Params");
        state.params_end = state.params_end.max(id.index + 1);
        let trainable = params.trainable(id);
        if trainable && !state.trainable.iter().any(|(index, _)| *index == id.index) {
            state.trainable.push((id.index, params.name(id).into()));
        }
        let source = Source { place: Place::Param(id.index), shape: params.shape(id) };
        self.push(state, RecordedValue::new(source, trainable))
    }

    /// Records an operation on `inputs` and returns its value.
    ///
    /// # Panics
    /// When an input belongs to another recorder.
    pub fn apply<'r>(&'r self, op: impl Op + 'static, inputs: &[Var<'r>]) -> Var<'r> {
        self.apply_boxed(Box::new(op), inputs)
    }

    /// Records an operation of any type. Not generic, so that it is compiled once.
    fn apply_boxed<'r>(&'r self, mut op: Box<dyn Op>, inputs: &[Var<'r>]) -> Var<'r> {
        inputs.iter().for_each(|input| self.check(*input));
        let shapes: Vec<Shape> = inputs.iter().map(Var::shape).collect();
        let substitute = shapes.first().copied().unwrap_or(Shape::SCALAR);
        if self.state.borrow().error.is_some() {
            return self.placeholder(substitute);
        }
        let prepared = op.prepare(&shapes).and_then(|shape| {
            let values: Vec<RecordedValue> = inputs.iter().map(Var::recorded).collect();
            Ok((shape, self.state.borrow_mut().state_slots(op.as_ref(), &values)?))
        });
        match prepared {
            Ok((shape, states)) => self.step(op, inputs, shape, states),
            Err(error) => {
                self.fail(error.at(|| self.place(op.name()), &shapes));
                self.placeholder(substitute)
            }
        }
    }

    /// Records an operation whose shapes are checked.
    fn step<'r>(&'r self, op: Box<dyn Op>, inputs: &[Var<'r>], shape: Shape, states: Vec<usize>) -> Var<'r> {
        let values: Vec<RecordedValue> = inputs.iter().map(Var::recorded).collect();
        let differentiable = values.iter().any(|input| input.differentiable);
        let output = self.output(op.name(), shape, differentiable);
        let Place::Buffer(buffer) = output.recorded().source.place else { return output };
        let path = self.path(op.name());
        let inputs = values.iter().map(|input| input.source).collect();
        let needs_gradient = values.iter().map(|input| input.differentiable).collect();
        let scope = self.state.borrow().scope.clone();
        self.state
            .borrow_mut()
            .steps
            .push(Step { states, ..Step::new(op, scope, path, inputs, needs_gradient, buffer, shape.len()) });
        output
    }

    /// Records a value with a new buffer.
    pub(super) fn output(&self, op: &str, shape: Shape, differentiable: bool) -> Var<'_> {
        if shape.len() > self.max_elements || Vec::<f32>::new().try_reserve_exact(shape.len()).is_err() {
            self.fail(Error::TooLarge { place: self.place(op), shape });
        } else if shape.is_empty() {
            let expected = Error::expected("at least one element along each axis");
            self.fail(expected.at(|| self.place(op), &[shape]));
        }
        let state = &mut *self.state.borrow_mut();
        if state.error.is_some() {
            let source = Source { place: Place::Nowhere, shape };
            return self.push(state, RecordedValue::new(source, false));
        }
        state.buffers.push(shape.len());
        let source = Source { place: Place::Buffer(state.buffers.len() - 1), shape };
        self.push(state, RecordedValue::new(source, differentiable))
    }

    /// The placeholder for a value that could not be recorded. The recording must have an error.
    pub(crate) fn placeholder(&self, shape: Shape) -> Var<'_> {
        let source = Source { place: Place::Nowhere, shape };
        self.push(&mut self.state.borrow_mut(), RecordedValue::new(source, false))
    }

    pub(super) fn push<'r>(&'r self, state: &mut Recording, value: RecordedValue) -> Var<'r> {
        state.vars.push(value);
        Var { recorder: self, var: state.vars.len() - 1 }
    }

    /// Records an array under a new shape. The array is not copied, and no operation runs.
    pub(crate) fn alias<'r>(&'r self, of: Var<'r>, op: &str, shape: Result<Shape>) -> Var<'r> {
        self.check(of);
        let found = of.shape();
        let shape = shape.and_then(|shape| match shape.len() == found.len() {
            true => Ok(shape),
            false => Err(Error::expected(format!("{} elements, as in {shape}", shape.len()))),
        });
        match shape {
            Ok(shape) => {
                let value = of.recorded();
                let source = Source { place: value.source.place, shape };
                self.push(&mut self.state.borrow_mut(), RecordedValue::new(source, value.differentiable))
            }
            Err(error) => {
                self.fail(error.at(|| self.place(op), &[found]));
                self.placeholder(found)
            }
        }
    }

    /// Names the operations that `record` records, usually after a layer. The name is part of errors and of the random keys
    /// of operations. Nested names are separated by `/`.
    pub fn scope<T>(&self, name: &str, record: impl FnOnce() -> T) -> T {
        let outer = self.state.borrow().scope.clone();
        let inner = if outer.is_empty() { name.to_owned() } else { format!("{outer}/{name}") };
        self.state.borrow_mut().scope = inner;
        let result = record();
        self.state.borrow_mut().scope = outer;
        result
    }

    /// The name of the current scope; empty outside of any.
    pub(crate) fn current_scope(&self) -> String {
        self.state.borrow().scope.clone()
    }

    /// Sets the loss, a scalar: the value from which the backward pass starts. A second call is an error, which
    /// [`finish`](Recorder::finish) returns: record the sum of several losses, as in `minimize(a + b)`.
    ///
    /// # Panics
    /// When the value belongs to another recorder.
    pub fn minimize(&self, loss: Var<'_>) {
        self.check(loss);
        if self.state.borrow().loss.is_some() {
            self.fail(Error::other("minimize: the recording already has a loss; minimize the sum of all losses"));
        } else if loss.shape().len() != 1 {
            let expected = Error::expected("a scalar to minimize; apply sum or mean first");
            self.fail(expected.at(|| "minimize".into(), &[loss.shape()]));
        } else if let Place::Param(_) = loss.recorded().source.place {
            let expected = Error::expected("the result of an operation to minimize, not a parameter; apply sum to it");
            self.fail(expected.at(|| "minimize".into(), &[loss.shape()]));
        }
        self.state.borrow_mut().loss = Some(loss.var);
    }

    /// Adds a scalar, such as a penalty on the outputs of a layer, to the loss of the model. `add_loss` in Keras.
    ///
    /// Layers call it when they record. `fit` and `evaluate` add the scalars to the loss, and
    /// [`Model::record_penalty`](crate::Model::record_penalty) returns their sum to custom training loops.
    ///
    /// ```
    /// use gradus::{Result, Shape, Spec, layers::*, tape::Var};
    ///
    /// /// Returns its input, whose mean square is added to the loss.
    /// #[derive(Debug)]
    /// struct Small;
    ///
    /// impl Layer for Small {
    ///     fn build(&self, inputs: &[Shape], _weights: &mut Weights<'_>) -> Result<Vec<Shape>> {
    ///         Ok(vec![inputs[0]])
    ///     }
    ///     fn record<'r>(&self, _weights: &mut Cursor<'_, 'r>, inputs: &[Var<'r>]) -> Vec<Var<'r>> {
    ///         let x = inputs[0];
    ///         x.recorder().add_loss((x * x).mean());
    ///         vec![x]
    ///     }
    ///     fn spec(&self) -> Spec {
    ///         Spec::new("Small")
    ///     }
    /// }
    /// ```
    ///
    /// # Panics
    /// When the value belongs to another recorder.
    pub fn add_loss(&self, loss: Var<'_>) {
        self.check(loss);
        if loss.shape().len() != 1 {
            let expected = Error::expected("a scalar to add to the loss; apply sum or mean to it");
            self.fail(expected.at(|| self.place("add_loss"), &[loss.shape()]));
        }
        self.state.borrow_mut().added_losses.push(loss.var);
    }

    /// The scalars that layers have added to the loss.
    pub(crate) fn added_losses(&self) -> Vec<Var<'_>> {
        let losses = self.state.borrow().added_losses.clone();
        losses.into_iter().map(|var| Var { recorder: self, var }).collect()
    }

    /// Stores an error, unless an earlier one is stored. Layers report errors with it while they record.
    pub fn fail(&self, error: Error) {
        self.state.borrow_mut().error.get_or_insert(error);
    }

    /// The number of elements of all recorded values.
    ///
    /// ```
    /// use gradus::tape::{Mode, Recorder};
    /// let recorder = Recorder::new(Mode::Inference);
    /// recorder.input([2, 3]).exp();
    /// assert_eq!(recorder.elements(), 2 * 6);
    /// ```
    pub fn elements(&self) -> usize {
        self.state.borrow().buffers.iter().fold(0, |sum, length| sum.saturating_add(*length))
    }

    /// The message of the first error of the recording, if any.
    pub fn error(&self) -> Option<String> {
        self.state.borrow().error.as_ref().map(Error::to_string)
    }

    /// Creates a tape from the recording.
    ///
    /// # Errors
    /// The first error of the recording; if a loss was set, a trainable parameter that was recorded with
    /// [`parameter`](Recorder::parameter) and on which the loss does not depend; or instructions in the environment variable
    /// `GRADUS_SIMD` that the CPU does not have. Parameters that were not recorded are not checked: the tape does not know
    /// them, and their gradients stay as they were.
    pub fn finish(self) -> Result<Tape> {
        let mode = self.mode;
        Tape::new(self.into_recording()?, mode)
    }

    /// Creates a tape for predictions. Only values whose ids were requested can be read from it: the others share arrays.
    ///
    /// # Errors
    /// Those of [`finish`](Recorder::finish).
    pub(crate) fn finish_with_shared_values(self) -> Result<Tape> {
        let mode = self.mode;
        Tape::with_shared_values(self.into_recording()?, mode)
    }

    fn into_recording(self) -> Result<Recording> {
        simd::level()?;
        let mut recording = self.state.into_inner();
        recording.error.take().map_or(Ok(recording), Err)
    }

    /// `layer: op`, for errors.
    fn place(&self, op: &str) -> String {
        place(&self.state.borrow().scope, op)
    }

    /// The number by which the key of the next operation is split. It depends on the scope, the operation's name and the
    /// number of earlier operations with both, and not on other operations, so that changing one layer keeps the draws of
    /// others.
    fn path(&self, op: &str) -> u64 {
        let state = self.state.borrow();
        let earlier = state.steps.iter().filter(|step| step.scope == state.scope && step.op.name() == op).count();
        Key::from_seed(earlier as u64).split_name(&state.scope).split_name(op).number()
    }

    pub(super) fn check(&self, var: Var<'_>) {
        assert!(std::ptr::eq(self, var.recorder), "a Var was used with a Recorder that it does not belong to");
    }
}

impl std::fmt::Debug for Recorder {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        write!(f, "Recorder({:?}, {} operations)", self.mode, self.state.borrow().steps.len())
    }
}
