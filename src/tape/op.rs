//! What an operation is: a forward and a backward over slices, whose shapes were checked when it was recorded.

use super::context::Context;
use super::params::Params;
use super::states::States;
use crate::error::{Error, Result};
use crate::kernels::aligned_buffer::AlignedBuffer;
use crate::kernels::update::Update;
use crate::shape::{Shape, View};
use std::fmt;

/// An operation on arrays, with its derivative.
///
/// What depends on shapes and settings fails in [`prepare`](Op::prepare), before anything runs; what depends on values is
/// reported to the [`Context`] by [`forward`](Op::forward). A type that implements `Op` is recorded with
/// [`Recorder::apply`](super::Recorder::apply); its author's crate adds a method to [`Var`](super::Var) by an extension trait.
///
/// ```
/// use gradus::{Error, Key, Result, Shape, tape::*};
///
/// /// y = √x, dx = dy / 2y
/// struct Root;
///
/// impl Op for Root {
///     fn name(&self) -> &'static str {
///         "root"
///     }
///     fn prepare(&mut self, inputs: &[Shape]) -> Result<Shape> {
///         let [x] = arity(inputs)?;
///         Ok(x)
///     }
///     fn forward(&mut self, inputs: Inputs<'_>, y: &mut [f32], context: Context<'_>) {
///         let [x] = inputs.each();
///         let row_length = x.len() / x.shape().axis(0);
///         if let Some(at) = x.iter().position(|x| *x < 0.0) {
///             return context.fault(at / row_length, || Error::other(format!("{} has no square root", x[at])));
///         }
///         y.iter_mut().zip(x.data()).for_each(|(y, x)| *y = x.sqrt());
///     }
///     fn backward(&mut self, _inputs: Inputs<'_>, y: &[f32], dy: &mut [f32], gradients: Gradients<'_>) {
///         let [Some(dx)] = gradients.each() else { return };
///         dx.iter_mut().zip(y).zip(dy).for_each(|((dx, y), dy)| *dx = *dy / (2.0 * y));
///     }
/// }
///
/// let recorder = Recorder::new(Mode::Training);
/// let x = recorder.variable([2]);
/// let y = recorder.scope("distance", || recorder.apply(Root, &[x]));
/// recorder.minimize(y.sum());
/// let (x, y) = (x.id(), y.id());
/// let mut tape = recorder.finish()?;
/// let params = Params::new();
/// tape.input_mut(x).assign(&ndarray::arr1(&[9.0, 4.0]));
/// tape.run(&params, Key::from_seed(0))?;
/// tape.backward(&params, &mut ParamGradients::new(&params));
/// assert_eq!(tape.value(y), ndarray::arr1(&[3.0, 2.0]).into_dyn());
/// assert_eq!(tape.gradient(x).unwrap(), ndarray::arr1(&[1.0 / 6.0, 0.25]).into_dyn());
///
/// tape.input_mut(x).assign(&ndarray::arr1(&[9.0, -4.0]));
/// let error = tape.run(&params, Key::from_seed(0)).unwrap_err();
/// assert_eq!(error.to_string(), "distance: root: row 1 of the batch: -4 has no square root");
/// # Ok::<(), gradus::Error>(())
/// ```
pub trait Op: Send {
    /// The operation's name, as errors and printed tapes say it.
    fn name(&self) -> &'static str;

    /// Checks the inputs' shapes, sizes whatever is kept for backward, and returns the output's shape.
    ///
    /// # Errors
    /// Usually [`Error::expected`], which says only what was expected: the recorder adds the layer, the operation and
    /// the shapes that were found.
    fn prepare(&mut self, inputs: &[Shape]) -> Result<Shape>;

    /// Overwrites `y` with the operation's value. `y` may hold anything before.
    ///
    /// `context` holds the key for draws, and takes the report of a value with which the operation cannot compute, such as
    /// an index out of range.
    fn forward(&mut self, inputs: Inputs<'_>, y: &mut [f32], context: Context<'_>);

    /// Overwrites each wanted gradient; the tape adds where a value was used more than once.
    ///
    /// `y` is forward's result, `dy` the loss's gradient with respect to it, which may be destroyed.
    fn backward(&mut self, inputs: Inputs<'_>, y: &[f32], dy: &mut [f32], gradients: Gradients<'_>);

    /// The positions among the inputs of the state parameters that the operation updates, such as running statistics; none
    /// by default. Asked once, after [`prepare`](Op::prepare). Each must be a different parameter that is not trainable:
    /// recording anything else is an error.
    fn states(&self) -> &[usize] {
        &[]
    }

    /// Computes the values that the state parameters get after the step. Called at the end of each run in which no operation
    /// reported a fault.
    ///
    /// `states` holds the values before the update, to be overwritten with those after it. These are the parameter's values,
    /// as in `inputs`, unless an earlier operation of the tape updates that parameter too. `y` is forward's result. The
    /// parameters themselves change when [`Tape::commit`](super::Tape::commit) is called.
    fn update_states(&mut self, _inputs: Inputs<'_>, _y: &[f32], _states: States<'_>) {}

    /// The operation as one that can change a weight array along its gradient while that is in cache, if it is one. Only
    /// operations of this crate can: `InPlace` is private.
    #[doc(hidden)]
    fn in_place(&mut self) -> Option<&mut dyn InPlace> {
        None
    }
}

/// An operation that changes one of its inputs, a large weight array, part by part as soon as the gradient is there.
///
/// It is asked to where nothing else uses the array; otherwise, and where gradients are looked at as a whole before
/// weights change, [`backward`](Op::backward) is called as ever. The weights' bits are the same both ways.
pub trait InPlace: Op {
    /// The position of the array among the inputs.
    fn position(&self) -> usize;

    /// As [`Op::backward`], and `weight` follows its gradient, which is overwritten too. The input at
    /// [`position`](InPlace::position) may not be asked for: its values are [`weight.value()`](Update::value) until they
    /// are changed.
    fn backward_in_place(
        &mut self,
        inputs: Inputs<'_>,
        y: &[f32],
        dy: &mut [f32],
        gradients: Gradients<'_>,
        weight: Update<'_>,
    );
}

/// The shapes of exactly `N` inputs.
///
/// # Errors
/// Another number of inputs.
pub fn arity<const N: usize>(inputs: &[Shape]) -> Result<[Shape; N]> {
    inputs.try_into().map_err(|_| Error::expected(format!("{N} inputs, found {}", inputs.len())))
}

/// Where an array lies.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub(super) enum Place {
    /// A buffer of the tape.
    Buffer(usize),
    /// A parameter.
    Param(usize),
    /// Nowhere: what an operation that was refused would have written.
    Nowhere,
}

/// An array that an operation reads: where it lies, and the shape as which it is read.
#[derive(Clone, Copy, Debug, PartialEq)]
pub(super) struct Source {
    pub(super) place: Place,
    pub(super) shape: Shape,
}

/// The values that an operation reads.
#[derive(Clone, Copy)]
pub struct Inputs<'a> {
    pub(super) sources: &'a [Source],
    pub(super) buffers: &'a [AlignedBuffer],
    pub(super) params: &'a Params,
}

impl fmt::Debug for Inputs<'_> {
    /// Writes the shapes.
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_list().entries(self.sources.iter().map(|source| source.shape)).finish()
    }
}

impl<'a> Inputs<'a> {
    /// All inputs, of which there must be `N`: `let [x, w] = inputs.each();`
    ///
    /// # Panics
    /// When there are not `N`, which `prepare` has already refused.
    pub fn each<const N: usize>(&self) -> [View<'a>; N] {
        assert_eq!(N, self.sources.len(), "an operation asked for {N} of its {} inputs", self.sources.len());
        std::array::from_fn(|position| self.get(position))
    }

    /// Whether the input at `position` is known to be finite, as parameters are that do not change from run to run. It costs
    /// nothing to ask; the answer may be no for a finite one.
    pub fn is_known_finite(&self, position: usize) -> bool {
        match self.sources[position].place {
            Place::Param(index) => self.params.is_known_finite(index),
            _ => false,
        }
    }

    /// How many there are.
    pub fn count(&self) -> usize {
        self.sources.len()
    }

    /// The input at `position`.
    ///
    /// # Panics
    /// When there is none.
    pub fn get(&self, position: usize) -> View<'a> {
        let Source { place, shape } = self.sources[position];
        match place {
            Place::Buffer(index) => View::new(shape, &self.buffers[index]),
            Place::Param(index) => View::new(shape, self.params.view(index).data()),
            Place::Nowhere => unreachable!("a tape with an error is never finished"),
        }
    }
}

/// What backward writes for one input, and where that lies. A step's loans are sorted by place.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub(super) struct Loan {
    pub(super) place: LoanPlace,
    pub(super) position: usize,
    pub(super) length: usize,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub(super) enum LoanPlace {
    /// The gradient of a buffer, for its first contribution.
    Buffer(usize),
    /// The gradient of a parameter, for its first contribution.
    Param(usize),
    /// A spare array, for later contributions; the tape adds it.
    Scratch(usize),
}

/// The gradients that an operation's backward writes.
pub struct Gradients<'a> {
    pub(super) arity: usize,
    pub(super) loans: &'a [Loan],
    pub(super) buffers: &'a mut [AlignedBuffer],
    pub(super) params: &'a mut [AlignedBuffer],
    pub(super) scratch: &'a mut [AlignedBuffer],
}

impl fmt::Debug for Gradients<'_> {
    /// Writes the positions of the inputs whose gradients are wanted.
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_list().entries(self.loans.iter().map(|loan| loan.position)).finish()
    }
}

impl<'a> Gradients<'a> {
    /// The gradient of each of the `N` inputs, to overwrite; `None` where nobody wants it.
    ///
    /// # Panics
    /// When the operation does not have `N` inputs.
    pub fn each<const N: usize>(self) -> [Option<&'a mut [f32]>; N] {
        assert_eq!(N, self.arity, "an operation asked for {N} gradients of its {} inputs", self.arity);
        let mut lent = [const { None }; N];
        self.for_each(|position, gradient| lent[position] = Some(gradient));
        lent
    }

    /// Calls `write(position, gradient)` for each input whose gradient is wanted, in no particular order: for operations
    /// of any number of inputs.
    pub fn for_each(self, mut write: impl FnMut(usize, &'a mut [f32])) {
        let (mut buffers, mut params) = (Lender::new(self.buffers), Lender::new(self.params));
        let mut scratch = Lender::new(self.scratch);
        for loan in self.loans {
            let array = match loan.place {
                LoanPlace::Buffer(index) => buffers.lend(index),
                LoanPlace::Param(index) => params.lend(index),
                LoanPlace::Scratch(index) => scratch.lend(index),
            };
            write(loan.position, &mut array[..loan.length]); // scratch is as long as its longest use
        }
    }
}

/// Hands out disjoint arrays of a list in ascending order.
struct Lender<'a> {
    rest: &'a mut [AlignedBuffer],
    passed: usize,
}

impl<'a> Lender<'a> {
    fn new(rest: &'a mut [AlignedBuffer]) -> Lender<'a> {
        Lender { rest, passed: 0 }
    }

    fn lend(&mut self, index: usize) -> &'a mut [f32] {
        let rest = std::mem::take(&mut self.rest);
        let (lent, rest) = rest[index - self.passed..].split_first_mut().expect("loans lie inside their list");
        (self.rest, self.passed) = (rest, index + 1);
        lent
    }
}
