//! Constraints: conditions on weights that are restored after each step of the optimizer, one file each, with the names and
//! definitions of Keras. A constraint records operations and, like a regularizer, is plain configuration.
//!
//! Constraints are options of layers. Frozen weights are not constrained, and neither are initial values.
//!
//! ```
//! use gradus::{constraints::MaxNorm, layers::Dense};
//! let layer = Dense::new(10).kernel_constraint(MaxNorm::new(3.0));
//! ```

mod norms;

use crate::error::Result;
use crate::forward::forward;
use crate::registry::{Constructor, Part};
use crate::settings::{FromSpec, OptionValue, Settings};
use crate::spec::Spec;
use crate::tape::Var;
use std::fmt::Debug;
use std::sync::Arc;

/// A constraint: a function that is applied to a weight array after each step of the optimizer.
///
/// Custom constraints work in layers and, with a [`Registry`](crate::save::Registry), in files:
///
/// ```
/// use gradus::{FromSpec, Result, Settings, Spec, constraints::Constraint, layers::Dense, save::Registry, tape::Var};
///
/// /// Weights from −limit to limit.
/// #[derive(Debug)]
/// struct Within {
///     limit: f32,
/// }
///
/// impl Constraint for Within {
///     fn record<'r>(&self, weights: Var<'r>) -> Var<'r> {
///         weights.clip(-self.limit, self.limit)
///     }
///     fn spec(&self) -> Spec {
///         Spec::new(Self::CLASS).with("limit", self.limit)
///     }
/// }
///
/// impl FromSpec for Within {
///     const CLASS: &'static str = "Within";
///     fn from_spec(settings: &mut Settings<'_>) -> Result<Within> {
///         Ok(Within { limit: settings.float("limit")? })
///     }
/// }
///
/// let layer = Dense::new(10).kernel_constraint(Within { limit: 0.5 });
/// let registry = Registry::new().constraint::<Within>(); // for Model::load_with
/// ```
///
/// `Box` and `Arc` of a constraint are constraints, so that one can be chosen at run time.
pub trait Constraint: Debug + Send + Sync {
    /// Records the constrained values of these weights, an array of their shape.
    fn record<'r>(&self, weights: Var<'r>) -> Var<'r>;

    /// Checks the settings.
    ///
    /// # Errors
    /// [`Error::Setting`](crate::Error::Setting) when a setting is out of range.
    fn check(&self) -> Result<()> {
        Ok(())
    }

    /// The class name and the settings.
    fn spec(&self) -> Spec;
}

forward!(Constraint for [Box, Arc] {
    fn record<'r>(&self, weights: Var<'r>) -> Var<'r>;
    fn check(&self) -> Result<()>;
    fn spec(&self) -> Spec;
});

/// Declares the constraints: each is a file and a line in the list below.
macro_rules! constraints {
    ($($file:ident::$Constraint:ident),* $(,)?) => {
        $(mod $file; pub use $file::$Constraint;)*

        impl Part for dyn Constraint {
            const NAME: &'static str = "constraint";

            fn built_in() -> Vec<(&'static str, Constructor<dyn Constraint>)> {
                vec![$(($Constraint::CLASS, |spec, classes| Ok(Box::new(spec.make_with::<$Constraint>(classes)?)))),*]
            }
        }

        /// Samples for the tests of all constraints.
        #[cfg(test)]
        fn samples() -> Vec<(&'static str, Vec<Box<dyn Constraint>>)> {
            vec![$((stringify!($file), $file::tests::samples())),*]
        }
    };
}

constraints! {
    max_norm::MaxNorm,
    min_max_norm::MinMaxNorm,
    non_neg::NonNeg,
    unit_norm::UnitNorm,
}

impl OptionValue for Arc<dyn Constraint> {
    fn write(&self, name: &'static str, spec: Spec) -> Spec {
        spec.with(name, self.spec())
    }

    fn read(name: &'static str, settings: &mut Settings<'_>) -> Result<Arc<dyn Constraint>> {
        Ok(settings.make_nested::<dyn Constraint>(name)?.into())
    }
}

#[cfg(test)]
mod tests;
