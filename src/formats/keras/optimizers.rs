//! Every optimizer and schedule that both sides have: one line each.

use super::kind::{Kind, kind};
use super::object::Config;
use super::options::{Inactive, Plain, any, at, never};
use super::result::Result;
use crate::optimizers::schedules::{
    CosineDecay, ExponentialDecay, InverseTimeDecay, PiecewiseConstantDecay, PolynomialDecay, Schedule,
};
use crate::optimizers::{Adadelta, Adagrad, Adam, AdamW, Lion, Nadam, Optimizer, RmsProp, Sgd};
use crate::{Shape, Spec};
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
    known(decaying(kind("Adadelta", || decays(Adadelta::default().spec()), &[])), &[2], DECAY_OF_KERAS_2),
    known(decaying(kind("Adagrad", || decays(Adagrad::default().spec()), &[])), &[1], LEGACY_EPSILON),
    known(
        decaying(kind("Adam", || decays(Adam::default().spec()).with("amsgrad", false), &[])),
        &[2, 1],
        &[DECAY, at("adaptive_epsilon", &[Plain::Bool(false)])],
    ),
    known(
        Kind { express: no_decay, ..kind("AdamW", || AdamW::default().spec().with("amsgrad", false), &[]) },
        &[2, 1],
        DECAY_OF_KERAS_2,
    ),
    known(decaying(kind("Lion", || decays(Lion::default().spec()), &[])), &[1], DECAY_OF_KERAS_2),
    Known {
        last: Some(momentum_product),
        ..known(decaying(kind("Nadam", || decays(Nadam::default().spec()), &[])), &[2], LEGACY_NADAM)
    },
    known(decaying(kind("RMSprop", rmsprop, &[])), &[1, 1, 1], LEGACY_EPSILON),
    known(decaying(kind("SGD", || decays(Sgd::default().spec()), &[])), &[1], DECAY_OF_KERAS_2),
];

/// What Keras 2 divided the learning rate by, step by step; `InverseTimeDecay` does the same.
const DECAY: Inactive = at("decay", &[Plain::Number(0.0)]);

const DECAY_OF_KERAS_2: &[Inactive] = &[DECAY];

/// Optimizers that compute otherwise in Keras 2.10 and before, whose configurations have a `decay`.
const LEGACY_EPSILON: &[Inactive] = &[never(
    "decay",
    "an optimizer with it is one of Keras 2.10 or before, which added epsilon outside the square root",
)];

const LEGACY_NADAM: &[Inactive] =
    &[never("decay", "an optimizer with it is one of Keras 2.10 or before, which changed the momentum otherwise")];

/// Keras' schedules that gradus has.
pub(super) const SCHEDULES: &[Kind] = &[
    Kind {
        adjust: no_warmup,
        optional: warmup,
        inactive: &[any("warmup_steps", "it has no effect without warmup_target")],
        ..kind("CosineDecay", || CosineDecay::new(0.0, 1).spec(), BY_STEPS)
    },
    kind("ExponentialDecay", || ExponentialDecay::new(0.0, 1, 0.0).spec(), BY_RATE),
    kind("InverseTimeDecay", || InverseTimeDecay::new(0.0, 1, 0.0).spec(), BY_RATE),
    kind("PiecewiseConstantDecay", || PiecewiseConstantDecay::new(&[1], &[0.0, 0.0]).spec(), &["boundaries", "values"]),
    kind("PolynomialDecay", || PolynomialDecay::new(0.0, 1).spec(), BY_STEPS),
];

/// What every schedule that decays must say.
const BY_STEPS: &[&str] = &["initial_learning_rate", "decay_steps"];

/// And what those that decay by a rate must.
const BY_RATE: &[&str] = &["initial_learning_rate", "decay_steps", "decay_rate"];

const fn known(kind: Kind, groups: &'static [usize], inactive: &'static [Inactive]) -> Known {
    Known { kind: Kind { optional: clips, adjust: of_any_optimizer, inactive, ..kind }, groups, last: None }
}

/// An optimizer whose weights decay only where that is said.
const fn decaying(kind: Kind) -> Kind {
    Kind { nullable: &["weight_decay"], ..kind }
}

/// Keras clips by positive numbers only, and called the learning rate `lr` before version 2.3.
fn of_any_optimizer(config: &mut Config, _input: Option<Shape>) -> Result<()> {
    for clip in ["clipnorm", "global_clipnorm", "clipvalue"] {
        if config.get(clip).and_then(Value::as_f64).is_some_and(|clip| clip <= 0.0) {
            config.remove(clip);
        }
    }
    if let Some(rate) = config.remove("lr") {
        config.entry("learning_rate").or_insert(rate);
    }
    Ok(())
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
fn no_warmup(config: &mut Config, _input: Option<Shape>) -> Result<()> {
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
    use super::super::families::{OPTIMIZER, SCHEDULE};
    use super::super::object::Object;
    use super::super::reader::Reader;
    use super::*;
    use crate::optimizers::schedules::Schedule;
    use crate::optimizers::{Clip, LearningRate, schedules};
    use crate::registry::{BUILT_IN, Part};
    use crate::save::Registry;

    /// Schedules that Keras does not have.
    const OURS: &[&str] = &["OneCycle"];

    #[test]
    fn every_optimizer_is_here() {
        for (class, _) in <dyn Optimizer>::built_in() {
            let known = optimizer(class).unwrap_or_else(|| panic!("{class} needs a line"));
            let optimizer = BUILT_IN.make::<dyn Optimizer>(&(known.kind.template)()).unwrap();
            assert!(optimizer.initial_state().len() <= known.groups.iter().sum(), "{class}");
        }
        assert_eq!(OPTIMIZERS.len(), <dyn Optimizer>::built_in().len());
    }

    #[test]
    fn every_schedule_is_here_or_only_ours() {
        for (class, _) in <dyn Schedule>::built_in() {
            let kind = SCHEDULE.find(class);
            assert!(kind.is_some() != OURS.contains(&class), "{class} needs a line, or is only ours");
            kind.map(|kind| BUILT_IN.make::<dyn Schedule>(&(kind.template)()).unwrap());
        }
        assert_eq!(SCHEDULES.len() + OURS.len(), <dyn Schedule>::built_in().len());
    }

    fn read(class: &str, config: &Config) -> Result<Spec> {
        let registry = Registry::new();
        let mut reader = Reader::new(&registry);
        let value = json!({"class_name": class, "config": config});
        let spec = reader.object(&OPTIMIZER, "optimizer", &value, Object::read(&value).unwrap(), None);
        reader.finish().map(|()| spec.unwrap())
    }

    /// What is written of an optimizer, and that reading it leads back.
    fn travels(optimizer: &dyn Optimizer) -> Config {
        let spec = optimizer.spec();
        let config = OPTIMIZER.find(spec.class()).unwrap().config(&spec).unwrap();
        let read = read(spec.class(), &config).unwrap();
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
    fn options_of_keras_2_are_read_or_refused() {
        let read = |class: &str, config: Value| read(class, config.as_object().unwrap()).map(|spec| spec.to_string());
        let sgd = read("SGD", json!({"lr": 0.25, "decay": 0.0, "momentum": 0.5})).unwrap();
        assert_eq!(sgd, "SGD(learning_rate=0.25, momentum=0.5, nesterov=false, weight_decay=0)");
        let decay = read("Adam", json!({"lr": 0.25, "decay": 0.5})).unwrap_err();
        assert_eq!(decay, "optimizer (Adam): decay is 0.5, and only 0 is supported");
        let rms = read("RMSprop", json!({"lr": 0.25, "decay": 0.0})).unwrap_err();
        assert!(
            rms.starts_with("optimizer (RMSprop): decay is not supported: an optimizer with it is one of"),
            "{rms}"
        );
        assert_eq!(read("SGD", json!({"clipnorm": 0.0})), read("SGD", json!({"clipnorm": null})));
        let none = read("AdamW", json!({"weight_decay": null})).unwrap_err();
        assert_eq!(none, "optimizer (AdamW): weight_decay is null, expected a number");
    }

    #[test]
    fn a_schedule_of_ours_alone_is_told() {
        let cycle = schedules::OneCycle::new(0.1, 9);
        let sgd = Sgd::new(LearningRate::schedule(cycle));
        let told = OPTIMIZERS.last().unwrap().kind.config(&sgd.spec()).unwrap_err();
        assert_eq!(told, "OneCycle (learning_rate) is not a part that Keras has");
    }
}
