//! Regularizers: what large weights cost, one file each, with Keras' names and definitions. A regularizer records
//! operations; like a loss it is plain configuration.
//!
//! It is an option of layers. What it records counts in the loss that is trained, and in what `fit` and `evaluate` report
//! as `loss` and `val_loss`; weights that are frozen cost nothing.
//!
//! ```
//! use gradus::{layers::Dense, regularizers::L2};
//! let layer = Dense::new(10).kernel_regularizer(L2::new(1e-4));
//! ```

use crate::error::Result;
use crate::forward::forward;
use crate::registry::{Make, Part};
use crate::settings::{FromSpec, OptionValue, Settings};
use crate::spec::Spec;
use crate::tape::Var;
use std::fmt::Debug;
use std::sync::Arc;

/// What the weights of an array add to the loss, so that training keeps them as they should be.
///
/// One of another crate works like those here, in layers and, through a [`Registry`](crate::save::Registry), in files:
///
/// ```
/// use gradus::{FromSpec, Result, Settings, Spec, layers::Dense, regularizers::Regularizer, save::Registry, tape::Var};
///
/// /// How far the columns of a matrix w are from orthonormal: factor · ‖wᵀ · w − 1‖², which is
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
///         Ok(Orthonormal { factor: settings.number("factor")? })
///     }
/// }
///
/// let layer = Dense::new(10).kernel_regularizer(Orthonormal { factor: 0.01 });
/// let registry = Registry::new().regularizer::<Orthonormal>(); // for Model::load_with
/// ```
///
/// `Box` and `Arc` of a regularizer are regularizers, so that one can be chosen at run time.
pub trait Regularizer: Debug + Send + Sync {
    /// Records what these weights cost, a scalar.
    fn record<'r>(&self, weights: Var<'r>) -> Var<'r>;

    /// Checks the settings.
    ///
    /// # Errors
    /// One of them is out of range.
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

/// Every regularizer: one line here and one new file add one.
macro_rules! regularizers {
    ($($file:ident::$Regularizer:ident),* $(,)?) => {
        $(mod $file; pub use $file::$Regularizer;)*

        impl Part for dyn Regularizer {
            const NAME: &'static str = "regularizer";

            fn built_in() -> Vec<(&'static str, Make<dyn Regularizer>)> {
                vec![$(($Regularizer::CLASS, |spec, known| Ok(Box::new(spec.make_of::<$Regularizer>(known)?)))),*]
            }
        }

        /// What the tests that walk all regularizers run.
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
}

/// The setting `name` of a layer that may have a regularizer.
///
/// # Errors
/// A class that is not known, or settings that are not those of the class.
pub fn read(settings: &mut Settings<'_>, name: &str) -> Result<Option<Arc<dyn Regularizer>>> {
    settings.or(name, None, |settings, name| Ok(Some(settings.part_of::<dyn Regularizer>(name)?.into())))
}

/// Adds the setting `name` to a layer's spec where there is a regularizer.
pub fn write(spec: Spec, name: &'static str, regularizer: Option<&Arc<dyn Regularizer>>) -> Spec {
    regularizer.into_iter().fold(spec, |spec, regularizer| spec.with(name, regularizer.spec()))
}

impl OptionValue for Arc<dyn Regularizer> {
    fn write(&self, name: &'static str, spec: Spec) -> Spec {
        spec.with(name, self.spec())
    }

    fn read(name: &'static str, settings: &mut Settings<'_>) -> Result<Arc<dyn Regularizer>> {
        Ok(settings.part_of::<dyn Regularizer>(name)?.into())
    }
}

#[cfg(test)]
mod tests;
