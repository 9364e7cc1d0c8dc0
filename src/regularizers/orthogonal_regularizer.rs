//! Orthogonal regularization of the rows or columns of a matrix.

use super::Regularizer;
use crate::error::Result;
use crate::ops::check_penalty_factor;
use crate::settings::{FromSpec, OptionValue, Settings, options};
use crate::shape::Shape;
use crate::spec::Spec;
use crate::tape::Var;

/// The vectors that [`OrthogonalRegularizer`] makes orthogonal.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub enum OrthogonalMode {
    /// The rows of the matrix.
    Rows,
    /// The columns of the matrix.
    Columns,
}

impl OptionValue for OrthogonalMode {
    fn write(&self, name: &'static str, spec: Spec) -> Spec {
        spec.with(name, if *self == OrthogonalMode::Rows { "rows" } else { "columns" })
    }

    fn read(name: &'static str, settings: &mut Settings<'_>) -> Result<OrthogonalMode> {
        settings.one_of(name, &[("rows", OrthogonalMode::Rows), ("columns", OrthogonalMode::Columns)])
    }
}

options! {
    /// A penalty on vectors that are not orthogonal: factor times the mean absolute cosine of all pairs of rows, or of
    /// columns, of a matrix. `OrthogonalRegularizer` in Keras.
    ///
    /// A matrix with a single row, or column, has no pair and the penalty 0, where Keras divides by 0. Vectors of zeros are
    /// orthogonal to all others.
    ///
    /// ```
    /// use gradus::layers::Dense;
    /// use gradus::regularizers::{OrthogonalMode, OrthogonalRegularizer};
    /// let layer = Dense::new(10).kernel_regularizer(OrthogonalRegularizer::new(0.01).mode(OrthogonalMode::Columns));
    /// ```
    ///
    /// # Errors
    /// `compile` returns [`Error::Setting`](crate::Error::Setting) unless the factor is finite and ≥ 0, and
    /// [`Error::Shape`](crate::Error::Shape) for weights that are not a matrix.
    #[derive(Clone, Copy, Debug, PartialEq)]
    #[must_use]
    pub struct OrthogonalRegularizer("OrthogonalRegularizer") of (factor: f32) {
        /// Whether rows or columns are compared. Defaults to rows.
        value mode: OrthogonalMode = OrthogonalMode::Rows,
    }
}

impl Default for OrthogonalRegularizer {
    /// Factor 0.01, as in Keras.
    fn default() -> OrthogonalRegularizer {
        OrthogonalRegularizer::new(0.01)
    }
}

impl OrthogonalRegularizer {
    /// Creates the regularizer from its factor, which is finite and ≥ 0.
    pub fn new(factor: f32) -> OrthogonalRegularizer {
        OrthogonalRegularizer::with_defaults(factor)
    }
}

impl Regularizer for OrthogonalRegularizer {
    fn record<'r>(&self, weights: Var<'r>) -> Var<'r> {
        // Another number of axes is an error of the first operation.
        let rows = match self.mode {
            OrthogonalMode::Rows => weights.transpose(&[0, 1]),
            OrthogonalMode::Columns => weights.transpose(&[1, 0]),
        };
        let squares = (rows * rows).sum_axes(&[-1], true);
        let rows = rows / squares.clip(1e-12, f32::INFINITY).sqrt();
        let count = rows.shape().sizes().first().copied().unwrap_or(1);
        let diagonal = |at: usize| if at.is_multiple_of(count + 1) { 0.0 } else { 1.0 };
        let values: Vec<f32> = (0..count * count).map(diagonal).collect();
        let others = weights.recorder().constant_values(Shape::from([count, count]), values);
        let products = rows.matmul(rows.transpose(&[1, 0])) * others;
        let pairs = (count * count.saturating_sub(1)).max(1) as f32;
        products.absolute().sum() * (self.factor / pairs)
    }

    fn check(&self) -> Result<()> {
        check_penalty_factor("OrthogonalRegularizer", "factor", self.factor)
    }

    fn spec(&self) -> Spec {
        self.write_options(Spec::new(Self::CLASS))
    }
}

#[cfg(test)]
pub(super) mod tests {
    use super::*;

    pub(crate) fn samples() -> Vec<Box<dyn Regularizer>> {
        let columns = OrthogonalRegularizer::new(0.5).mode(OrthogonalMode::Columns);
        vec![Box::new(OrthogonalRegularizer::default()), Box::new(columns)]
    }
}
