//! The registry of classes: the parts of the library and the registered custom ones, by kind and class name.

use crate::error::{Error, Result};
use crate::settings::unfit;
use crate::spec::Spec;
use std::any::Any;
use std::collections::{BTreeMap, BTreeSet};
use std::sync::Arc;

/// Makes a part from its spec. Nested parts are made from the registry.
pub(crate) type Make<T> = fn(&Spec, &Known) -> Result<Box<T>>;

/// A kind of parts: a trait that parts of a model implement, such as `dyn Layer`.
pub(crate) trait Part: 'static {
    /// The name of the kind in messages, which is also the name of the method of `Registry` that adds a class.
    const NAME: &'static str;

    /// The classes of the library.
    fn built_in() -> Vec<(&'static str, Make<Self>)>;
}

/// The classes of the library and the registered custom ones, of every kind.
#[derive(Clone, Debug)]
pub(crate) struct Known {
    /// The `Make` of each custom class, by the names of its kind and class. `Any`, since this module cannot import the
    /// traits of the kinds, which use it.
    added: BTreeMap<(&'static str, &'static str), Arc<dyn Any + Send + Sync>>,
}

/// The classes of the library alone.
pub(crate) static BUILT_IN: Known = Known { added: BTreeMap::new() };

impl Known {
    /// Adds a class, in place of an earlier one of this name.
    pub(crate) fn add<T: Part + ?Sized>(&mut self, class: &'static str, make: Make<T>) {
        self.added.insert((T::NAME, class), Arc::new(make));
    }

    /// Whether a class of this kind is a registered custom class.
    pub(crate) fn adds(&self, kind: &str, class: &str) -> bool {
        self.added.keys().any(|added| *added == (kind, class))
    }

    /// Makes the part that the spec describes.
    pub(crate) fn make<T: Part + ?Sized>(&self, spec: &Spec) -> Result<Box<T>> {
        let make = self.find::<T>(spec.class()).ok_or_else(|| {
            let names = T::built_in().into_iter().map(|(class, _)| class).collect();
            self.unknown(spec, T::NAME, names)
        })?;
        make(spec, self)
    }

    fn find<T: Part + ?Sized>(&self, class: &str) -> Option<Make<T>> {
        match self.added.get(&(T::NAME, class)) {
            Some(make) => make.downcast_ref().copied(),
            None => T::built_in().into_iter().find(|(name, _)| *name == class).map(|(_, make)| make),
        }
    }

    fn unknown(&self, spec: &Spec, kind: &str, mut names: BTreeSet<&str>) -> Error {
        names.extend(self.added.keys().filter(|(of, _)| *of == kind).map(|(_, class)| class));
        let known = names.into_iter().collect::<Vec<_>>().join(", ");
        unfit(spec, format!("unknown {kind}; available: {known}; add custom ones with Registry::{kind}"))
    }
}
