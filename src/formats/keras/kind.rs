//! A class that exists in Keras and in gradus, and the correspondence of its options to settings.

use super::object::Config;
use super::options::InactiveOption;
use super::result::Result;
use crate::{Shape, Spec};

/// A class that has the same name and the same settings in Keras and in gradus.
#[derive(Clone, Copy)]
pub(super) struct Kind {
    pub(super) class: &'static str,
    /// A spec with Keras' defaults. Its settings determine the options that are read, and their types.
    pub(super) template: fn() -> Spec,
    /// Options without a default in Keras.
    pub(super) required: &'static [&'static str],
    /// Options for which null means the default.
    pub(super) nullable: &'static [&'static str],
    /// Settings that are absent by default. The values determine their types.
    pub(super) optional: fn() -> Spec,
    /// Options without a setting in gradus, besides those of the whole family.
    pub(super) inactive: &'static [InactiveOption],
    /// Converts options of Keras whose notation differs from that of the settings. The shape is that of one sample of the first
    /// input of a layer, if known. Rejected options are removed.
    pub(super) from_keras: fn(&mut Config, Option<Shape>) -> Result<()>,
    /// Converts settings to the notation of Keras.
    pub(super) to_keras: fn(&mut Config) -> Result<()>,
}

/// A class whose options need no conversion.
pub(super) const fn kind(class: &'static str, template: fn() -> Spec, required: &'static [&'static str]) -> Kind {
    let optional = || Spec::new("");
    Kind {
        class,
        template,
        required,
        nullable: &[],
        optional,
        inactive: &[],
        from_keras: |_, _| Ok(()),
        to_keras: |_| Ok(()),
    }
}
