//! A class that both sides have: which options of Keras are which settings here.

use super::object::Config;
use super::options::Inactive;
use super::result::Result;
use crate::{Shape, Spec};

/// A class that both sides have under one name, with settings of one name.
#[derive(Clone, Copy)]
pub(super) struct Kind {
    pub(super) class: &'static str,
    /// A spec with Keras' defaults. Its settings and their kinds are those that are read.
    pub(super) template: fn() -> Spec,
    /// Settings without a default.
    pub(super) required: &'static [&'static str],
    /// Settings for which null means the default.
    pub(super) nullable: &'static [&'static str],
    /// Settings that a spec has only where they are set; the values tell their kind.
    pub(super) optional: fn() -> Spec,
    /// Options that are no settings here, beside those that every object of its kind has.
    pub(super) inactive: &'static [Inactive],
    /// Rewrites options whose words differ from those of settings; the shape is that of one sample of a layer's first
    /// input, if it is known. What is refused is removed.
    pub(super) adjust: fn(&mut Config, Option<Shape>) -> Result<()>,
    /// Rewrites settings as options.
    pub(super) express: fn(&mut Config) -> Result<()>,
}

/// A class whose options need no adjustment.
pub(super) const fn kind(class: &'static str, template: fn() -> Spec, required: &'static [&'static str]) -> Kind {
    let optional = || Spec::new("");
    Kind {
        class,
        template,
        required,
        nullable: &[],
        optional,
        inactive: &[],
        adjust: |_, _| Ok(()),
        express: |_| Ok(()),
    }
}
