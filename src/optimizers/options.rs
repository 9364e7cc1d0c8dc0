//! The options of every optimizer: learning rate, gradient clipping, weight decay.

use super::clip::Clip;
use super::learning_rate::LearningRate;
use crate::error::{Result, check_setting};
use crate::registry::BUILT_IN;
use crate::settings::{OptionValue, Settings, spec_error};
use crate::spec::Spec;
use std::borrow::Cow;

/// The options that every optimizer has: its learning rate, gradient clipping and weight decay.
///
/// ```
/// use gradus::optimizers::{Clip, OptimizerOptions};
/// let options = OptimizerOptions::new(0.1).clip(Clip::Norm(1.0)).weight_decay(0.01);
/// assert_eq!(options.learning_rate.rate(0), 0.1);
/// ```
#[derive(Clone, Debug)]
#[non_exhaustive]
#[must_use]
pub struct OptimizerOptions {
    /// The learning rate, a number or a schedule.
    pub learning_rate: LearningRate,
    /// Gradient clipping before each step; `None` for none.
    pub clip: Option<Clip>,
    /// Decoupled weight decay (Loshchilov and Hutter 2019): w ← w − w · weight_decay · learning rate before each step. Finite
    /// and ≥ 0; 0 for none.
    pub weight_decay: f32,
}

impl OptimizerOptions {
    /// Creates options with this learning rate, without clipping and weight decay.
    pub fn new(learning_rate: impl Into<LearningRate>) -> OptimizerOptions {
        OptimizerOptions { learning_rate: learning_rate.into(), clip: None, weight_decay: 0.0 }
    }

    /// Clips gradients before each step.
    pub fn clip(mut self, clip: Clip) -> OptimizerOptions {
        self.clip = Some(clip);
        self
    }

    /// Sets the decoupled weight decay, finite and ≥ 0.
    pub fn weight_decay(mut self, weight_decay: f32) -> OptimizerOptions {
        self.weight_decay = weight_decay;
        self
    }

    /// Checks the options. `owner` is the name of the optimizer in messages.
    ///
    /// # Errors
    /// [`Error::Setting`](crate::Error::Setting) when an option is out of range.
    pub fn check(&self, owner: impl Into<Cow<'static, str>>) -> Result<()> {
        let owner = owner.into();
        self.learning_rate.check(owner.clone())?;
        if let Some((name, limit)) = self.clip.map(Clip::setting) {
            check_setting(limit > 0.0, owner.clone(), name, f64::from(limit), "> 0")?;
        }
        let decays = self.weight_decay.is_finite() && self.weight_decay >= 0.0;
        check_setting(decays, owner, "weight_decay", f64::from(self.weight_decay), "finite and ≥ 0")
    }

    /// Adds the options to the spec of an optimizer: `learning_rate`, and, if used, `clipvalue`, `clipnorm` or
    /// `global_clipnorm`, and `weight_decay`.
    pub fn write(&self, spec: Spec) -> Spec {
        let spec = self.learning_rate.write(spec);
        let spec = self.clip.map(Clip::setting).into_iter().fold(spec, |spec, (name, limit)| spec.with(name, limit));
        if self.weight_decay == 0.0 { spec } else { spec.with("weight_decay", self.weight_decay) }
    }

    /// Reads the options that [`write`](OptimizerOptions::write) added to a spec.
    ///
    /// # Errors
    /// [`Error::Spec`](crate::Error::Spec) when `learning_rate` is missing or an option has another type.
    pub fn read(settings: &mut Settings<'_>) -> Result<OptimizerOptions> {
        let mut options = OptimizerOptions::new(LearningRate::read(settings)?);
        for kind in Clip::KINDS {
            let (name, _) = kind(0.0).setting();
            if settings.has(name) {
                options.clip = Some(kind(settings.float(name)?));
            }
        }
        if settings.has("weight_decay") {
            options.weight_decay = settings.float("weight_decay")?;
        }
        Ok(options)
    }

    /// Reads the options from the spec of an optimizer, which may have other settings.
    pub(super) fn of_spec(spec: &Spec) -> Result<OptimizerOptions> {
        OptimizerOptions::read(&mut Settings::new(spec, &BUILT_IN)).map_err(|error| {
            spec_error(spec, format!("the spec does not describe the options ({error}); implement Optimizer::options"))
        })
    }
}

impl OptionValue for OptimizerOptions {
    fn write(&self, _name: &'static str, spec: Spec) -> Spec {
        OptimizerOptions::write(self, spec)
    }

    fn read(_name: &'static str, settings: &mut Settings<'_>) -> Result<OptimizerOptions> {
        OptimizerOptions::read(settings)
    }

    fn names(_name: &'static str) -> Vec<&'static str> {
        let clips = Clip::KINDS.map(|kind| kind(0.0).setting().0);
        [&["learning_rate"], &clips[..], &["weight_decay"]].concat()
    }
}
