//! The contract of preprocessing parts.

use crate::error::Result;
use crate::forward::forward;
use crate::shape::Shape;
use crate::spec::Spec;
use std::fmt::Debug;
use std::sync::Arc;

/// A part that turns the strings of a row into numbers.
///
/// A part of another crate works like those here: it is held by models and, through a
/// [`Registry`](crate::save::Registry::preprocessing), loaded from files. State that is adapted from data, such as a vocabulary,
/// is a setting of its [`spec`](Preprocessing::spec).
///
/// ```
/// use gradus::preprocessing::Preprocessing;
/// use gradus::{FromSpec, Result, Settings, Shape, Spec, save::Registry};
///
/// /// The number of letters of each string.
/// #[derive(Debug)]
/// struct Letters;
///
/// impl Preprocessing for Letters {
///     fn output_shape(&self, strings: Shape) -> Result<Shape> {
///         Ok(strings)
///     }
///     fn write(&self, strings: &[&str], numbers: &mut [f32]) -> Result<()> {
///         strings.iter().zip(numbers).for_each(|(text, number)| *number = text.chars().count() as f32);
///         Ok(())
///     }
///     fn spec(&self) -> Spec {
///         Spec::new(Self::CLASS)
///     }
/// }
///
/// impl FromSpec for Letters {
///     const CLASS: &'static str = "Letters";
///     fn from_spec(_: &mut Settings<'_>) -> Result<Letters> {
///         Ok(Letters)
///     }
/// }
///
/// let registry = Registry::new().preprocessing::<Letters>(); // for Model::load_with
/// ```
pub trait Preprocessing: Debug + Send + Sync {
    /// The shape of the numbers of a row whose strings have the shape `strings`.
    ///
    /// # Errors
    /// Strings of a shape that the part does not take.
    fn output_shape(&self, strings: Shape) -> Result<Shape>;

    /// Writes the numbers of one row over `numbers`. Both are row-major, and `numbers` has as many elements as
    /// [`output_shape`](Preprocessing::output_shape). A row's numbers depend on nothing but its strings and the settings.
    ///
    /// # Errors
    /// A string that the part does not take. `numbers` are unspecified then.
    fn write(&self, strings: &[&str], numbers: &mut [f32]) -> Result<()>;

    /// Checks the settings.
    ///
    /// # Errors
    /// A setting is out of range, or the part still has to be adapted to data.
    fn check(&self) -> Result<()> {
        Ok(())
    }

    /// The class name and the settings, with the state that was adapted from data.
    fn spec(&self) -> Spec;
}

forward!(Preprocessing for [Box, Arc] {
    fn output_shape(&self, strings: Shape) -> Result<Shape>;
    fn write(&self, strings: &[&str], numbers: &mut [f32]) -> Result<()>;
    fn check(&self) -> Result<()>;
    fn spec(&self) -> Spec;
});
