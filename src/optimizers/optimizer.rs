//! The trait of optimizers.

use super::options::OptimizerOptions;
use super::slice::ParamSlice;
use super::step::Step;
use crate::error::Result;
use crate::forward::forward;
use crate::spec::Spec;
use std::fmt::Debug;
use std::sync::Arc;

/// An update rule of weights with its settings.
///
/// An optimizer is plain configuration; its state for each weight is in an [`OptimizerState`](super::OptimizerState). A custom
/// optimizer needs two methods, the rule and the settings:
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
/// [`initial_state`](Optimizer::initial_state) adds arrays that persist between steps, such as a velocity.
/// [`FromSpec`](crate::settings::FromSpec) and a [`Registry`](crate::save::Registry) load models that were saved with the
/// optimizer. [`check_optimizer`](crate::testing::check_optimizer) tests a custom optimizer.
///
/// `Box` and `Arc` of an optimizer are optimizers, so that one can be chosen at run time.
pub trait Optimizer: Debug + Send + Sync {
    /// Updates the values of a slice of a parameter from its gradient. Gradient clipping and weight decay are already applied.
    ///
    /// Parameters are split into slices of any length, so the update of an element must not depend on other elements.
    fn update(&self, step: Step, slice: ParamSlice<'_>);

    /// The class name and the settings, with the learning rate as `learning_rate`.
    fn spec(&self) -> Spec;

    /// The learning rate, gradient clipping, weight decay and moving averages of weights.
    ///
    /// The default reads them from [`spec`](Optimizer::spec): `learning_rate`, a number or a schedule of this crate, and the
    /// optional settings `clipvalue`, `clipnorm`, `global_clipnorm`, `weight_decay`, `use_ema`, `ema_momentum` and
    /// `ema_overwrite_frequency`.
    ///
    /// # Errors
    /// The default returns [`Error::Spec`](crate::Error::Spec) if `learning_rate` is missing or a setting has another type.
    fn options(&self) -> Result<OptimizerOptions> {
        OptimizerOptions::of_spec(&self.spec())
    }

    /// The initial value of each state array, at most [`MAX_STATE_ARRAYS`](super::MAX_STATE_ARRAYS). Every parameter has these
    /// arrays, each with one element for each of its elements. Defaults to none.
    fn initial_state(&self) -> &[f32] {
        &[]
    }

    /// Checks the settings except the options, which [`OptimizerState::new`](super::OptimizerState::new) checks. Defaults to no
    /// check.
    ///
    /// # Errors
    /// [`Error::Setting`](crate::Error::Setting) when a setting is out of range.
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
