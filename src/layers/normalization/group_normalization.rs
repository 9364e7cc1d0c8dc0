//! GroupNormalization: normalization of groups of channels of each sample.

use super::batch_norm::channel_axis;
use crate::constraints::Constraint;
use crate::error::{Error, Result, check_setting};
use crate::initializers::{Initializer, Ones, Zeros};
use crate::layers::{Cursor, Layer, Weights};
use crate::regularizers::Regularizer;
use crate::settings::{FromSpec, options};
use crate::shape::Shape;
use crate::spec::Spec;
use crate::tape::Var;

options! {
    /// Group normalization: gamma · (x − mean) / √(variance + epsilon) + beta, with mean and (biased) variance over one
    /// group of channels and all positions of a sample (Wu and He 2018). `GroupNormalization` in Keras.
    ///
    /// The output has the shape of the input; channels are the last axis by default. Training and prediction compute the same function.
    /// With one group, all channels are normalized together; with as many groups as channels, each channel is normalized
    /// separately (instance normalization). Weights are `gamma` and `beta`, each of one number per channel.
    ///
    /// ```
    /// use gradus::{Sequential, layers::*};
    /// use ndarray::arr2;
    /// let model = Sequential::new([2]).add(GroupNormalization::new(1).epsilon(1e-12)).architecture(1)?.into_model()?;
    /// let error = model.predict(&arr2(&[[1.0f32, 3.0]]))? - arr2(&[[-1.0f32, 1.0]]);
    /// assert!(error.iter().all(|error| error.abs() < 1e-6));
    /// # Ok::<(), gradus::Error>(())
    /// ```
    ///
    /// # Errors
    /// `compile` returns [`Error::Setting`](crate::Error::Setting) if epsilon is not finite and > 0, and
    /// [`Error::Shape`](crate::Error::Shape) if a sample has no axis or the number of channels is not a multiple of `groups`.
    #[derive(Clone, Debug)]
    #[must_use]
    pub struct GroupNormalization("GroupNormalization") of (groups: isize) {
        /// Constant added to the variance under the root, > 0. Defaults to 0.001.
        value epsilon: f32 = 1e-3,
        /// Axis of the channels. Axis 0 is the batch axis and is an error; negative numbers count from the last axis, −1.
        /// Defaults to −1.
        added axis: isize = -1,
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

impl GroupNormalization {
    /// Creates the layer for `groups` groups with the same number of channels, or −1 for one group per channel. Keras defaults
    /// to 32.
    pub fn new(groups: isize) -> GroupNormalization {
        GroupNormalization::with_defaults(groups)
    }

    /// The number of groups for `channels` channels, or `None` if they cannot be divided equally.
    fn groups_of(&self, channels: usize) -> Option<usize> {
        let groups = if self.groups == -1 { channels } else { usize::try_from(self.groups).ok()? };
        (groups > 0 && channels.is_multiple_of(groups)).then_some(groups)
    }
}

impl Layer for GroupNormalization {
    fn build(&self, inputs: &[Shape], weights: &mut Weights<'_>) -> Result<Vec<Shape>> {
        let epsilon = self.epsilon;
        check_setting(
            epsilon > 0.0 && epsilon.is_finite(),
            "GroupNormalization",
            "epsilon",
            f64::from(epsilon),
            "> 0",
        )?;
        let [x] = inputs else { return Err(Error::expected("one input")) };
        if x.rank() == 0 {
            return Err(Error::expected("at least one axis per sample"));
        }
        let channels = x.axis(channel_axis(*x, self.axis)? - 1);
        if self.groups_of(channels).is_none() {
            return Err(Error::expected(format!(
                "a number of channels that is a multiple of groups = {}",
                self.groups
            )));
        }
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
        Ok(vec![*x])
    }

    fn record<'r>(&self, weights: &mut Cursor<'_, 'r>, inputs: &[Var<'r>]) -> Vec<Var<'r>> {
        let last = inputs[0].shape().rank() - 1;
        let axis = channel_axis(inputs[0].shape().sample(), self.axis).unwrap_or(last);
        let x = if axis == last { inputs[0] } else { inputs[0].swap_axes(axis, last) };
        let shape = x.shape();
        let groups = self.groups_of(shape.last()).unwrap_or(1);
        let positions = shape.sample().len() / shape.last();
        let x = x.reshape([shape.axis(0), positions, groups, shape.last() / groups]);
        let centered = x - x.mean_axes(&[1, 3], true);
        let variance = (centered * centered).mean_axes(&[1, 3], true);
        let mut y = (centered / (variance + self.epsilon).sqrt()).reshape(shape);
        if self.scale {
            let [gamma] = weights.take();
            y = y * gamma;
        }
        if self.center {
            let [beta] = weights.take();
            y = y + beta;
        }
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
    use crate::regularizers::{L1, L2};

    pub(crate) fn samples() -> Vec<(Box<dyn Layer>, Shape)> {
        let set = GroupNormalization::new(-1).epsilon(0.1).beta_initializer(Ones).gamma_initializer(Zeros);
        let set = set
            .beta_regularizer(L1::new(0.1))
            .beta_constraint(NonNeg)
            .gamma_regularizer(L2::new(0.1))
            .gamma_constraint(NonNeg);
        vec![
            (Box::new(GroupNormalization::new(2)), Shape::from([3, 2, 4])),
            (Box::new(GroupNormalization::new(3).axis(1)), Shape::from([3, 2, 4])),
            (Box::new(set.clone()), Shape::from([4, 3])),
            (Box::new(set.clone().scale(false)), Shape::from([4, 3])),
            (Box::new(set.center(false)), Shape::from([4, 3])),
        ]
    }
}
