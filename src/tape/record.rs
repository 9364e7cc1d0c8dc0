//! Recording: expressions append operations to a list, which becomes a tape.

mod var;

use super::context::place;
use super::op::{Op, Place, Source};
use super::origin::Origin;
use super::params::{ParamId, Params};
use super::stamp::Stamp;
use super::states;
use super::{Step, Tape};
use crate::error::{Error, Result};
use crate::kernels::simd;
use crate::random::Key;
use crate::shape::Shape;
use std::cell::RefCell;

/// What a tape is recorded for.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
#[non_exhaustive]
pub enum Mode {
    /// Learning: dropout drops, batch normalisation takes the batch's statistics, gradients are kept.
    Training,
    /// Using what was learned.
    Inference,
}

/// Takes down the operations of an expression. Short-lived: [`finish`](Recorder::finish) makes it a [`Tape`].
///
/// The first error is kept, with the operation, the layer and the shapes, and `finish` returns it; so the expressions in
/// between need no `?`.
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
    /// The most elements that a value may have.
    most: usize,
    pub(super) state: RefCell<Recording>,
}

/// What has been taken down so far.
pub(super) struct Recording {
    pub(super) stamp: Stamp,
    pub(super) params: Option<Stamp>,
    pub(super) vars: Vec<Taken>,
    /// The length of each buffer.
    pub(super) buffers: Vec<usize>,
    pub(super) inputs: Vec<usize>,
    pub(super) steps: Vec<Step>,
    /// The trainable parameters met so far, with their names.
    pub(super) trainable: Vec<(usize, String)>,
    /// The state parameters that operations update, each once, with their shapes.
    pub(super) states: Vec<(usize, Shape)>,
    pub(super) loss: Option<VarIndex>,
    scope: String,
    error: Option<Error>,
}

/// A recorded value.
#[derive(Clone, Copy)]
pub(super) struct Taken {
    pub(super) source: Source,
    /// Whether it depends on something that wants a gradient.
    pub(super) differentiable: bool,
    origin: Option<Origin<VarIndex>>,
}

/// A recorded value's place in its recording.
pub(super) type VarIndex = usize;

/// A recorded value's name outside the recorder, by which its [`Tape`] knows it.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub struct Id {
    pub(super) stamp: Stamp,
    pub(super) var: VarIndex,
}

/// A value while it is being recorded: `Copy`, with operators.
#[derive(Clone, Copy)]
#[must_use]
pub struct Var<'r> {
    pub(super) recorder: &'r Recorder,
    var: VarIndex,
}

impl Recorder {
    /// Starts a recording.
    pub fn new(mode: Mode) -> Recorder {
        let state = Recording {
            stamp: Stamp::next(),
            params: None,
            vars: Vec::new(),
            buffers: Vec::new(),
            inputs: Vec::new(),
            steps: Vec::new(),
            trainable: Vec::new(),
            states: Vec::new(),
            loss: None,
            scope: String::new(),
            error: None,
        };
        Recorder { mode, most: usize::MAX, state: RefCell::new(state) }
    }

    /// Starts a recording in which a value of more than `most` elements is an error, for networks of files whose sizes were
    /// not checked.
    pub fn limited(mode: Mode, most: usize) -> Recorder {
        Recorder { most, ..Recorder::new(mode) }
    }

    /// What the tape is recorded for.
    pub fn mode(&self) -> Mode {
        self.mode
    }

    /// A value that is filled in before each run, and whose gradient nobody wants.
    pub fn input(&self, shape: impl Into<Shape>) -> Var<'_> {
        self.fresh(shape.into(), false)
    }

    /// A value that is filled in before each run, and whose gradient is kept: see [`Tape::gradient`].
    pub fn variable(&self, shape: impl Into<Shape>) -> Var<'_> {
        self.fresh(shape.into(), true)
    }

    fn fresh(&self, shape: Shape, differentiable: bool) -> Var<'_> {
        let var = self.output("input", shape, differentiable);
        let state = &mut *self.state.borrow_mut();
        if let Place::Buffer(buffer) = state.vars[var.var].source.place {
            state.inputs.push(buffer);
        }
        var
    }

    /// The value of a parameter.
    ///
    /// # Panics
    /// When `id` does not belong to `params`, or earlier parameters of this recording belong to others.
    pub fn parameter(&self, params: &Params, id: ParamId) -> Var<'_> {
        params.check(id);
        let state = &mut *self.state.borrow_mut();
        let met = *state.params.get_or_insert(params.stamp);
        assert!(met == params.stamp, "a recording uses the parameters of one Params only");
        let trainable = params.trainable(id);
        if trainable && !state.trainable.iter().any(|(index, _)| *index == id.index) {
            state.trainable.push((id.index, params.name(id).into()));
        }
        let source = Source { place: Place::Param(id.index), shape: params.shape(id) };
        self.push(state, Taken { source, differentiable: trainable, origin: None })
    }

    /// Records an operation on `inputs` and returns its value.
    ///
    /// # Panics
    /// When an input belongs to another recorder.
    pub fn apply<'r>(&'r self, op: impl Op + 'static, inputs: &[Var<'r>]) -> Var<'r> {
        self.apply_boxed(Box::new(op), inputs)
    }

    /// The same for operations of any type, so that it is compiled once.
    fn apply_boxed<'r>(&'r self, mut op: Box<dyn Op>, inputs: &[Var<'r>]) -> Var<'r> {
        inputs.iter().for_each(|input| self.check(*input));
        let shapes: Vec<Shape> = inputs.iter().map(Var::shape).collect();
        let substitute = shapes.first().copied().unwrap_or(Shape::SCALAR);
        if self.state.borrow().error.is_some() {
            return self.nothing(substitute);
        }
        let prepared = op.prepare(&shapes).and_then(|shape| Ok((shape, states::slots(op.as_ref(), inputs)?)));
        match prepared {
            Ok((shape, states)) => self.step(op, inputs, shape, states),
            Err(error) => {
                self.fail(error.at(|| self.place(op.name()), &shapes));
                self.nothing(substitute)
            }
        }
    }

    fn step<'r>(&'r self, op: Box<dyn Op>, inputs: &[Var<'r>], shape: Shape, states: Vec<usize>) -> Var<'r> {
        let taken: Vec<Taken> = inputs.iter().map(Var::taken).collect();
        let differentiable = taken.iter().any(|input| input.differentiable);
        let output = self.output(op.name(), shape, differentiable);
        let Place::Buffer(buffer) = output.taken().source.place else { return output };
        let path = self.path(op.name());
        let inputs = taken.iter().map(|input| input.source).collect();
        let wanted = taken.iter().map(|input| input.differentiable).collect();
        let scope = self.state.borrow().scope.clone();
        self.state.borrow_mut().steps.push(Step { states, ..Step::new(op, scope, path, inputs, wanted, buffer) });
        output
    }

    /// A value with a buffer of its own.
    fn output(&self, op: &str, shape: Shape, differentiable: bool) -> Var<'_> {
        if shape.len() > self.most || Vec::<f32>::new().try_reserve_exact(shape.len()).is_err() {
            self.fail(Error::TooLarge { place: self.place(op), shape });
        } else if shape.is_empty() {
            let expected = Error::expected("at least one element along each axis");
            self.fail(expected.at(|| self.place(op), &[shape]));
        }
        let state = &mut *self.state.borrow_mut();
        if state.error.is_some() {
            let source = Source { place: Place::Nowhere, shape };
            return self.push(state, Taken { source, differentiable: false, origin: None });
        }
        state.buffers.push(shape.len());
        let source = Source { place: Place::Buffer(state.buffers.len() - 1), shape };
        self.push(state, Taken { source, differentiable, origin: None })
    }

    /// What stands for a value that could not be recorded.
    fn nothing(&self, shape: Shape) -> Var<'_> {
        let source = Source { place: Place::Nowhere, shape };
        self.push(&mut self.state.borrow_mut(), Taken { source, differentiable: false, origin: None })
    }

    fn push<'r>(&'r self, state: &mut Recording, taken: Taken) -> Var<'r> {
        state.vars.push(taken);
        Var { recorder: self, var: state.vars.len() - 1 }
    }

    /// The same array read as another shape; nothing is copied and nothing runs.
    pub(crate) fn alias<'r>(&'r self, of: Var<'r>, op: &str, shape: Result<Shape>) -> Var<'r> {
        self.check(of);
        let found = of.shape();
        let shape = shape.and_then(|shape| match shape.len() == found.len() {
            true => Ok(shape),
            false => Err(Error::expected(format!("{} elements, as in {shape}", shape.len()))),
        });
        match shape {
            Ok(shape) => {
                let taken = of.taken();
                let source = Source { place: taken.source.place, shape };
                self.push(&mut self.state.borrow_mut(), Taken { source, origin: None, ..taken })
            }
            Err(error) => {
                self.fail(error.at(|| self.place(op), &[found]));
                self.nothing(found)
            }
        }
    }

    /// Names what is recorded inside, usually a layer, for errors and for the draws of random operations.
    pub fn scope<T>(&self, name: &str, record: impl FnOnce() -> T) -> T {
        let outer = self.state.borrow().scope.clone();
        let inner = if outer.is_empty() { name.to_owned() } else { format!("{outer}/{name}") };
        self.state.borrow_mut().scope = inner;
        let result = record();
        self.state.borrow_mut().scope = outer;
        result
    }

    /// Says which value backward starts from: one number, the loss.
    ///
    /// # Panics
    /// When the value belongs to another recorder.
    pub fn minimize(&self, loss: Var<'_>) {
        self.check(loss);
        if loss.shape().len() != 1 {
            let expected = Error::expected("a single number to minimize; take sum or mean first");
            self.fail(expected.at(|| "minimize".into(), &[loss.shape()]));
        } else if let Place::Param(_) = loss.taken().source.place {
            let expected = Error::expected("a value that an operation computed, not a parameter itself; take its sum");
            self.fail(expected.at(|| "minimize".into(), &[loss.shape()]));
        }
        self.state.borrow_mut().loss = Some(loss.var);
    }

    /// Keeps an error, unless there is an earlier one. Layers use it for what they find while recording.
    pub fn fail(&self, error: Error) {
        self.state.borrow_mut().error.get_or_insert(error);
    }

    /// The message of the first error of the recording, if there is one.
    pub fn error(&self) -> Option<String> {
        self.state.borrow().error.as_ref().map(Error::to_string)
    }

    /// Makes what was recorded a tape.
    ///
    /// # Errors
    /// The first error of the recording; or, where something is minimized, a trainable parameter that the loss does not
    /// depend on; or `GRADUS_SIMD` asks for instructions that there are not.
    pub fn finish(self) -> Result<Tape> {
        simd::level()?;
        let mut recording = self.state.into_inner();
        match recording.error.take() {
            Some(error) => Err(error),
            None => Tape::new(recording, self.mode),
        }
    }

    /// `layer: op`, for errors.
    fn place(&self, op: &str) -> String {
        place(&self.state.borrow().scope, op)
    }

    /// A number for the next operation of this name in this scope. It does not depend on what else is recorded elsewhere.
    fn path(&self, op: &str) -> u64 {
        let state = self.state.borrow();
        let earlier = state.steps.iter().filter(|step| step.scope == state.scope && step.op.name() == op).count();
        Key::from_seed(earlier as u64).split_name(&state.scope).split_name(op).number()
    }

    fn check(&self, var: Var<'_>) {
        assert!(std::ptr::eq(self, var.recorder), "a Var was used with another Recorder than the one it came from");
    }
}

impl std::fmt::Debug for Recorder {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        write!(f, "Recorder({:?}, {} operations)", self.mode, self.state.borrow().steps.len())
    }
}
