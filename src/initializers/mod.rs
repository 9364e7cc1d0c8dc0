//! Initializers: distributions of the initial values of weights, one file each, with the names and definitions of Keras.
//!
//! They are options of layers:
//!
//! ```
//! use gradus::{initializers::HeNormal, layers::*};
//! let layer = Dense::new(100).activation(Activation::Relu).kernel_initializer(HeNormal);
//! ```

mod draw;
mod fans;

pub use fans::fans;
pub use variance_scaling::{Distribution, FanMode};

use crate::error::{Error, Result};
use crate::forward::forward;
use crate::random::Key;
use crate::registry::{Constructor, Part};
use crate::settings::{FromSpec, OptionValue, Settings};
use crate::shape::Shape;
use crate::spec::Spec;
use ndarray::ArrayD;
use std::fmt::Debug;
use std::sync::Arc;

/// An initializer: the distribution of the initial values of a weight array.
///
/// Custom initializers work in layers and, with a [`Registry`](crate::save::Registry), in files:
///
/// ```
/// use gradus::{FromSpec, Key, Result, Settings, Shape, Spec, initializers::Initializer, layers::Dense, save::Registry};
///
/// /// Alternating ones and minus ones.
/// #[derive(Debug)]
/// struct Alternating;
///
/// impl Initializer for Alternating {
///     fn values(&self, shape: Shape, _: Key) -> Result<Vec<f32>> {
///         Ok((0..shape.len()).map(|at| if at % 2 == 0 { 1.0 } else { -1.0 }).collect())
///     }
///     fn spec(&self) -> Spec {
///         Spec::new(Self::CLASS)
///     }
/// }
///
/// impl FromSpec for Alternating {
///     const CLASS: &'static str = "Alternating";
///     fn from_spec(_: &mut Settings<'_>) -> Result<Alternating> {
///         Ok(Alternating)
///     }
/// }
///
/// let layer = Dense::new(10).kernel_initializer(Alternating);
/// let registry = Registry::new().initializer::<Alternating>(); // for Model::load_with
/// ```
///
/// `Box` and `Arc` of an initializer are initializers, so that one can be chosen at run time.
pub trait Initializer: Debug + Send + Sync {
    /// Returns the values of an array of this shape, row-major. They depend only on the settings, the shape and the key.
    ///
    /// # Errors
    /// [`Error::Setting`] when a setting is out of range.
    fn values(&self, shape: Shape, key: Key) -> Result<Vec<f32>>;

    /// Returns the [`values`](Initializer::values) as an array, for [`Params::add`](crate::tape::Params::add).
    ///
    /// ```
    /// use gradus::{Key, initializers::{Initializer, Ones}};
    /// let ones = Ones.array(&[2, 3], Key::from_seed(1))?;
    /// assert_eq!(ones.shape(), [2, 3]);
    /// # Ok::<(), gradus::Error>(())
    /// ```
    ///
    /// # Errors
    /// [`Error::Setting`] when a setting is out of range, [`Error::Shape`] for more than [`MAX_RANK`](crate::MAX_RANK) axes.
    fn array(&self, sizes: &[usize], key: Key) -> Result<ArrayD<f32>> {
        let values = self.values(Shape::new(sizes)?, key)?;
        ArrayD::from_shape_vec(sizes, values).map_err(Error::other)
    }

    /// The class name and the settings.
    fn spec(&self) -> Spec;
}

forward!(Initializer for [Box, Arc] {
    fn values(&self, shape: Shape, key: Key) -> Result<Vec<f32>>;
    fn array(&self, sizes: &[usize], key: Key) -> Result<ArrayD<f32>>;
    fn spec(&self) -> Spec;
});

/// Declares an initializer without settings from the expression of its values.
macro_rules! without_settings {
    ($(#[$note:meta])* $Initializer:ident = |$shape:ident, $key:ident| $values:expr) => {
        $(#[$note])*
        #[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
        pub struct $Initializer;

        impl $crate::initializers::Initializer for $Initializer {
            fn values(&self, $shape: $crate::shape::Shape, $key: $crate::random::Key) -> $crate::error::Result<Vec<f32>> {
                $values
            }

            fn spec(&self) -> $crate::spec::Spec {
                $crate::spec::Spec::new(<Self as $crate::settings::FromSpec>::CLASS)
            }
        }

        impl $crate::settings::FromSpec for $Initializer {
            const CLASS: &'static str = stringify!($Initializer);

            fn from_spec(_settings: &mut $crate::settings::Settings<'_>) -> $crate::error::Result<$Initializer> {
                Ok($Initializer)
            }
        }

        #[cfg(test)]
        pub(super) mod tests {
            pub(crate) fn samples() -> Vec<Box<dyn $crate::initializers::Initializer>> {
                vec![Box::new(super::$Initializer)]
            }
        }
    };
}

/// Declares the initializers: each is a file and a line in the list below.
macro_rules! initializers {
    ($($file:ident::$Initializer:ident),* $(,)?) => {
        $(mod $file; pub use $file::$Initializer;)*

        impl Part for dyn Initializer {
            const NAME: &'static str = "initializer";

            fn built_in() -> Vec<(&'static str, Constructor<dyn Initializer>)> {
                vec![$(($Initializer::CLASS, |spec, classes| Ok(Box::new(spec.make_with::<$Initializer>(classes)?)))),*]
            }
        }

        /// Samples for the tests of all initializers.
        #[cfg(test)]
        fn samples() -> Vec<(&'static str, Vec<Box<dyn Initializer>>)> {
            vec![$((stringify!($file), $file::tests::samples())),*]
        }
    };
}

initializers! {
    constant::Constant,
    glorot_normal::GlorotNormal,
    glorot_uniform::GlorotUniform,
    he_normal::HeNormal,
    he_uniform::HeUniform,
    identity::Identity,
    lecun_normal::LecunNormal,
    lecun_uniform::LecunUniform,
    ones::Ones,
    orthogonal::Orthogonal,
    random_normal::RandomNormal,
    random_uniform::RandomUniform,
    truncated_normal::TruncatedNormal,
    variance_scaling::VarianceScaling,
    zeros::Zeros,
}

/// Reads the initializer in the setting `name` of a layer.
///
/// # Errors
/// [`Error::Spec`] when the setting is missing, of an unknown class, or without the settings of its class.
pub fn read(settings: &mut Settings<'_>, name: &str) -> Result<Arc<dyn Initializer>> {
    Ok(settings.make_nested::<dyn Initializer>(name)?.into())
}

impl OptionValue for Arc<dyn Initializer> {
    fn write(&self, name: &'static str, spec: Spec) -> Spec {
        spec.with(name, self.spec())
    }

    fn read(name: &'static str, settings: &mut Settings<'_>) -> Result<Arc<dyn Initializer>> {
        read(settings, name)
    }
}

#[cfg(test)]
mod tests;
