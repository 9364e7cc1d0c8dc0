//! What every optimizer can be told: its learning rate, to clip gradients, to let weights decay.

use super::LearningRate;
use crate::error::{Result, check_setting};
use crate::settings::Settings;
use crate::spec::Spec;

/// The options that all optimizers have; an optimizer of another crate keeps them in a field.
#[derive(Clone, Debug)]
#[non_exhaustive]
pub struct StepOptions {
    /// How far to go along a gradient.
    pub learning_rate: LearningRate,
    /// What is done to gradients that are too large.
    pub clip: Option<Clip>,
    /// The share of each weight, times the learning rate, that is taken away before each step: w ← w − w · decay · rate
    /// (Loshchilov and Hutter 2019: decoupled from the gradient). 0 for none.
    pub weight_decay: f32,
}

/// How gradients that are too large are made smaller before a step.
#[derive(Clone, Copy, Debug, PartialEq)]
pub enum Clip {
    /// Each element to −limit … limit. Keras' `clipvalue`.
    Value(f32),
    /// Each array to a Euclidean norm of at most the limit. Keras' `clipnorm`.
    Norm(f32),
    /// All arrays together to a Euclidean norm of at most the limit (Pascanu et al. 2013). Keras' `global_clipnorm`.
    GlobalNorm(f32),
}

impl Clip {
    const KINDS: [fn(f32) -> Clip; 3] = [Clip::Value, Clip::Norm, Clip::GlobalNorm];

    /// Keras' name of it, and the limit.
    fn setting(self) -> (&'static str, f32) {
        match self {
            Clip::Value(limit) => ("clipvalue", limit),
            Clip::Norm(limit) => ("clipnorm", limit),
            Clip::GlobalNorm(limit) => ("global_clipnorm", limit),
        }
    }
}

impl StepOptions {
    /// With this learning rate, and neither clipping nor decay.
    pub fn new(learning_rate: impl Into<LearningRate>) -> StepOptions {
        StepOptions { learning_rate: learning_rate.into(), clip: None, weight_decay: 0.0 }
    }

    /// Checks the settings of `owner`, an optimizer.
    ///
    /// # Errors
    /// One of them is out of range.
    pub fn check(&self, owner: &'static str) -> Result<()> {
        self.learning_rate.check(owner)?;
        if let Some((name, limit)) = self.clip.map(Clip::setting) {
            check_setting(limit > 0.0, owner, name, f64::from(limit), "0 < limit")?;
        }
        let decays = self.weight_decay.is_finite() && self.weight_decay >= 0.0;
        check_setting(decays, owner, "weight_decay", f64::from(self.weight_decay), "0 ≤ weight_decay, finite")
    }

    /// Adds the settings to an optimizer's spec; those that do nothing are left out.
    pub fn write(&self, spec: Spec) -> Spec {
        let spec = self.learning_rate.write(spec);
        let spec = self.clip.map(Clip::setting).into_iter().fold(spec, |spec, (name, limit)| spec.with(name, limit));
        if self.weight_decay == 0.0 { spec } else { spec.with("weight_decay", self.weight_decay) }
    }

    /// Reads what [`write`](StepOptions::write) has written.
    ///
    /// # Errors
    /// A setting that is missing or of another kind.
    pub fn read(settings: &mut Settings<'_>) -> Result<StepOptions> {
        let mut options = StepOptions::new(LearningRate::read(settings)?);
        for kind in Clip::KINDS {
            let (name, _) = kind(0.0).setting();
            if settings.has(name) {
                options.clip = Some(kind(settings.number(name)?));
            }
        }
        if settings.has("weight_decay") {
            options.weight_decay = settings.number("weight_decay")?;
        }
        Ok(options)
    }
}
