//! Regularizers: penalties on weights, one file each, with the names and definitions of Keras. A regularizer records
//! operations and, like a loss, is plain configuration.
//!
//! Regularizers are options of layers. Their penalties are added to the loss in training, and to `loss` and `val_loss` in the
//! reports of `fit` and `evaluate`. Frozen weights have no penalty.
//!
//! ```
//! use gradus::{layers::Dense, regularizers::L2};
//! let layer = Dense::new(10).kernel_regularizer(L2::new(1e-4));
//! ```

pub use orthogonal_regularizer::OrthogonalMode;

use crate::error::Result;
use crate::forward::forward;
use crate::registry::{Constructor, Part};
use crate::settings::{FromSpec, OptionValue, Settings};
use crate::spec::Spec;
use crate::tape::Var;
use std::fmt::Debug;
use std::sync::Arc;

/// A regularizer: the penalty on a weight array that is added to the loss.
///
/// Custom regularizers work in layers and, with a [`Registry`](crate::save::Registry), in files:
///
/// ```
/// use gradus::{FromSpec, Result, Settings, Spec, layers::Dense, regularizers::Regularizer, save::Registry, tape::Var};
///
/// /// The deviation of the columns of a matrix w from orthonormal ones: factor · ‖wᵀ · w − 1‖², which is
/// /// Σ (wᵀ · w)² − 2 · Σ w² + columns.
/// #[derive(Debug)]
/// struct Orthonormal {
///     factor: f32,
/// }
///
/// impl Regularizer for Orthonormal {
///     fn record<'r>(&self, weights: Var<'r>) -> Var<'r> {
///         let products = weights.transpose(&[1, 0]).matmul(weights);
///         let columns = weights.shape().last() as f32;
///         ((products * products).sum() - (weights * weights).sum() * 2.0 + columns) * self.factor
///     }
///     fn spec(&self) -> Spec {
///         Spec::new(Self::CLASS).with("factor", self.factor)
///     }
/// }
///
/// impl FromSpec for Orthonormal {
///     const CLASS: &'static str = "Orthonormal";
///     fn from_spec(settings: &mut Settings<'_>) -> Result<Orthonormal> {
///         Ok(Orthonormal { factor: settings.float("factor")? })
///     }
/// }
///
/// let layer = Dense::new(10).kernel_regularizer(Orthonormal { factor: 0.01 });
/// let registry = Registry::new().regularizer::<Orthonormal>(); // for Model::load_with
/// ```
///
/// `Box` and `Arc` of a regularizer are regularizers, so that one can be chosen at run time.
pub trait Regularizer: Debug + Send + Sync {
    /// Records the penalty on these weights, a scalar.
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

forward!(Regularizer for [Box, Arc] {
    fn record<'r>(&self, weights: Var<'r>) -> Var<'r>;
    fn check(&self) -> Result<()>;
    fn spec(&self) -> Spec;
});

/// Declares the regularizers: each is a file and a line in the list below.
macro_rules! regularizers {
    ($($file:ident::$Regularizer:ident),* $(,)?) => {
        $(mod $file; pub use $file::$Regularizer;)*

        impl Part for dyn Regularizer {
            const NAME: &'static str = "regularizer";

            fn built_in() -> Vec<(&'static str, Constructor<dyn Regularizer>)> {
                vec![$(($Regularizer::CLASS, |spec, classes| Ok(Box::new(spec.make_with::<$Regularizer>(classes)?)))),*]
            }
        }

        /// Samples for the tests of all regularizers.
        #[cfg(test)]
        fn samples() -> Vec<(&'static str, Vec<Box<dyn Regularizer>>)> {
            vec![$((stringify!($file), $file::tests::samples())),*]
        }
    };
}

regularizers! {
    l1::L1,
    l1_l2::L1L2,
    l2::L2,
    orthogonal_regularizer::OrthogonalRegularizer,
}

/// Reads the optional regularizer in the setting `name` of a layer.
///
/// # Errors
/// [`Error::Spec`](crate::Error::Spec) for an unknown class or invalid settings.
pub fn read(settings: &mut Settings<'_>, name: &str) -> Result<Option<Arc<dyn Regularizer>>> {
    settings.or(name, None, |settings, name| Ok(Some(settings.make_nested::<dyn Regularizer>(name)?.into())))
}

/// Adds the setting `name` to the spec of a layer that has a regularizer.
pub fn write(spec: Spec, name: &'static str, regularizer: Option<&Arc<dyn Regularizer>>) -> Spec {
    regularizer.into_iter().fold(spec, |spec, regularizer| spec.with(name, regularizer.spec()))
}

impl OptionValue for Arc<dyn Regularizer> {
    fn write(&self, name: &'static str, spec: Spec) -> Spec {
        spec.with(name, self.spec())
    }

    fn read(name: &'static str, settings: &mut Settings<'_>) -> Result<Arc<dyn Regularizer>> {
        Ok(settings.make_nested::<dyn Regularizer>(name)?.into())
    }
}

#[cfg(test)]
mod tests;
