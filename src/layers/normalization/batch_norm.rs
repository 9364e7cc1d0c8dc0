//! BatchNorm: normalization of each channel over a batch.

use crate::constraints::Constraint;
use crate::error::{Error, Result};
use crate::initializers::{Initializer, Ones, Zeros};
use crate::layers::{Cursor, Layer, Weights};
use crate::ops;
use crate::regularizers::Regularizer;
use crate::settings::{FromSpec, options};
use crate::shape::Shape;
use crate::spec::Spec;
use crate::tape::{Mode, Var};

options! {
    /// Batch normalization: gamma · (x − mean) / √(variance + epsilon) + beta for each channel, an index along an axis
    /// (Ioffe and Szegedy 2015). `BatchNormalization` in Keras.
    ///
    /// In training, mean and (biased) variance are computed from the batch over all other axes. After each step, the running
    /// statistics become running · momentum + batch · (1 − momentum). In evaluation and prediction, and where the layer is
    /// [frozen](crate::layers::Layer::frozen), mean and variance are the running statistics.
    ///
    /// For an input with a [mask](Var::mask), mean and variance of the batch are computed over the valid positions. All
    /// positions are normalized.
    ///
    /// The output has the shape of the input. Weights are `gamma` and `beta`, which are learned, `moving_mean` and
    /// `moving_variance`, each of one number for each channel. `renorm` of Keras has no counterpart.
    ///
    /// ```
    /// use gradus::{Sequential, layers::BatchNorm};
    /// let model = Sequential::new([8, 8, 3]).add(BatchNorm::new()).architecture(0)?.into_model()?;
    /// let (learned, all) = (model.params().count(true), model.params().count(false));
    /// assert_eq!((learned, all), (2 * 3, 4 * 3));
    /// # Ok::<(), gradus::Error>(())
    /// ```
    ///
    /// # Errors
    /// `compile` returns [`Error::Setting`](crate::Error::Setting) if an option is out of range, and
    /// [`Error::Shape`](crate::Error::Shape) if a sample has no axis. `fit` returns [`Error::Shape`](crate::Error::Shape) for a
    /// batch with a single value for each channel.
    #[derive(Clone, Debug)]
    #[must_use]
    pub struct BatchNorm("BatchNormalization") {
        /// Decay rate of the running statistics, 0 ≤ momentum ≤ 1, as in Keras. The momentum of PyTorch is 1 − this value.
        /// Defaults to 0.99.
        value momentum: f32 = 0.99,
        /// Constant added to the variance under the root, > 0. Defaults to 0.001.
        value epsilon: f32 = 1e-3,
        /// Axis of the channels. Axis 0 is the batch axis and is an error; negative numbers count from the last axis, −1.
        /// Inputs with a mask need −1. Defaults to −1.
        added axis: isize = -1,
        /// Whether to add a learned beta. Defaults to `true`.
        added center: bool = true,
        /// Whether to multiply by a learned gamma. Defaults to `true`.
        added scale: bool = true,
        /// Initializer of beta, the offset. Defaults to [`Zeros`].
        part beta_initializer: Initializer = Zeros,
        /// Initializer of gamma, the scale. Defaults to [`Ones`].
        part gamma_initializer: Initializer = Ones,
        /// Initializer of the running means. Defaults to [`Zeros`].
        part moving_mean_initializer: Initializer = Zeros,
        /// Initializer of the running variances. Defaults to [`Ones`].
        part moving_variance_initializer: Initializer = Ones,
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

impl BatchNorm {
    /// Creates the layer with momentum 0.99 and epsilon 0.001, as in Keras.
    pub fn new() -> BatchNorm {
        BatchNorm::with_defaults()
    }
}

/// The axis of the channels in a batch of samples of this shape.
///
/// # Errors
/// The axis does not exist or is the batch axis.
pub(super) fn channel_axis(sample: Shape, axis: isize) -> Result<usize> {
    match ops::find_axis(sample.batch(1)?, axis)? {
        0 => Err(Error::expected("an axis of channels other than 0, which is the batch axis")),
        axis => Ok(axis),
    }
}

impl Layer for BatchNorm {
    fn build(&self, inputs: &[Shape], weights: &mut Weights<'_>) -> Result<Vec<Shape>> {
        ops::check_batch_norm(self.momentum, self.epsilon)?;
        let [x] = inputs else { return Err(Error::expected("one input")) };
        if x.rank() == 0 {
            return Err(Error::expected("at least one axis per sample"));
        }
        let channels = x.axis(channel_axis(*x, self.axis)? - 1);
        if self.scale {
            let options =
                (self.gamma_initializer.as_ref(), self.gamma_regularizer.as_ref(), self.gamma_constraint.as_ref());
            weights.add_with_options("gamma", channels, options)?;
        }
        if self.center {
            let options =
                (self.beta_initializer.as_ref(), self.beta_regularizer.as_ref(), self.beta_constraint.as_ref());
            weights.add_with_options("beta", channels, options)?;
        }
        weights.add_state("moving_mean", channels, self.moving_mean_initializer.as_ref())?;
        weights.add_state("moving_variance", channels, self.moving_variance_initializer.as_ref())?;
        Ok(vec![*x])
    }

    fn record<'r>(&self, weights: &mut Cursor<'_, 'r>, inputs: &[Var<'r>]) -> Vec<Var<'r>> {
        // A frozen layer keeps its running statistics and normalizes by them.
        let infers = weights.frozen() || inputs[0].recorder().mode() == Mode::Inference;
        let (x, recorder) = (inputs[0], inputs[0].recorder());
        let last = x.shape().rank() - 1;
        let axis = channel_axis(x.shape().sample(), self.axis).unwrap_or(last);
        if axis != last && x.mask().is_some() {
            let problem = "its input has a mask, so the axis of the channels must be the last one";
            recorder.fail(Error::Graph { place: recorder.current_scope(), problem: problem.into() });
        }
        let (mask, channels) = (x.mask(), x.shape().axis(axis));
        let x = if axis == last { x } else { x.swap_axes(axis, last) };
        let mut scaling = |learned: bool, constant: f32| match learned {
            true => weights.take::<1>()[0],
            false => recorder.constant_values(Shape::from(channels), vec![constant; channels]),
        };
        let scaling = [scaling(self.scale, 1.0), scaling(self.center, 0.0)];
        let y = match mask {
            _ if infers => x.batch_norm_inference(scaling, weights.take(), self.epsilon),
            Some(mask) => {
                let moving = Some(weights.take());
                x.masked_batch_norm(mask, scaling, self.momentum, self.epsilon, moving)
            }
            None => {
                let [gamma, beta] = scaling;
                x.batch_norm(gamma, beta, self.momentum, self.epsilon, Some(weights.take()))
            }
        };
        vec![if axis == last { y } else { y.swap_axes(axis, last) }]
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
    use crate::regularizers::{L1, L2};

    pub(crate) fn samples() -> Vec<(Box<dyn Layer>, Shape)> {
        vec![
            (Box::new(BatchNorm::new()), Shape::from([5])),
            (Box::new(BatchNorm::new().momentum(0.5).epsilon(1e-5)), Shape::from([3, 2, 4])),
            (Box::new(BatchNorm::new().center(false).axis(1)), Shape::from([3, 2, 4])),
            (Box::new(BatchNorm::new().scale(false).axis(2)), Shape::from([3, 2])),
            (Box::new(BatchNorm::new().center(false).scale(false)), Shape::from([2])),
            (
                Box::new(
                    BatchNorm::new()
                        .beta_initializer(Ones)
                        .gamma_initializer(Constant::new(2.0))
                        .moving_mean_initializer(Constant::new(0.5))
                        .moving_variance_initializer(Constant::new(3.0))
                        .beta_regularizer(L1::new(0.1))
                        .beta_constraint(NonNeg)
                        .gamma_regularizer(L2::new(0.2))
                        .gamma_constraint(NonNeg),
                ),
                Shape::from([2]),
            ),
        ]
    }
}
