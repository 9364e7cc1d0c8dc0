//! The kinds of objects in Keras' configurations: how each is found by name, and which options all of a kind have.

use super::kind::Kind;
use super::layers::{INITIALIZERS, LAYERS, REGULARIZERS};
use super::losses_metrics::{LOSSES, METRICS};
use super::names::snake_case;
use super::optimizers::{OPTIMIZERS, SCHEDULES};
use super::options::{self, Inactive};
use crate::save::Registry;

/// A kind of objects.
pub(super) struct Family {
    /// What one is called in messages.
    pub(super) what: &'static str,
    /// Keras' module of the classes.
    pub(super) module: &'static str,
    kinds: fn() -> Vec<&'static Kind>,
    /// Other names of classes, and of functions that are instances with default options.
    aliases: &'static [(&'static str, &'static str)],
    /// Options that all of the kind have.
    pub(super) options: &'static [Inactive],
}

pub(super) const LAYER: Family = Family {
    what: "layer",
    module: "keras.layers",
    kinds: || LAYERS.iter().collect(),
    aliases: &[],
    options: options::LAYER,
};

pub(super) const INITIALIZER: Family = Family {
    what: "initializer",
    module: "keras.initializers",
    kinds: || INITIALIZERS.iter().collect(),
    aliases: &[("zero", "Zeros"), ("one", "Ones"), ("uniform", "RandomUniform"), ("normal", "RandomNormal")],
    options: options::INITIALIZER,
};

pub(super) const REGULARIZER: Family = Family {
    what: "regularizer",
    module: "keras.regularizers",
    kinds: || REGULARIZERS.iter().collect(),
    aliases: &[("l1_l2", "L1L2")],
    options: &[],
};

pub(super) const OPTIMIZER: Family = Family {
    what: "optimizer",
    module: "keras.optimizers",
    kinds: || OPTIMIZERS.iter().map(|known| &known.kind).collect(),
    aliases: &[],
    options: options::OPTIMIZER,
};

pub(super) const SCHEDULE: Family = Family {
    what: "schedule",
    module: "keras.optimizers.schedules",
    kinds: || SCHEDULES.iter().collect(),
    aliases: &[],
    options: options::SCHEDULE,
};

pub(super) const LOSS: Family = Family {
    what: "loss",
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
    what: "metric",
    module: "keras.metrics",
    // Keras' class `Accuracy` compares values; the word has it choose by the shapes, and is read before.
    kinds: || METRICS.iter().filter(|kind| kind.class != "Accuracy").collect(),
    aliases: &[("mse", "MeanSquaredError"), ("mae", "MeanAbsoluteError")],
    options: options::METRIC,
};

impl Family {
    /// The class of this name, or of a function or an abbreviation that stands for it.
    pub(super) fn find(&self, name: &str) -> Option<&'static Kind> {
        let alias = self.aliases.iter().find(|(alias, _)| alias.eq_ignore_ascii_case(name));
        let name = alias.map_or(name, |(_, class)| class);
        let is = |kind: &&Kind| kind.class.eq_ignore_ascii_case(name) || snake_case(kind.class) == name;
        (self.kinds)().into_iter().find(is)
    }

    /// Whether a registry has added the class.
    pub(super) fn added(&self, registry: &Registry, class: &str) -> bool {
        registry.adds(self.what, class)
    }

    /// The kind of the objects that a setting of this name holds.
    pub(super) fn of_setting(name: &str) -> &'static Family {
        match name {
            "learning_rate" => &SCHEDULE,
            _ if name.ends_with("_regularizer") => &REGULARIZER,
            _ => &INITIALIZER,
        }
    }
}
