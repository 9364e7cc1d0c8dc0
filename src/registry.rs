//! Which class a name stands for: the library's parts of every kind, and those of others that were added.

use crate::error::{Error, Result};
use crate::settings::unfit;
use crate::spec::Spec;
use std::any::Any;
use std::collections::{BTreeMap, BTreeSet};
use std::sync::Arc;

/// How a part behind a trait is made from its spec. What it holds in turn is made of the parts that are known.
pub(crate) type Make<T> = fn(&Spec, &Known) -> Result<Box<T>>;

/// A trait that parts of a model implement, such as `dyn Layer`.
pub(crate) trait Part: 'static {
    /// What such a part is called in messages, and the method of `Registry` that adds one.
    const NAME: &'static str;

    /// The library's own, by class.
    fn built_in() -> Vec<(&'static str, Make<Self>)>;
}

/// The library's parts and those that were added, of every kind.
#[derive(Clone, Debug)]
pub(crate) struct Known {
    /// A `Make` of the kind, by the names of kind and class. This module stands below all kinds and cannot name them.
    added: BTreeMap<(&'static str, &'static str), Arc<dyn Any + Send + Sync>>,
}

/// The library's parts and no others.
pub(crate) static BUILT_IN: Known = Known { added: BTreeMap::new() };

impl Known {
    /// Adds a class; one of the same name is replaced.
    pub(crate) fn add<T: Part + ?Sized>(&mut self, class: &'static str, make: Make<T>) {
        self.added.insert((T::NAME, class), Arc::new(make));
    }

    /// Whether the class was added, rather than being one of the library's own.
    #[cfg(feature = "keras")]
    pub(crate) fn adds<T: Part + ?Sized>(&self, class: &str) -> bool {
        self.added.keys().any(|(kind, added)| *kind == T::NAME && *added == class)
    }

    /// The part that the spec describes.
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
        let article = if kind.starts_with(['a', 'e', 'i', 'o', 'u']) { "an" } else { "a" };
        let known = names.into_iter().collect::<Vec<_>>().join(", ");
        unfit(spec, format!("is not {article} {kind} that is known ({known}); add yours with Registry::{kind}"))
    }
}
