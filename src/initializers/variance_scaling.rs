//! Initialization with a variance that depends on the shape.

use super::Initializer;
use super::draw::{normal, scaled_normal, scaled_uniform};
use super::fans::fans;
use crate::error::{Result, check_setting};
use crate::random::Key;
use crate::settings::{FromSpec, OptionValue, Settings, options};
use crate::shape::Shape;
use crate::spec::Spec;

/// The number that [`VarianceScaling`] divides by.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub enum FanMode {
    /// The number of inputs.
    FanIn,
    /// The number of outputs.
    FanOut,
    /// The mean of both.
    FanAvg,
}

/// The distribution of [`VarianceScaling`].
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub enum Distribution {
    /// A normal distribution, truncated at twice its standard deviation.
    TruncatedNormal,
    /// A normal distribution.
    UntruncatedNormal,
    /// A uniform distribution.
    Uniform,
}

const MODES: [(&str, FanMode); 3] =
    [("fan_in", FanMode::FanIn), ("fan_out", FanMode::FanOut), ("fan_avg", FanMode::FanAvg)];

const DISTRIBUTIONS: [(&str, Distribution); 3] = [
    ("truncated_normal", Distribution::TruncatedNormal),
    ("untruncated_normal", Distribution::UntruncatedNormal),
    ("uniform", Distribution::Uniform),
];

impl OptionValue for FanMode {
    fn write(&self, name: &'static str, spec: Spec) -> Spec {
        MODES.iter().filter(|(_, mode)| mode == self).fold(spec, |spec, (word, _)| spec.with(name, *word))
    }

    fn read(name: &'static str, settings: &mut Settings<'_>) -> Result<FanMode> {
        settings.one_of(name, &MODES)
    }
}

impl OptionValue for Distribution {
    fn write(&self, name: &'static str, spec: Spec) -> Spec {
        DISTRIBUTIONS.iter().filter(|(_, of)| of == self).fold(spec, |spec, (word, _)| spec.with(name, *word))
    }

    fn read(name: &'static str, settings: &mut Settings<'_>) -> Result<Distribution> {
        settings.one_of(name, &DISTRIBUTIONS)
    }
}

options! {
    /// A distribution with mean 0 and variance scale / n, where n is fan-in, fan-out or their mean. `VarianceScaling` in
    /// Keras.
    ///
    /// [`fans`](super::fans()) computes fan-in and fan-out from the shape.
    ///
    /// ```
    /// use gradus::Key;
    /// use gradus::initializers::{Distribution, FanMode, Initializer, VarianceScaling};
    /// let he_uniform = VarianceScaling::new(2.0).mode(FanMode::FanIn).distribution(Distribution::Uniform);
    /// let values = he_uniform.array(&[6, 2], Key::from_seed(1))?;
    /// assert!(values.iter().all(|value| value.abs() <= 1.0));
    /// # Ok::<(), gradus::Error>(())
    /// ```
    ///
    /// # Errors
    /// `compile` returns [`Error::Setting`](crate::Error::Setting) unless the scale is finite and > 0.
    #[derive(Clone, Copy, Debug, PartialEq)]
    #[must_use]
    pub struct VarianceScaling("VarianceScaling") of (scale: f32) {
        /// The number by which the scale is divided. Defaults to [`FanMode::FanIn`].
        value mode: FanMode = FanMode::FanIn,
        /// The distribution. Defaults to [`Distribution::TruncatedNormal`].
        value distribution: Distribution = Distribution::TruncatedNormal,
    }
}

impl Default for VarianceScaling {
    /// A scale of 1, as in Keras.
    fn default() -> VarianceScaling {
        VarianceScaling::new(1.0)
    }
}

impl VarianceScaling {
    /// Creates the initializer from the scale of the variance, which is finite and > 0.
    pub fn new(scale: f32) -> VarianceScaling {
        VarianceScaling::with_defaults(scale)
    }
}

impl Initializer for VarianceScaling {
    fn values(&self, shape: Shape, key: Key) -> Result<Vec<f32>> {
        let scale = f64::from(self.scale);
        check_setting(scale > 0.0 && scale.is_finite(), "VarianceScaling", "scale", scale, "finite and > 0")?;
        let (fan_in, fan_out) = fans(shape);
        let variance = match self.mode {
            FanMode::FanIn => scale / fan_in,
            FanMode::FanOut => scale / fan_out,
            FanMode::FanAvg => scale / ((fan_in + fan_out) / 2.0),
        };
        match self.distribution {
            Distribution::TruncatedNormal => scaled_normal(shape, variance, key),
            Distribution::UntruncatedNormal => normal(shape, 0.0, variance.sqrt(), 0.0, key),
            Distribution::Uniform => scaled_uniform(shape, variance, key),
        }
    }

    fn spec(&self) -> Spec {
        self.write_options(Spec::new(Self::CLASS))
    }
}

#[cfg(test)]
pub(super) mod tests {
    use super::*;

    pub(crate) fn samples() -> Vec<Box<dyn Initializer>> {
        let of = |mode, distribution| VarianceScaling::new(2.0).mode(mode).distribution(distribution);
        vec![
            Box::new(VarianceScaling::default()),
            Box::new(of(FanMode::FanOut, Distribution::UntruncatedNormal)),
            Box::new(of(FanMode::FanAvg, Distribution::Uniform)),
        ]
    }
}
