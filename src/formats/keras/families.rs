//! Families of classes in Keras' configurations, such as layers and losses: how a class is found by name, and the options that
//! all classes of a family share.

use super::kind::Kind;
use super::layers::{CONSTRAINTS, INITIALIZERS, LAYERS, REGULARIZERS};
use super::losses_metrics::{LOSSES, METRICS};
use super::names::snake_case;
use super::optimizers::{OPTIMIZERS, SCHEDULES};
use super::options::{self, InactiveOption};
use crate::save::Registry;

/// A family of classes.
pub(super) struct Family {
    /// The noun for an object of the family in messages.
    pub(super) noun: &'static str,
    /// Keras' module of the classes.
    pub(super) module: &'static str,
    kinds: fn() -> Vec<&'static Kind>,
    /// Alternative names of classes, and names of functions that represent an instance with default options.
    aliases: &'static [(&'static str, &'static str)],
    /// Options that all classes of the family have.
    pub(super) options: &'static [InactiveOption],
}

pub(super) const LAYER: Family = Family {
    noun: "layer",
    module: "keras.layers",
    kinds: || LAYERS.iter().collect(),
    aliases: &[("CuDNNGRU", "GRU"), ("CuDNNLSTM", "LSTM")],
    options: options::LAYER,
};

pub(super) const INITIALIZER: Family = Family {
    noun: "initializer",
    module: "keras.initializers",
    kinds: || INITIALIZERS.iter().collect(),
    aliases: &[
        ("zero", "Zeros"),
        ("one", "Ones"),
        ("uniform", "RandomUniform"),
        ("IdentityInitializer", "Identity"),
        ("normal", "RandomNormal"),
    ],
    options: options::INITIALIZER,
};

pub(super) const REGULARIZER: Family = Family {
    noun: "regularizer",
    module: "keras.regularizers",
    kinds: || REGULARIZERS.iter().collect(),
    aliases: &[("l1_l2", "L1L2")],
    options: &[],
};

pub(super) const CONSTRAINT: Family = Family {
    noun: "constraint",
    module: "keras.constraints",
    kinds: || CONSTRAINTS.iter().collect(),
    aliases: &[],
    options: &[],
};

pub(super) const OPTIMIZER: Family = Family {
    noun: "optimizer",
    module: "keras.optimizers",
    kinds: || OPTIMIZERS.iter().map(|known| &known.kind).collect(),
    aliases: &[],
    options: options::OPTIMIZER,
};

pub(super) const SCHEDULE: Family = Family {
    noun: "schedule",
    module: "keras.optimizers.schedules",
    kinds: || SCHEDULES.iter().collect(),
    aliases: &[],
    options: options::SCHEDULE,
};

pub(super) const LOSS: Family = Family {
    noun: "loss",
    module: "keras.losses",
    kinds: || LOSSES.iter().collect(),
    aliases: &[
        ("mse", "MeanSquaredError"),
        ("mae", "MeanAbsoluteError"),
        ("bce", "BinaryCrossentropy"),
        ("kld", "KLDivergence"),
        ("kullback_leibler_divergence", "KLDivergence"),
        ("logcosh", "LogCosh"),
        ("huber_loss", "Huber"),
    ],
    options: options::LOSS,
};

pub(super) const METRIC: Family = Family {
    noun: "metric",
    module: "keras.metrics",
    // The class `Accuracy` of Keras compares values. The string "accuracy", which selects a metric by the shapes, is read
    // elsewhere.
    kinds: || METRICS.iter().filter(|kind| kind.class != "Accuracy").collect(),
    aliases: &[("mse", "MeanSquaredError"), ("mae", "MeanAbsoluteError")],
    options: options::METRIC,
};

impl Family {
    /// Finds a class by its name, its alias, or the name of a function.
    pub(super) fn find(&self, name: &str) -> Option<&'static Kind> {
        let alias = self.aliases.iter().find(|(alias, _)| alias.eq_ignore_ascii_case(name));
        let name = alias.map_or(name, |(_, class)| class);
        let is = |kind: &&Kind| kind.class.eq_ignore_ascii_case(name) || snake_case(kind.class) == name;
        (self.kinds)().into_iter().find(is)
    }

    /// Whether `registry` adds the class.
    pub(super) fn added(&self, registry: &Registry, class: &str) -> bool {
        registry.adds(self.noun, class)
    }

    /// The family of the objects in a setting of this name.
    pub(super) fn of_setting(name: &str) -> &'static Family {
        match name {
            "learning_rate" => &SCHEDULE,
            "layer" | "backward_layer" => &LAYER,
            _ if name.ends_with("_constraint") => &CONSTRAINT,
            _ if name.ends_with("_regularizer") => &REGULARIZER,
            _ => &INITIALIZER,
        }
    }
}
