//! The trait of optimizers.

use super::options::OptimizerOptions;
use super::slice::ParamSlice;
use super::step::Step;
use crate::error::Result;
use crate::forward::forward;
use crate::spec::Spec;
use std::fmt::Debug;
use std::sync::Arc;

/// The update rule of weights and its settings.
///
/// An optimizer is plain configuration; its state for each weight is in an [`OptimizerState`](super::OptimizerState). An optimizer of your own
/// needs two methods, the rule and the settings:
///
/// ```
/// use gradus::optimizers::{Optimizer, ParamSlice, Step};
/// use gradus::{Compile, Sequential, Spec, layers::Dense, losses::MeanSquaredError};
///
/// #[derive(Debug)]
/// struct PlainSgd {
///     learning_rate: f32,
/// }
///
/// impl Optimizer for PlainSgd {
///     fn update(&self, step: Step, slice: ParamSlice<'_>) {
///         slice.values.iter_mut().zip(slice.gradient).for_each(|(w, g)| *w -= step.learning_rate * g);
///     }
///     fn spec(&self) -> Spec {
///         Spec::new("PlainSgd").with("learning_rate", self.learning_rate)
///     }
/// }
///
/// let settings = Compile::new(PlainSgd { learning_rate: 0.1 }, MeanSquaredError::new());
/// let model = Sequential::new([3]).add(Dense::new(1)).compile(settings)?;
/// assert_eq!(model.learning_rate(), 0.1);
/// # Ok::<(), gradus::Error>(())
/// ```
///
/// With [`initial_state`](Optimizer::initial_state) it keeps arrays from step to step, such as a velocity;
/// [`FromSpec`](crate::settings::FromSpec) and a [`Registry`](crate::save::Registry) load models that were saved with it;
/// [`check_optimizer`](crate::testing::check_optimizer) tests all of it. `Box` and `Arc` of an optimizer are optimizers, so
/// that one can be chosen at run time.
pub trait Optimizer: Debug + Send + Sync {
    /// Changes the values of a slice of a parameter by its gradient. Gradients have been clipped and weights have decayed.
    ///
    /// Parameters are cut into slices of any length, so an element must not depend on others.
    fn update(&self, step: Step, slice: ParamSlice<'_>);

    /// The class name and the settings, with the learning rate as `learning_rate`.
    fn spec(&self) -> Spec;

    /// The learning rate, gradient clipping and weight decay.
    ///
    /// By default they are read from [`spec`](Optimizer::spec): `learning_rate` is a number or a schedule of this library,
    /// and `clipvalue`, `clipnorm`, `global_clipnorm` and `weight_decay` are used where they are there.
    ///
    /// # Errors
    /// The default: the spec has no such `learning_rate`, or an option of another kind.
    fn options(&self) -> Result<OptimizerOptions> {
        OptimizerOptions::of_spec(&self.spec())
    }

    /// The initial value of each state array, at most [`MAX_STATE_ARRAYS`](super::MAX_STATE_ARRAYS); none by default. A parameter has its own
    /// arrays, each with an element for each of its elements.
    fn initial_state(&self) -> &[f32] {
        &[]
    }

    /// Checks the settings beside the options, which [`OptimizerState::new`](super::OptimizerState::new) checks; nothing by default.
    ///
    /// # Errors
    /// A setting is out of range.
    fn check(&self) -> Result<()> {
        Ok(())
    }
}

forward!(Optimizer for [Box, Arc] {
    fn update(&self, step: Step, slice: ParamSlice<'_>);
    fn spec(&self) -> Spec;
    fn options(&self) -> Result<OptimizerOptions>;
    fn initial_state(&self) -> &[f32];
    fn check(&self) -> Result<()>;
});
