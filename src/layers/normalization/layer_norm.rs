//! LayerNorm: normalization of the last axis of each sample.

use crate::axes::Axes;
use crate::constraints::Constraint;
use crate::error::{Error, Result};
use crate::initializers::{Initializer, Ones, Zeros};
use crate::layers::merged_axes::over_axes;
use crate::layers::{Cursor, Layer, Weights};
use crate::ops;
use crate::regularizers::Regularizer;
use crate::settings::{FromSpec, options};
use crate::shape::Shape;
use crate::spec::Spec;
use crate::tape::Var;

options! {
    /// Layer normalization: gamma · (x − mean) / √(variance + epsilon) + beta, with mean and (biased) variance over the last
    /// axis or several axes (Ba et al. 2016). `LayerNormalization` in Keras.
    ///
    /// The output has the shape of the input. Training and prediction compute the same function. Weights are `gamma` and
    /// `beta`, each of the sizes of these axes. `rms_scaling` of Keras has no counterpart.
    ///
    /// ```
    /// use gradus::{Sequential, layers::LayerNorm};
    /// let model = Sequential::new([2]).add(LayerNorm::new().epsilon(1e-6)).architecture(0)?.into_model()?;
    /// let outputs = model.predict(&ndarray::arr2(&[[1.0, 3.0]]))?;
    /// assert!(outputs.iter().zip([-1.0, 1.0]).all(|(output, expected)| (output - expected).abs() < 1e-4));
    /// # Ok::<(), gradus::Error>(())
    /// ```
    ///
    /// # Errors
    /// `compile` returns [`Error::Setting`](crate::Error::Setting) if epsilon is not > 0, and
    /// [`Error::Shape`](crate::Error::Shape) if a sample has no axis.
    #[derive(Clone, Debug)]
    #[must_use]
    pub struct LayerNorm("LayerNormalization") {
        /// Constant added to the variance under the root, > 0. Defaults to 0.001.
        value epsilon: f32 = 1e-3,
        /// Axes of the mean and the variance, in ascending order. Axis 0 is the batch axis and is an error; negative numbers
        /// count from the last axis, −1. Defaults to −1.
        added_into axis: Axes = Axes::from(-1),
        /// Whether to add a learned beta. Defaults to `true`.
        value center: bool = true,
        /// Whether to multiply by a learned gamma. Defaults to `true`.
        value scale: bool = true,
        /// Initializer of beta, the offset. Defaults to [`Zeros`].
        part beta_initializer: Initializer = Zeros,
        /// Initializer of gamma, the scale. Defaults to [`Ones`].
        part gamma_initializer: Initializer = Ones,
        /// Regularizer of beta, whose penalty is added to the loss. Defaults to none.
        optional beta_regularizer: Regularizer,
        /// Regularizer of gamma, whose penalty is added to the loss. Defaults to none.
        optional gamma_regularizer: Regularizer,
        /// Constraint on beta, which is applied after each step. Defaults to none.
        optional beta_constraint: Constraint,
        /// Constraint on gamma, which is applied after each step. Defaults to none.
        optional gamma_constraint: Constraint,
    }
}

impl LayerNorm {
    /// Creates the layer with epsilon 0.001, beta and gamma, as in Keras.
    pub fn new() -> LayerNorm {
        LayerNorm::with_defaults()
    }
}

/// The sizes of these axes, which include the batch axis in their numbers.
///
/// # Errors
/// An axis that does not exist, is the batch axis or occurs twice.
pub(super) fn sizes_of(sample: Shape, axes: &Axes) -> Result<Shape> {
    let indices = axes.indices(sample.batch(1)?)?;
    if indices[0] == 0 {
        return Err(Error::expected("axes other than 0, which is the batch axis"));
    }
    Shape::new(&indices.iter().map(|axis| sample.axis(axis - 1)).collect::<Vec<_>>())
}

impl Layer for LayerNorm {
    fn build(&self, inputs: &[Shape], weights: &mut Weights<'_>) -> Result<Vec<Shape>> {
        ops::check_layer_norm(self.epsilon)?;
        let [x] = inputs else { return Err(Error::expected("one input")) };
        if x.rank() == 0 {
            return Err(Error::expected("at least one axis per sample"));
        }
        let shape = sizes_of(*x, &self.axis)?;
        if self.scale {
            let options =
                (self.gamma_initializer.as_ref(), self.gamma_regularizer.as_ref(), self.gamma_constraint.as_ref());
            weights.add_with_options("gamma", shape, options)?;
        }
        if self.center {
            let options =
                (self.beta_initializer.as_ref(), self.beta_regularizer.as_ref(), self.beta_constraint.as_ref());
            weights.add_with_options("beta", shape, options)?;
        }
        Ok(vec![*x])
    }

    fn record<'r>(&self, weights: &mut Cursor<'_, 'r>, inputs: &[Var<'r>]) -> Vec<Var<'r>> {
        let [gamma, beta] = [self.scale, self.center].map(|learned| learned.then(|| weights.take::<1>()[0]));
        let (x, rank) = (inputs[0], inputs[0].shape().rank());
        let axes = self.axis.indices(x.shape()).unwrap_or_default();
        if axes == [rank - 1] {
            return vec![x.layer_norm(gamma, beta, self.epsilon)];
        }
        let flat = |weight: Var<'r>| weight.reshape(weight.shape().len());
        let (gamma, beta) = (gamma.map(flat), beta.map(flat));
        vec![over_axes(x, &axes, &|x| x.layer_norm(gamma, beta, self.epsilon))]
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
    use crate::initializers::Constant;
    use crate::regularizers::{L1, L1L2};

    pub(crate) fn samples() -> Vec<(Box<dyn Layer>, Shape)> {
        let plain = LayerNorm::new().center(false).scale(false).epsilon(1e-5);
        let both = L1L2::new(0.1, 0.2);
        let set = LayerNorm::new().beta_initializer(Ones).gamma_initializer(Constant::new(2.0));
        vec![
            (Box::new(LayerNorm::new()), Shape::from([5])),
            (Box::new(LayerNorm::new().axis([1, -1])), Shape::from([3, 2, 4])),
            (Box::new(LayerNorm::new().axis(1).center(false)), Shape::from([3, 2])),
            (Box::new(LayerNorm::new().axis([2, 3]).scale(false)), Shape::from([2, 3, 2])),
            (Box::new(plain), Shape::from([3, 2, 4])),
            (
                Box::new(
                    set.clone()
                        .beta_regularizer(L1::new(0.1))
                        .beta_constraint(NonNeg)
                        .gamma_regularizer(both)
                        .gamma_constraint(NonNeg),
                ),
                Shape::from([2]),
            ),
            (Box::new(set.clone().center(false)), Shape::from([2, 3])),
            (Box::new(set.scale(false)), Shape::from([1])),
        ]
    }
}
