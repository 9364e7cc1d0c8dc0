//! The optimizers and learning rate schedules that Keras and gradus share.

use super::kind::{Kind, kind};
use super::object::Config;
use super::options::{InactiveOption, Scalar, ignored, only, rejected};
use super::result::Result;
use crate::optimizers::schedules::{
    CosineDecay, ExponentialDecay, InverseTimeDecay, PiecewiseConstantDecay, PolynomialDecay, Schedule,
};
use crate::optimizers::{Adadelta, Adagrad, Adam, AdamW, Lion, Nadam, Optimizer, RmsProp, Sgd};
use crate::{Shape, Spec};
use serde_json::{Value, json};

/// An optimizer, and the layout of its variables in Keras.
pub(super) struct OptimizerKind {
    pub(super) kind: Kind,
    /// The number of state arrays per weight in each group of variables. Adam stores two arrays for each weight in turn, then a
    /// group with the third array of each weight.
    pub(super) groups: &'static [usize],
    /// A scalar after the arrays, which is a function of the number of steps.
    pub(super) last: Option<fn(&Spec, u64) -> Option<f32>>,
}

/// The optimizers that both libraries have.
pub(super) const OPTIMIZERS: &[OptimizerKind] = &[
    optimizer_kind(
        without_default_decay(kind("Adadelta", || with_weight_decay(Adadelta::default().spec()), &[])),
        &[2],
        DECAY_OF_KERAS_2,
    ),
    optimizer_kind(
        without_default_decay(kind("Adagrad", || with_weight_decay(Adagrad::default().spec()), &[])),
        &[1],
        LEGACY_EPSILON,
    ),
    optimizer_kind(
        without_default_decay(kind("Adam", || with_weight_decay(Adam::default().spec()).with("amsgrad", false), &[])),
        &[2, 1],
        &[DECAY, only("adaptive_epsilon", &[Scalar::Bool(false)])],
    ),
    optimizer_kind(
        Kind { to_keras: write_weight_decay, ..kind("AdamW", || AdamW::default().spec().with("amsgrad", false), &[]) },
        &[2, 1],
        DECAY_OF_KERAS_2,
    ),
    optimizer_kind(
        without_default_decay(kind("Lion", || with_weight_decay(Lion::default().spec()), &[])),
        &[1],
        DECAY_OF_KERAS_2,
    ),
    OptimizerKind {
        last: Some(momentum_product),
        ..optimizer_kind(
            without_default_decay(kind("Nadam", || with_weight_decay(Nadam::default().spec()), &[])),
            &[2],
            LEGACY_NADAM,
        )
    },
    optimizer_kind(without_default_decay(kind("RMSprop", rmsprop, &[])), &[1, 1, 1], LEGACY_EPSILON),
    optimizer_kind(
        without_default_decay(kind("SGD", || with_weight_decay(Sgd::default().spec()), &[])),
        &[1],
        DECAY_OF_KERAS_2,
    ),
];

/// The decay of the learning rate in Keras 2. `InverseTimeDecay` replaces it.
const DECAY: InactiveOption = only("decay", &[Scalar::Number(0.0)]);

const DECAY_OF_KERAS_2: &[InactiveOption] = &[DECAY];

/// Optimizers whose definition differs in Keras 2.10 and earlier. Their configurations have a `decay`.
const LEGACY_EPSILON: &[InactiveOption] = &[rejected(
    "decay",
    "optimizers with this option are those of Keras 2.10 or earlier, which add epsilon outside the square root",
)];

const LEGACY_NADAM: &[InactiveOption] = &[rejected(
    "decay",
    "optimizers with this option are those of Keras 2.10 or earlier, which have a different momentum schedule",
)];

/// The schedules that both libraries have.
pub(super) const SCHEDULES: &[Kind] = &[
    Kind {
        from_keras: remove_unused_warmup,
        optional: warmup,
        inactive: &[ignored("warmup_steps", "it has no effect without warmup_target")],
        ..kind("CosineDecay", || CosineDecay::new(0.0, 1).spec(), BY_STEPS)
    },
    kind("ExponentialDecay", || ExponentialDecay::new(0.0, 1, 0.0).spec(), BY_RATE),
    kind("InverseTimeDecay", || InverseTimeDecay::new(0.0, 1, 0.0).spec(), BY_RATE),
    kind("PiecewiseConstantDecay", || PiecewiseConstantDecay::new(&[1], &[0.0, 0.0]).spec(), &["boundaries", "values"]),
    kind("PolynomialDecay", || PolynomialDecay::new(0.0, 1).spec(), BY_STEPS),
];

/// Required options of schedules that decay over a number of steps.
const BY_STEPS: &[&str] = &["initial_learning_rate", "decay_steps"];

/// Required options of schedules that decay at a rate.
const BY_RATE: &[&str] = &["initial_learning_rate", "decay_steps", "decay_rate"];

const fn optimizer_kind(kind: Kind, groups: &'static [usize], inactive: &'static [InactiveOption]) -> OptimizerKind {
    OptimizerKind {
        kind: Kind { optional: shared_options, from_keras: normalize_options, inactive, ..kind },
        groups,
        last: None,
    }
}

/// An optimizer without weight decay by default.
const fn without_default_decay(kind: Kind) -> Kind {
    Kind { nullable: &["weight_decay"], ..kind }
}

/// Removes clipping limits that are not positive, which Keras ignores, and options of moving averages that are not used; renames
/// `lr`, the learning rate before version 2.3.
fn normalize_options(config: &mut Config, _input: Option<Shape>) -> Result<()> {
    for clip in ["clipnorm", "global_clipnorm", "clipvalue"] {
        if config.get(clip).and_then(Value::as_f64).is_some_and(|clip| clip <= 0.0) {
            config.remove(clip);
        }
    }
    if config.get("use_ema") != Some(&Value::Bool(true)) {
        ["use_ema", "ema_momentum", "ema_overwrite_frequency"].iter().for_each(|name| drop(config.remove(*name)));
    }
    if let Some(rate) = config.remove("lr") {
        config.entry("learning_rate").or_insert(rate);
    }
    Ok(())
}

/// Finds an optimizer by class name.
pub(super) fn optimizer(class: &str) -> Option<&'static OptimizerKind> {
    OPTIMIZERS.iter().find(|known| known.kind.class == class)
}

fn with_weight_decay(spec: Spec) -> Spec {
    spec.with("weight_decay", 0.0)
}

fn rmsprop() -> Spec {
    with_weight_decay(RmsProp::default().spec()).with("momentum", 0.0).with("centered", false)
}

/// Settings that are absent by default: clipping, and moving averages of weights.
fn shared_options() -> Spec {
    let clips = Spec::new("").with("clipnorm", 1.0).with("clipvalue", 1.0).with("global_clipnorm", 1.0);
    clips.with("use_ema", true).with("ema_momentum", 0.99).with("ema_overwrite_frequency", 1)
}

/// Writes a weight decay of 0, as the default in Keras is not 0.
fn write_weight_decay(config: &mut Config) -> Result<()> {
    config.entry("weight_decay").or_insert(json!(0.0));
    Ok(())
}

fn warmup() -> Spec {
    Spec::new("").with("warmup_target", 0.0).with("warmup_steps", 0)
}

/// Removes `warmup_steps` if `warmup_target` is not set.
fn remove_unused_warmup(config: &mut Config, _input: Option<Shape>) -> Result<()> {
    if config.get("warmup_target").is_none_or(Value::is_null) {
        config.remove("warmup_steps");
    }
    Ok(())
}

/// The `u_product` of Nadam.
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
    const ONLY_GRADUS: &[&str] = &["OneCycle"];

    #[test]
    fn every_optimizer_is_in_the_table() {
        for (class, _) in <dyn Optimizer>::built_in() {
            let known = optimizer(class).unwrap_or_else(|| panic!("{class} must be in the table"));
            let optimizer = BUILT_IN.make::<dyn Optimizer>(&(known.kind.template)()).unwrap();
            assert!(optimizer.initial_state().len() <= known.groups.iter().sum(), "{class}");
        }
        assert_eq!(OPTIMIZERS.len(), <dyn Optimizer>::built_in().len());
    }

    #[test]
    fn every_schedule_is_in_the_table_or_only_in_gradus() {
        for (class, _) in <dyn Schedule>::built_in() {
            let kind = SCHEDULE.find(class);
            assert!(kind.is_some() != ONLY_GRADUS.contains(&class), "{class} must be in SCHEDULES or in ONLY_GRADUS");
            kind.map(|kind| BUILT_IN.make::<dyn Schedule>(&(kind.template)()).unwrap());
        }
        assert_eq!(SCHEDULES.len() + ONLY_GRADUS.len(), <dyn Schedule>::built_in().len());
    }

    fn read(class: &str, config: &Config) -> Result<Spec> {
        let registry = Registry::new();
        let mut reader = Reader::new(&registry);
        let value = json!({"class_name": class, "config": config});
        let spec = reader.object(&OPTIMIZER, "optimizer", &value, Object::read(&value).unwrap(), None);
        reader.finish().map(|()| spec.unwrap())
    }

    /// Checks that an optimizer round-trips; returns its configuration.
    fn check_round_trip(optimizer: &dyn Optimizer) -> Config {
        let spec = optimizer.spec();
        let config = OPTIMIZER.find(spec.class()).unwrap().config(&spec).unwrap();
        let read = read(spec.class(), &config).unwrap();
        assert_eq!(BUILT_IN.make::<dyn Optimizer>(&read).unwrap().spec(), spec);
        config
    }

    #[test]
    fn settings_round_trip() {
        check_round_trip(&RmsProp::new(0.1).momentum(0.5).centered(true).clip(Clip::Value(0.5)));
        check_round_trip(&Adam::new(0.1).amsgrad(true).clip(Clip::GlobalNorm(2.0)).weight_decay(0.1));
        let averaged = check_round_trip(&Sgd::new(0.1).use_ema(true).ema_momentum(0.5).ema_overwrite_frequency(7));
        assert_eq!(averaged["ema_overwrite_frequency"], json!(7));
        assert_eq!(check_round_trip(&AdamW::new(0.1).weight_decay(0.0))["weight_decay"], json!(0.0));
        check_round_trip(&AdamW::new(0.1));
        check_round_trip(&Sgd::new(CosineDecay::new(0.1, 9)));
        let warm = check_round_trip(&Sgd::new(CosineDecay::new(0.1, 9).warmup(0.5, 3)));
        assert_eq!(warm["learning_rate"]["module"], "keras.optimizers.schedules");
        let steps = check_round_trip(&Lion::new(PiecewiseConstantDecay::new(&[3, 7], &[0.5, 0.25, 0.125])));
        assert_eq!(steps["learning_rate"]["config"]["boundaries"], json!([3, 7]));
        check_round_trip(&Adagrad::new(PolynomialDecay::new(0.1, 9).power(2.0)));
    }

    #[test]
    fn options_of_keras_2_are_read_or_rejected() {
        let read = |class: &str, config: Value| read(class, config.as_object().unwrap()).map(|spec| spec.to_string());
        let sgd = read("SGD", json!({"lr": 0.25, "decay": 0.0, "momentum": 0.5})).unwrap();
        assert_eq!(sgd, "SGD(learning_rate=0.25, momentum=0.5, nesterov=false, weight_decay=0)");
        let decay = read("Adam", json!({"lr": 0.25, "decay": 0.5})).unwrap_err();
        assert_eq!(decay, "optimizer (Adam): decay is 0.5, and only 0 is supported");
        let rms = read("RMSprop", json!({"lr": 0.25, "decay": 0.0})).unwrap_err();
        assert!(
            rms.starts_with("optimizer (RMSprop): decay is not supported: optimizers with this option are those of"),
            "{rms}"
        );
        assert_eq!(read("SGD", json!({"clipnorm": 0.0})), read("SGD", json!({"clipnorm": null})));
        let none = read("AdamW", json!({"weight_decay": null})).unwrap_err();
        assert_eq!(none, "optimizer (AdamW): weight_decay is null, expected a number");
    }

    #[test]
    fn schedules_without_an_equivalent_are_errors() {
        let cycle = schedules::OneCycle::new(0.1, 9);
        let sgd = Sgd::new(LearningRate::schedule(cycle));
        let error = OPTIMIZERS.last().unwrap().kind.config(&sgd.spec()).unwrap_err();
        assert_eq!(error, "OneCycle (learning_rate) has no equivalent in Keras");
    }
}
