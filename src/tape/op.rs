//! The trait of operations: a forward and a backward pass over slices, whose shapes are checked when it is recorded.

use super::context::Context;
use super::gradients::Gradients;
use super::inputs::Inputs;
use super::states::States;
use crate::error::{Error, Result};
use crate::kernels::activation::Elementwise;
use crate::kernels::update::Update;
use crate::shape::Shape;

/// An operation on arrays, with its derivative.
///
/// [`prepare`](Op::prepare) returns errors of shapes and settings, before a run; [`forward`](Op::forward) reports errors of
/// values to the [`Context`]. A type that implements `Op` is recorded with [`Recorder::apply`](super::Recorder::apply).
/// Another crate can add it as a method to [`Var`](super::Var) by an extension trait.
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
    /// The operation's name in errors and printed tapes.
    fn name(&self) -> &'static str;

    /// Checks the inputs' shapes, allocates values that are stored for the backward pass, and returns the output's shape.
    ///
    /// # Errors
    /// Usually [`Error::expected`] with the expected shapes: the recorder adds the layer, the operation and the shapes that
    /// were found.
    fn prepare(&mut self, inputs: &[Shape]) -> Result<Shape>;

    /// Computes the operation's value and writes it to `y`, whose previous content is unspecified.
    ///
    /// `context` provides the random key, and [`Context::fault`] reports an invalid value, such as an index out of range.
    fn forward(&mut self, inputs: Inputs<'_>, y: &mut [f32], context: Context<'_>);

    /// Computes the gradient of each input that needs one, and writes it to `gradients`. If several operations read a value,
    /// the tape adds their gradients.
    ///
    /// `y` is the result of `forward`. `dy` is the gradient of the loss with respect to it; its contents may be overwritten.
    fn backward(&mut self, inputs: Inputs<'_>, y: &[f32], dy: &mut [f32], gradients: Gradients<'_>);

    /// The positions among the inputs of the state parameters that the operation updates, such as running statistics.
    /// Defaults to none. Called once, after [`prepare`](Op::prepare). Each must be a different parameter that is not
    /// trainable: anything else is an error of the recording.
    fn states(&self) -> &[usize] {
        &[]
    }

    /// Computes the new values of the state parameters. Called at the end of each run in which no operation reported a
    /// fault.
    ///
    /// `states` contains the values before the update, to be overwritten with the new ones. They are equal to the parameters
    /// in `inputs`, unless an earlier operation of the tape updates the parameter too. `y` is the result of `forward`. The
    /// parameters change when [`Tape::commit`](super::Tape::commit) is called.
    fn update_states(&mut self, _inputs: Inputs<'_>, _y: &[f32], _states: States<'_>) {}

    /// The activation that the operation applies to its only input, if it is one that can be fused. Only operations of this
    /// crate are fused: `Elementwise` is private.
    #[doc(hidden)]
    fn elementwise(&self) -> Option<Elementwise> {
        None
    }

    /// Applies an activation to the operation's value from now on, or returns `false` if the operation does not support it.
    /// The backward pass then gets the value after the activation, and the gradient of that.
    #[doc(hidden)]
    fn fuse(&mut self, _activation: Elementwise) -> bool {
        false
    }

    /// The numbers of zeros that the operation adds before and after its only input along each axis, if it does only that.
    #[doc(hidden)]
    fn zero_padding(&self) -> Option<&[[usize; 2]]> {
        None
    }

    /// From now on, reads its first input, of this shape, with these numbers of zeros around it; or returns `false` if the
    /// operation does not support it. Only operations of this crate do.
    #[doc(hidden)]
    fn pad_input(&mut self, _input: Shape, _around: &[[usize; 2]]) -> bool {
        false
    }

    /// The operation as one that can update a weight array in its backward pass, if it can. Only operations of this crate
    /// can: `InPlace` is private.
    #[doc(hidden)]
    fn in_place(&mut self) -> Option<&mut dyn InPlace> {
        None
    }
}

/// An operation that can update one of its inputs, a large weight array, in its backward pass: each part as soon as its
/// gradient is computed, while both are in cache.
///
/// The tape uses it if no other operation reads the array and the optimizer does not need all gradients before it updates
/// weights, as gradient clipping does. Otherwise it calls [`backward`](Op::backward). Both give the same bits.
pub trait InPlace: Op {
    /// The position of the weight array among the inputs.
    fn position(&self) -> usize;

    /// Computes the gradients of [`Op::backward`], and updates `weight` along its gradient, which is written too. Must not
    /// read the input at [`position`](InPlace::position): its values are [`weight.value()`](Update::value) until the update.
    fn backward_in_place(
        &mut self,
        inputs: Inputs<'_>,
        y: &[f32],
        dy: &mut [f32],
        gradients: Gradients<'_>,
        weight: Update<'_>,
    );
}

/// Returns the shapes of exactly `N` inputs.
///
/// # Errors
/// When the number of inputs is not `N`.
pub fn arity<const N: usize>(inputs: &[Shape]) -> Result<[Shape; N]> {
    inputs.try_into().map_err(|_| Error::expected(format!("{N} inputs, found {}", inputs.len())))
}
