//! Embedding: indices become learned rows of a table.

use crate::error::{Error, Result, check_setting};
use crate::initializers::{Initializer, RandomUniform};
use crate::layers::{Cursor, Layer, Weights};
use crate::regularizers::Regularizer;
use crate::settings::{FromSpec, options};
use crate::shape::Shape;
use crate::spec::Spec;
use crate::tape::Var;

options! {
    /// A learned vector of `output_dim` numbers for each index ≥ 0 and < `input_dim`: samples of indices of any shape get
    /// one more axis, of `output_dim`. Keras' `Embedding`.
    ///
    /// A fraction of an index is cut off, as in Keras. An index below 0, from `input_dim` on, or NaN ends training,
    /// evaluation and prediction with [`Error::Fault`], which states it and its row; a training step then changes nothing.
    #[derive(Clone, Debug)]
    #[must_use]
    pub struct Embedding("Embedding") of (input_dim: usize, output_dim: usize) {
        /// Initializer of the vectors. Defaults to [`RandomUniform`] within ±0.05.
        part embeddings_initializer: Initializer = RandomUniform::default(),
        /// Regularizer of the vectors, whose penalty is added to the loss. By default there is none.
        optional embeddings_regularizer: Regularizer,
    }
}

impl Embedding {
    /// Vectors of `output_dim` numbers for `input_dim` indices, uniform within ±0.05 at first, as in Keras.
    pub fn new(input_dim: usize, output_dim: usize) -> Embedding {
        Embedding::with_defaults(input_dim, output_dim)
    }
}

impl Layer for Embedding {
    fn build(&self, inputs: &[Shape], weights: &mut Weights<'_>) -> Result<Vec<Shape>> {
        check_setting(self.input_dim > 0, "Embedding", "input_dim", self.input_dim, "at least 1")?;
        check_setting(self.output_dim > 0, "Embedding", "output_dim", self.output_dim, "at least 1")?;
        let [indices] = inputs else { return Err(Error::expected("one input")) };
        let table = [self.input_dim, self.output_dim];
        weights.add_regularized(
            "embeddings",
            table,
            self.embeddings_initializer.as_ref(),
            self.embeddings_regularizer.as_ref(),
        )?;
        let mut sizes = indices.sizes().to_vec();
        sizes.push(self.output_dim);
        Ok(vec![Shape::new(&sizes)?])
    }

    fn record<'r>(&self, weights: &mut Cursor<'_, 'r>, inputs: &[Var<'r>]) -> Vec<Var<'r>> {
        let [table] = weights.take();
        vec![inputs[0].embedding(table)]
    }

    fn spec(&self) -> Spec {
        self.write_options(Spec::new(Self::CLASS))
    }
}

#[cfg(test)]
pub(in crate::layers) mod tests {
    use super::*;
    use crate::initializers::Ones;
    use crate::regularizers::L2;

    pub(crate) fn samples() -> Vec<(Box<dyn Layer>, Shape, usize)> {
        vec![
            (Box::new(Embedding::new(5, 3)), Shape::from([4]), 5),
            (Box::new(Embedding::new(3, 2).embeddings_regularizer(L2::new(0.1))), Shape::from([2]), 3),
            (Box::new(Embedding::new(1, 1).embeddings_initializer(Ones)), Shape::SCALAR, 1),
        ]
    }

    #[test]
    fn an_empty_table_is_refused() {
        let message = crate::Sequential::new([4]).add(Embedding::new(0, 3)).summary().unwrap_err().to_string();
        assert_eq!(message, "Embedding: input_dim must be at least 1, got 0");
    }
}
