//! The trait of preprocessing layers.

use crate::error::Result;
use crate::forward::forward;
use crate::shape::Shape;
use crate::spec::Spec;
use std::fmt::Debug;
use std::sync::Arc;

/// A preprocessing layer: converts the strings of a row to numbers.
///
/// Other crates can implement it. Models store preprocessing layers, and load them from files through a
/// [`Registry`](crate::save::Registry::preprocessing). State that is adapted to data, such as a vocabulary, is a setting of
/// the [`spec`](Preprocessing::spec).
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
    /// Returns an error if the layer does not support this shape.
    fn output_shape(&self, strings: Shape) -> Result<Shape>;

    /// Converts the strings of one row and writes the result to `numbers`. Both slices are row-major, and `numbers` has the
    /// length of [`output_shape`](Preprocessing::output_shape). The result depends only on the strings and the settings.
    ///
    /// # Errors
    /// Returns an error if a string cannot be converted. The contents of `numbers` are then unspecified.
    fn write(&self, strings: &[&str], numbers: &mut [f32]) -> Result<()>;

    /// Checks the settings.
    ///
    /// # Errors
    /// Returns an error if a setting is out of range, or if the layer has not been adapted to data.
    fn check(&self) -> Result<()> {
        Ok(())
    }

    /// The class name and the settings, including the state that was adapted to data.
    fn spec(&self) -> Spec;
}

forward!(Preprocessing for [Box, Arc] {
    fn output_shape(&self, strings: Shape) -> Result<Shape>;
    fn write(&self, strings: &[&str], numbers: &mut [f32]) -> Result<()>;
    fn check(&self) -> Result<()>;
    fn spec(&self) -> Spec;
});
