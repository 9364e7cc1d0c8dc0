//! The options of every optimizer: learning rate, gradient clipping, weight decay, moving averages of weights.

use super::clip::Clip;
use super::learning_rate::LearningRate;
use crate::error::{Result, check_setting};
use crate::registry::BUILT_IN;
use crate::settings::{OptionValue, Settings, spec_error};
use crate::spec::Spec;
use std::borrow::Cow;

/// The options that every optimizer has: its learning rate, gradient clipping, weight decay and moving averages of weights.
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
    /// Whether to keep moving averages of the weights. Defaults to `false`.
    pub use_ema: bool,
    /// The factor of the previous average, from 0 to 1. Defaults to 0.99. Without effect unless `use_ema` is set.
    pub ema_momentum: f32,
    /// The number of steps after which the averages replace the weights, at least 1; `None` for the end of `fit` only. Without
    /// effect unless `use_ema` is set.
    pub ema_overwrite_frequency: Option<usize>,
}

/// The default of `ema_momentum`.
const EMA_MOMENTUM: f32 = 0.99;

impl OptimizerOptions {
    /// Creates options with this learning rate, without clipping and weight decay.
    pub fn new(learning_rate: impl Into<LearningRate>) -> OptimizerOptions {
        OptimizerOptions {
            learning_rate: learning_rate.into(),
            clip: None,
            weight_decay: 0.0,
            use_ema: false,
            ema_momentum: EMA_MOMENTUM,
            ema_overwrite_frequency: None,
        }
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

    /// Sets whether to keep moving averages of the weights.
    pub fn use_ema(mut self, use_ema: bool) -> OptimizerOptions {
        self.use_ema = use_ema;
        self
    }

    /// Sets the factor of the previous average, from 0 to 1.
    pub fn ema_momentum(mut self, ema_momentum: f32) -> OptimizerOptions {
        self.ema_momentum = ema_momentum;
        self
    }

    /// Sets the number of steps after which the averages replace the weights, at least 1.
    pub fn ema_overwrite_frequency(mut self, steps: usize) -> OptimizerOptions {
        self.ema_overwrite_frequency = Some(steps);
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
        check_setting(decays, owner.clone(), "weight_decay", f64::from(self.weight_decay), "finite and ≥ 0")?;
        let momentum = self.ema_momentum;
        check_setting(
            (0.0..=1.0).contains(&momentum),
            owner.clone(),
            "ema_momentum",
            f64::from(momentum),
            "from 0 to 1",
        )?;
        let steps = self.ema_overwrite_frequency.unwrap_or(1);
        check_setting(steps > 0, owner, "ema_overwrite_frequency", steps, "at least 1")
    }

    /// Adds the options to the spec of an optimizer: `learning_rate`, and, if used, `clipvalue`, `clipnorm` or
    /// `global_clipnorm`, `weight_decay`, `use_ema`, `ema_momentum` and `ema_overwrite_frequency`.
    pub fn write(&self, spec: Spec) -> Spec {
        let spec = self.learning_rate.write(spec);
        let spec = self.clip.map(Clip::setting).into_iter().fold(spec, |spec, (name, limit)| spec.with(name, limit));
        let spec = if self.weight_decay == 0.0 { spec } else { spec.with("weight_decay", self.weight_decay) };
        let spec = if self.use_ema { spec.with("use_ema", true) } else { spec };
        let is_default = self.ema_momentum == EMA_MOMENTUM;
        let spec = if is_default { spec } else { spec.with("ema_momentum", self.ema_momentum) };
        self.ema_overwrite_frequency.into_iter().fold(spec, |spec, steps| spec.with("ema_overwrite_frequency", steps))
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
        options.use_ema = bool::read_or("use_ema", settings, false)?;
        options.ema_momentum = f32::read_or("ema_momentum", settings, EMA_MOMENTUM)?;
        options.ema_overwrite_frequency = Option::read_or("ema_overwrite_frequency", settings, None)?;
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
        let others = ["weight_decay", "use_ema", "ema_momentum", "ema_overwrite_frequency"];
        [&["learning_rate"], &clips[..], &others].concat()
    }
}
