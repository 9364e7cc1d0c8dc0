//! Dense: fully connected layer.

use crate::constraints::Constraint;
use crate::error::{Error, Result, check_setting};
use crate::initializers::{GlorotUniform, Initializer, Zeros};
use crate::layers::{Activation, Cursor, Layer, Weights};
use crate::regularizers::Regularizer;
use crate::settings::{FromSpec, options};
use crate::shape::Shape;
use crate::spec::Spec;
use crate::tape::Var;

options! {
    /// A fully connected layer: activation(x · kernel + bias). `Dense` in Keras.
    ///
    /// Inputs are … × features, outputs … × `units`; all axes but the last are kept. Weights are `kernel`,
    /// features × `units`, and `bias`, `units`. LoRA of Keras has no counterpart.
    ///
    /// ```
    /// use gradus::{Sequential, initializers::Ones, layers::Dense};
    /// let network = Sequential::new([2]).add(Dense::new(3).kernel_initializer(Ones));
    /// let model = network.architecture(0)?.into_model()?;
    /// assert_eq!(model.params().count(true), 2 * 3 + 3);
    /// assert_eq!(model.predict(&ndarray::arr2(&[[1.0, 2.0]]))?, ndarray::arr2(&[[3.0, 3.0, 3.0]]).into_dyn());
    /// # Ok::<(), gradus::Error>(())
    /// ```
    ///
    /// # Errors
    /// `compile` returns [`Error::Setting`](crate::Error::Setting) if `units` is 0, and [`Error::Shape`](crate::Error::Shape)
    /// if a sample has no axis.
    #[derive(Clone, Debug)]
    #[must_use]
    pub struct Dense("Dense") of (units: usize) {
        /// Activation of the outputs. Defaults to [`Activation::Linear`].
        value activation: Activation = Activation::Linear,
        /// Whether to add a learned bias. Defaults to `true`.
        value use_bias: bool = true,
        /// Initializer of the kernel. Defaults to [`GlorotUniform`].
        part kernel_initializer: Initializer = GlorotUniform,
        /// Initializer of the bias. Defaults to [`Zeros`].
        part bias_initializer: Initializer = Zeros,
        /// Regularizer of the kernel, whose penalty is added to the loss. Defaults to none.
        optional kernel_regularizer: Regularizer,
        /// Regularizer of the bias, whose penalty is added to the loss. Defaults to none.
        optional bias_regularizer: Regularizer,
        /// Constraint on the kernel, which is applied after each step. Defaults to none.
        optional kernel_constraint: Constraint,
        /// Constraint on the bias, which is applied after each step. Defaults to none.
        optional bias_constraint: Constraint,
    }
}

impl Dense {
    /// Creates the layer with `units` outputs, at least 1, and the defaults of Keras: linear, with a bias.
    pub fn new(units: usize) -> Dense {
        Dense::with_defaults(units)
    }
}

impl Layer for Dense {
    fn build(&self, inputs: &[Shape], weights: &mut Weights<'_>) -> Result<Vec<Shape>> {
        check_setting(self.units > 0, "Dense", "units", self.units, "at least 1")?;
        let [features] = inputs else { return Err(Error::expected("one input")) };
        if features.rank() == 0 {
            return Err(Error::expected("at least one axis of features per sample"));
        }
        let options =
            (self.kernel_initializer.as_ref(), self.kernel_regularizer.as_ref(), self.kernel_constraint.as_ref());
        weights.add_with_options("kernel", [features.last(), self.units], options)?;
        if self.use_bias {
            let options =
                (self.bias_initializer.as_ref(), self.bias_regularizer.as_ref(), self.bias_constraint.as_ref());
            weights.add_with_options("bias", self.units, options)?;
        }
        let leading = &features.sizes()[..features.rank() - 1];
        Ok(vec![Shape::new(&[leading, &[self.units]].concat())?])
    }

    fn record<'r>(&self, weights: &mut Cursor<'_, 'r>, inputs: &[Var<'r>]) -> Vec<Var<'r>> {
        let x = inputs[0];
        let [kernel] = weights.take();
        if !self.use_bias {
            return vec![x.matmul(kernel).activation(self.activation)];
        }
        let [bias] = weights.take();
        vec![x.affine(kernel, bias, self.activation)]
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
    use crate::constraints::{NonNeg, UnitNorm};
    use crate::initializers::{HeNormal, Ones};
    use crate::regularizers::{L1, L1L2};

    pub(crate) fn samples() -> Vec<(Box<dyn Layer>, Shape)> {
        let both = L1L2::new(0.1, 0.2);
        let kept_small = Dense::new(2)
            .kernel_regularizer(both)
            .kernel_constraint(UnitNorm::new())
            .bias_regularizer(L1::new(0.3))
            .bias_constraint(NonNeg);
        vec![
            (Box::new(Dense::new(4).activation(Activation::Relu)), Shape::from([7])),
            (Box::new(Dense::new(3).activation(Activation::Softmax).use_bias(false)), Shape::from([5])),
            (Box::new(Dense::new(2).kernel_initializer(HeNormal).bias_initializer(Ones)), Shape::from([3])),
            (Box::new(kept_small), Shape::from([3])),
            (Box::new(Dense::new(2).activation(Activation::Sigmoid)), Shape::from([3, 4])),
            (Box::new(Dense::new(2).activation(Activation::Softmax)), Shape::from([2, 1, 5])),
            (Box::new(Dense::new(3).use_bias(false)), Shape::from([2, 2, 2])),
        ]
    }
}
