//! Lstm: long short-term memory.

use crate::constraints::Constraint;
use crate::error::Result;
use crate::initializers::{GlorotUniform, Initializer, Orthogonal, Zeros};
use crate::kernels::recurrent::Cell;
use crate::layers::recurrence::recurrent;
use crate::layers::{Activation, Cursor, Layer, Weights};
use crate::regularizers::Regularizer;
use crate::settings::{FromSpec, options};
use crate::shape::Shape;
use crate::spec::Spec;
use crate::tape::Var;

options! {
    /// A long short-term memory (Hochreiter and Schmidhuber 1997). `LSTM` in Keras; formulas at
    /// [`Var::lstm`](crate::tape::Var::lstm).
    ///
    /// The first input is a sequence, steps × features. Two further inputs are the initial hidden and cell states, `units` each,
    /// which are 0 without them. The first output is the last output of the recurrence, `units`, or with `return_sequences` all
    /// of them, steps × `units`; `return_state` adds the final hidden and cell states. Weights are `kernel`,
    /// features × 4 · `units`, `recurrent_kernel`, `units` × 4 · `units`, and `bias`, 4 · `units`, in the order input gate, forget
    /// gate, candidate, output gate.
    ///
    /// ```
    /// use gradus::{Sequential, Shape, layers::Lstm};
    /// let network = Sequential::new([10, 3]).add(Lstm::new(8).return_sequences(true)).add(Lstm::new(4));
    /// let model = network.architecture(0)?.into_model()?;
    /// assert_eq!(model.output_shapes(), [Shape::from([4])]);
    /// assert_eq!(model.params().count(true), 592);
    /// # Ok::<(), gradus::Error>(())
    /// ```
    ///
    /// # Errors
    /// `compile` returns [`Error::Setting`](crate::Error::Setting) if `units` is 0 or a rate is not ≥ 0 and < 1, and
    /// [`Error::Shape`](crate::Error::Shape) for other inputs.
    #[derive(Clone, Debug)]
    #[must_use]
    pub struct Lstm("LSTM") of (units: usize) {
        /// Activation of the candidates and of the cell state. Defaults to [`Activation::Tanh`].
        value activation: Activation = Activation::Tanh,
        /// Activation of the gates. Defaults to [`Activation::Sigmoid`].
        value recurrent_activation: Activation = Activation::Sigmoid,
        /// Whether to add a learned bias. Defaults to `true`.
        value use_bias: bool = true,
        /// Initializer of the kernel. Defaults to [`GlorotUniform`].
        part kernel_initializer: Initializer = GlorotUniform,
        /// Initializer of the recurrent kernel. Defaults to [`Orthogonal`].
        part recurrent_initializer: Initializer = Orthogonal::default(),
        /// Initializer of the bias. Defaults to [`Zeros`].
        part bias_initializer: Initializer = Zeros,
        /// Whether the biases of the forget gate are initially 1. Defaults to `true`.
        value unit_forget_bias: bool = true,
        /// Regularizer of the kernel, whose penalty is added to the loss. Defaults to none.
        optional kernel_regularizer: Regularizer,
        /// Regularizer of the recurrent kernel, whose penalty is added to the loss. Defaults to none.
        optional recurrent_regularizer: Regularizer,
        /// Regularizer of the bias, whose penalty is added to the loss. Defaults to none.
        optional bias_regularizer: Regularizer,
        /// Constraint on the kernel, which is applied after each step. Defaults to none.
        optional kernel_constraint: Constraint,
        /// Constraint on the recurrent kernel, which is applied after each step. Defaults to none.
        optional recurrent_constraint: Constraint,
        /// Constraint on the bias, which is applied after each step. Defaults to none.
        optional bias_constraint: Constraint,
        /// Probability of dropping a feature in training, ≥ 0 and < 1. Equal features are dropped in all steps of a sequence.
        /// Defaults to 0.
        value dropout: f32 = 0.0,
        /// Probability of dropping a unit of the hidden state in products in training, ≥ 0 and < 1. Equal units are dropped in
        /// all steps of a sequence and for all gates. Defaults to 0.
        value recurrent_dropout: f32 = 0.0,
        /// Whether to return the outputs of all steps instead of the last. Defaults to `false`.
        value return_sequences: bool = false,
        /// Whether to return the final hidden and cell states too. Defaults to `false`.
        value return_state: bool = false,
        /// Whether to process the steps from the last to the first; outputs are in the order of processing. Defaults to
        /// `false`.
        value go_backwards: bool = false,
        /// Whether the output of a masked step is 0 instead of the previous output. Defaults to `false`.
        value zero_output_for_mask: bool = false,
        /// Number of rows of each batch, at least 1, if the layer is stateful: the states of a batch are the initial states of
        /// the next. `stateful` in Keras, with the batch size of the model's inputs. Defaults to none.
        ///
        /// `fit` carries the states from step to step, across epochs. `evaluate` and predictions carry them from batch to
        /// batch, beginning with those of the model, which do not change, except in
        /// [`Model::predict_next`](crate::Model::predict_next). [`Model::reset_states`](crate::Model::reset_states) sets them
        /// to 0. Files of gradus and checkpoints contain them; those of Keras do not.
        some stateful: usize,
    }
}

impl Lstm {
    /// Creates the layer with `units` outputs, at least 1, and the defaults of Keras.
    pub fn new(units: usize) -> Lstm {
        Lstm::with_defaults(units)
    }
}

recurrent!(Lstm, |this| Cell::Lstm, this.recurrent_activation, this.unit_forget_bias);

#[cfg(test)]
pub(in crate::layers) mod tests {
    use super::*;
    use crate::constraints::{NonNeg, UnitNorm};
    use crate::initializers::{HeNormal, Ones};
    use crate::regularizers::{L1, L2};

    pub(crate) fn samples() -> Vec<(Box<dyn Layer>, Vec<Shape>)> {
        let sequences = || vec![Shape::from([5, 2])];
        let regularized = Lstm::new(2)
            .kernel_regularizer(L2::new(0.1))
            .kernel_constraint(UnitNorm::new())
            .recurrent_regularizer(L1::new(0.2))
            .recurrent_constraint(NonNeg);
        let regularized = regularized
            .bias_regularizer(L2::new(0.3))
            .bias_constraint(NonNeg)
            .kernel_initializer(HeNormal)
            .use_bias(true);
        let dropped = Lstm::new(3).dropout(0.3).recurrent_dropout(0.2).zero_output_for_mask(true);
        vec![
            (Box::new(Lstm::new(3)), sequences()),
            (
                Box::new(Lstm::new(4).return_sequences(true).use_bias(false).go_backwards(true)),
                vec![Shape::from([1, 7])],
            ),
            (
                Box::new(Lstm::new(3).return_state(true).recurrent_initializer(HeNormal).bias_initializer(Ones)),
                vec![Shape::from([4, 2]), Shape::from([3]), Shape::from([3])],
            ),
            (Box::new(regularized.activation(Activation::Softsign)), sequences()),
            (Box::new(dropped), sequences()),
            (Box::new(Lstm::new(2).unit_forget_bias(false).recurrent_activation(Activation::HardSigmoid)), sequences()),
        ]
    }
}
