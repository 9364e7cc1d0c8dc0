//! Every optimizer and schedule that both sides have: one line each.

use super::config::{Config, Kind, Result, kind};
use crate::optimizers::schedules::{
    CosineDecay, ExponentialDecay, InverseTimeDecay, PiecewiseConstantDecay, PolynomialDecay, Schedule,
};
use crate::optimizers::{Adadelta, Adagrad, Adam, AdamW, Lion, Nadam, Optimizer, RmsProp, Sgd};
use crate::shape::Shape;
use crate::spec::Spec;
use serde_json::{Value, json};

/// An optimizer, and how Keras keeps its variables.
pub(super) struct Known {
    pub(super) kind: Kind,
    /// How many of its arrays for each weight stand side by side: Adam's two for the first weight come before those for
    /// the second, and the third ones after all of these.
    pub(super) groups: &'static [usize],
    /// A number behind the arrays that follows from the steps made so far.
    pub(super) last: Option<fn(&Spec, u64) -> Option<f32>>,
}

/// Keras' optimizers that gradus has.
pub(super) const OPTIMIZERS: &[Known] = &[
    known(kind("Adadelta", || decays(Adadelta::default().spec()), &[]), &[2]),
    known(kind("Adagrad", || decays(Adagrad::default().spec()), &[]), &[1]),
    known(kind("Adam", || decays(Adam::default().spec()).with("amsgrad", false), &[]), &[2, 1]),
    known(Kind { express: no_decay, ..kind("AdamW", || AdamW::default().spec().with("amsgrad", false), &[]) }, &[2, 1]),
    known(kind("Lion", || decays(Lion::default().spec()), &[]), &[1]),
    Known { last: Some(momentum_product), ..known(kind("Nadam", || decays(Nadam::default().spec()), &[]), &[2]) },
    known(kind("RMSprop", rmsprop, &[]), &[1, 1, 1]),
    known(kind("SGD", || decays(Sgd::default().spec()), &[]), &[1]),
];

/// Keras' schedules that gradus has.
pub(super) const SCHEDULES: &[Kind] = &[
    Kind { adjust: no_warmup, optional: warmup, ..kind("CosineDecay", || CosineDecay::new(0.0, 1).spec(), DECAY) },
    kind("ExponentialDecay", || ExponentialDecay::new(0.0, 1, 0.0).spec(), BY_RATE),
    kind("InverseTimeDecay", || InverseTimeDecay::new(0.0, 1, 0.0).spec(), BY_RATE),
    kind("PiecewiseConstantDecay", || PiecewiseConstantDecay::new(&[1], &[0.0, 0.0]).spec(), &["boundaries", "values"]),
    kind("PolynomialDecay", || PolynomialDecay::new(0.0, 1).spec(), DECAY),
];

/// What every schedule that decays must say.
const DECAY: &[&str] = &["initial_learning_rate", "decay_steps"];

/// And what those that decay by a rate must.
const BY_RATE: &[&str] = &["initial_learning_rate", "decay_steps", "decay_rate"];

const fn known(kind: Kind, groups: &'static [usize]) -> Known {
    Known { kind: Kind { optional: clips, ..kind }, groups, last: None }
}

/// The optimizer of this class.
pub(super) fn optimizer(class: &str) -> Option<&'static Known> {
    OPTIMIZERS.iter().find(|known| known.kind.class == class)
}

fn decays(spec: Spec) -> Spec {
    spec.with("weight_decay", 0.0)
}

fn rmsprop() -> Spec {
    decays(RmsProp::default().spec()).with("momentum", 0.0).with("centered", false)
}

fn clips() -> Spec {
    Spec::new("").with("clipnorm", 1.0).with("clipvalue", 1.0).with("global_clipnorm", 1.0)
}

/// Where nothing is said of it, weights decay in Keras.
fn no_decay(config: &mut Config) -> Result<()> {
    config.entry("weight_decay").or_insert(json!(0.0));
    Ok(())
}

fn warmup() -> Spec {
    Spec::new("").with("warmup_target", 0.0).with("warmup_steps", 0)
}

/// Without a target there is no warm-up.
fn no_warmup(config: &mut Config, _input: Shape) -> Result<()> {
    if config.get("warmup_target").is_none_or(Value::is_null) {
        config.remove("warmup_steps");
    }
    Ok(())
}

/// Nadam's `u_product`.
fn momentum_product(optimizer: &Spec, step: u64) -> Option<f32> {
    optimizer.make::<Nadam>().ok().map(|nadam| nadam.momentum_product(step))
}

#[cfg(test)]
mod tests {
    use super::super::config::find;
    use super::*;
    use crate::known::{BUILT_IN, Part};
    use crate::optimizers::schedules::Schedule;
    use crate::optimizers::{Clip, LearningRate, schedules};

    /// Schedules that Keras does not have.
    const OURS: &[&str] = &["OneCycle"];

    #[test]
    fn every_optimizer_is_here() {
        for (class, _) in <dyn Optimizer>::built_in() {
            let known = optimizer(class).unwrap_or_else(|| panic!("{class} needs a line"));
            let optimizer = BUILT_IN.make::<dyn Optimizer>(&(known.kind.template)()).unwrap();
            assert!(optimizer.memory().len() <= known.groups.iter().sum(), "{class}");
        }
        assert_eq!(OPTIMIZERS.len(), <dyn Optimizer>::built_in().len());
    }

    #[test]
    fn every_schedule_is_here_or_only_ours() {
        for (class, _) in <dyn Schedule>::built_in() {
            let kind = find(SCHEDULES, class);
            assert!(kind.is_some() != OURS.contains(&class), "{class} needs a line, or is only ours");
            kind.map(|kind| BUILT_IN.make::<dyn Schedule>(&(kind.template)()).unwrap());
        }
        assert_eq!(SCHEDULES.len() + OURS.len(), <dyn Schedule>::built_in().len());
    }

    /// What is written of an optimizer, and that reading it leads back.
    fn travels(optimizer: &dyn Optimizer) -> Config {
        let spec = optimizer.spec();
        let known = super::optimizer(spec.class()).unwrap();
        let config = known.kind.config(&spec, SCHEDULES).unwrap();
        let read = known.kind.read(config.clone(), Shape::SCALAR, SCHEDULES).unwrap();
        assert_eq!(BUILT_IN.make::<dyn Optimizer>(&read).unwrap().spec(), spec);
        config
    }

    #[test]
    fn settings_travel() {
        travels(&RmsProp::new(0.1).momentum(0.5).centered(true).clip(Clip::Value(0.5)));
        travels(&Adam::new(0.1).amsgrad(true).clip(Clip::GlobalNorm(2.0)).weight_decay(0.1));
        assert_eq!(travels(&AdamW::new(0.1).weight_decay(0.0))["weight_decay"], json!(0.0));
        travels(&AdamW::new(0.1));
        travels(&Sgd::new(CosineDecay::new(0.1, 9)));
        let warm = travels(&Sgd::new(CosineDecay::new(0.1, 9).warmup(0.5, 3)));
        assert_eq!(warm["learning_rate"]["module"], "keras.optimizers.schedules");
        let steps = travels(&Lion::new(PiecewiseConstantDecay::new(&[3, 7], &[0.5, 0.25, 0.125])));
        assert_eq!(steps["learning_rate"]["config"]["boundaries"], json!([3, 7]));
        travels(&Adagrad::new(PolynomialDecay::new(0.1, 9).power(2.0)));
    }

    #[test]
    fn a_schedule_of_ours_alone_is_told() {
        let cycle = schedules::OneCycle::new(0.1, 9);
        let sgd = Sgd::new(LearningRate::schedule(cycle));
        let told = OPTIMIZERS.last().unwrap().kind.config(&sgd.spec(), SCHEDULES).unwrap_err();
        assert_eq!(told, "OneCycle (learning_rate) is not a part that Keras has");
    }
}
