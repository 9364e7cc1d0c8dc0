//! Orthogonal matrices.

use super::Initializer;
use super::draw::normal;
use crate::error::{Result, check_setting};
use crate::kernels::orthonormal::orthonormalize;
use crate::random::Key;
use crate::settings::{FromSpec, options};
use crate::shape::Shape;
use crate::sizes;
use crate::spec::Spec;

options! {
    /// A random orthogonal matrix, multiplied by a gain (Saxe et al. 2014). `Orthogonal` in Keras.
    ///
    /// The array is a matrix whose columns are its last axis. Its rows are orthogonal, or its columns if there are fewer. An
    /// array with one axis is a row, which Keras rejects.
    ///
    /// ```
    /// use gradus::{Key, initializers::{Initializer, Orthogonal}};
    /// let values = Orthogonal::default().array(&[2, 3], Key::from_seed(1))?;
    /// let row = |row: usize| values.index_axis(ndarray::Axis(0), row).to_owned();
    /// assert!((row(0) * row(1)).sum().abs() < 1e-6);
    /// # Ok::<(), gradus::Error>(())
    /// ```
    ///
    /// # Errors
    /// `compile` returns [`Error::Setting`](crate::Error::Setting) unless the gain is finite.
    #[derive(Clone, Copy, Debug, PartialEq)]
    pub struct Orthogonal("Orthogonal") of (gain: f32);
}

impl Default for Orthogonal {
    /// A gain of 1, as in Keras.
    fn default() -> Orthogonal {
        Orthogonal::new(1.0)
    }
}

impl Orthogonal {
    /// Creates the initializer from the factor of the matrix, which is finite.
    pub fn new(gain: f32) -> Orthogonal {
        Orthogonal::with_defaults(gain)
    }
}

impl Initializer for Orthogonal {
    fn values(&self, shape: Shape, key: Key) -> Result<Vec<f32>> {
        check_setting(self.gain.is_finite(), "Orthogonal", "gain", f64::from(self.gain), "finite")?;
        let draws = normal(shape, 0.0, 1.0, 0.0, key)?;
        let [rows, columns] = [shape.rows(), shape.last()];
        let (count, length) = (rows.min(columns), rows.max(columns));
        sizes::check_fits_memory::<f64>(&[count, length])?;
        let mut vectors: Vec<f64> = draws.into_iter().map(f64::from).collect();
        orthonormalize(&mut vectors, length);
        let value = |at: usize| {
            let (row, column) = (at / columns, at % columns);
            let vector = if rows <= columns { row * columns + column } else { column * rows + row };
            (f64::from(self.gain) * vectors[vector]) as f32
        };
        sizes::collect(shape.sizes(), value)
    }

    fn spec(&self) -> Spec {
        self.write_options(Spec::new(Self::CLASS))
    }
}

#[cfg(test)]
pub(super) mod tests {
    use super::*;

    pub(crate) fn samples() -> Vec<Box<dyn Initializer>> {
        vec![Box::new(Orthogonal::default()), Box::new(Orthogonal::new(0.5))]
    }

    #[test]
    fn rows_or_columns_are_orthogonal() {
        for [rows, columns] in [[3, 12], [12, 3], [5, 5]] {
            let values = Orthogonal::new(2.0).values([rows, columns].into(), Key::from_seed(3)).unwrap();
            let at = |vector: usize, i: usize| {
                f64::from(if rows <= columns { values[vector * columns + i] } else { values[i * columns + vector] })
            };
            for (a, b) in (0..rows.min(columns)).flat_map(|a| (0..=a).map(move |b| (a, b))) {
                let product: f64 = (0..rows.max(columns)).map(|i| at(a, i) * at(b, i)).sum();
                assert!((product - if a == b { 4.0 } else { 0.0 }).abs() < 1e-5, "{rows} × {columns}: {a}, {b}");
            }
        }
    }
}
