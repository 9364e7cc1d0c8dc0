//! Embedding: learned vectors for indices.

use crate::constraints::Constraint;
use crate::error::{Error, Result, check_setting};
use crate::initializers::{Initializer, RandomUniform};
use crate::layers::{Cursor, Layer, Weights, masks};
use crate::regularizers::Regularizer;
use crate::settings::{FromSpec, options};
use crate::shape::Shape;
use crate::spec::Spec;
use crate::tape::Var;

options! {
    /// A learned vector of `output_dim` numbers for each index from 0 to `input_dim` − 1. `Embedding` in Keras.
    ///
    /// Inputs are indices of any shape, stored as floats; outputs have one more axis of size `output_dim`. The weight
    /// `embeddings` is `input_dim` × `output_dim`. Indices are truncated to integers, as in
    /// Keras: 0.5 is index 0.
    ///
    /// ```
    /// use gradus::{Sequential, Shape, layers::Embedding};
    /// let model = Sequential::new([7]).add(Embedding::new(1000, 16)).architecture(0)?.into_model()?;
    /// assert_eq!(model.output_shapes(), [Shape::from([7, 16])]);
    /// assert_eq!(model.params().count(true), 1000 * 16);
    /// # Ok::<(), gradus::Error>(())
    /// ```
    ///
    /// # Errors
    /// `compile` returns [`Error::Setting`](crate::Error::Setting) if a dimension is 0. Training, evaluation and prediction
    /// return [`Error::Fault`], with the index and its row, for an index that is negative, ≥ `input_dim` or NaN; that training
    /// step does not change the model.
    #[derive(Clone, Debug)]
    #[must_use]
    pub struct Embedding("Embedding") of (input_dim: usize, output_dim: usize) {
        /// Initializer of the vectors. Defaults to [`RandomUniform`] from −0.05 to 0.05.
        part embeddings_initializer: Initializer = RandomUniform::default(),
        /// Regularizer of the vectors, whose penalty is added to the loss. Defaults to none.
        optional embeddings_regularizer: Regularizer,
        /// Constraint on the vectors, which is applied after each step. Defaults to none.
        optional embeddings_constraint: Constraint,
        /// Whether index 0 is padding. If so, the output has a [mask](Var::mask) with the shape of the indices, which is 0 for
        /// padding. Following layers, the loss and the metrics ignore padding. Defaults to `false`.
        added mask_zero: bool = false,
    }
}

impl Embedding {
    /// Creates the layer for `input_dim` indices and vectors of `output_dim` numbers, both at least 1.
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
        let options = (
            self.embeddings_initializer.as_ref(),
            self.embeddings_regularizer.as_ref(),
            self.embeddings_constraint.as_ref(),
        );
        weights.add_with_options("embeddings", table, options)?;
        let mut sizes = indices.sizes().to_vec();
        sizes.push(self.output_dim);
        Ok(vec![Shape::new(&sizes)?])
    }

    fn record<'r>(&self, weights: &mut Cursor<'_, 'r>, inputs: &[Var<'r>]) -> Vec<Var<'r>> {
        let [table] = weights.take();
        let mask = self.mask_zero.then(|| masks::nonzero(inputs[0]));
        vec![masks::set(inputs[0].embedding(table), mask)]
    }

    fn supports_masking(&self) -> bool {
        true
    }

    fn spec(&self) -> Spec {
        self.write_options(Spec::new(Self::CLASS))
    }
}

#[cfg(test)]
pub(in crate::layers) mod tests {
    use super::*;
    use crate::constraints::NonNeg;
    use crate::initializers::Ones;
    use crate::regularizers::L2;

    pub(crate) fn samples() -> Vec<(Box<dyn Layer>, Shape, usize)> {
        vec![
            (Box::new(Embedding::new(5, 3)), Shape::from([4]), 5),
            (
                Box::new(Embedding::new(3, 2).embeddings_regularizer(L2::new(0.1)).embeddings_constraint(NonNeg)),
                Shape::from([2]),
                3,
            ),
            (Box::new(Embedding::new(1, 1).embeddings_initializer(Ones)), Shape::SCALAR, 1),
            (Box::new(Embedding::new(4, 2).mask_zero(true)), Shape::from([3]), 4),
        ]
    }

    #[test]
    fn an_empty_table_is_rejected() {
        let message = crate::Sequential::new([4]).add(Embedding::new(0, 3)).summary().unwrap_err().to_string();
        assert_eq!(message, "Embedding: input_dim must be at least 1, got 0");
    }
}
