//! The registry of classes: built-in and custom parts, by kind and class name.

use crate::error::{Error, Result};
use crate::settings::spec_error;
use crate::spec::Spec;
use std::any::Any;
use std::collections::{BTreeMap, BTreeSet};
use std::sync::Arc;

/// Creates a part from its spec. Nested parts are looked up in the registry.
pub(crate) type Constructor<T> = fn(&Spec, &ClassRegistry) -> Result<Box<T>>;

/// A kind of parts: a trait that parts of a model implement, such as `dyn Layer`.
pub(crate) trait Part: 'static {
    /// The name of the kind in messages, which is also the name of the method of `Registry` that adds a class.
    const NAME: &'static str;

    /// The built-in classes with their constructors.
    fn built_in() -> Vec<(&'static str, Constructor<Self>)>;
}

/// A registry of classes of every kind: the built-in ones and added custom ones.
#[derive(Clone, Debug)]
pub(crate) struct ClassRegistry {
    /// The [`Constructor`] of each custom class, by the names of its kind and class. Type-erased, as the traits of the
    /// kinds import this module.
    added: BTreeMap<(&'static str, &'static str), Arc<dyn Any + Send + Sync>>,
    /// The memory in bytes that the contents of a part may take; `None` for the default of the part.
    pub(crate) memory_limit: Option<u64>,
}

/// The registry of the built-in classes alone.
pub(crate) static BUILT_IN: ClassRegistry = ClassRegistry { added: BTreeMap::new(), memory_limit: None };

impl ClassRegistry {
    /// Adds a class. It replaces one with the same name.
    pub(crate) fn add<T: Part + ?Sized>(&mut self, class: &'static str, make: Constructor<T>) {
        self.added.insert((T::NAME, class), Arc::new(make));
    }

    /// Whether a custom class of this kind and name was added.
    pub(crate) fn adds(&self, kind: &str, class: &str) -> bool {
        self.added.keys().any(|added| *added == (kind, class))
    }

    /// Creates the part that the spec describes.
    pub(crate) fn make<T: Part + ?Sized>(&self, spec: &Spec) -> Result<Box<T>> {
        let make = self.find::<T>(spec.class()).ok_or_else(|| {
            let names = T::built_in().into_iter().map(|(class, _)| class).collect();
            self.unknown(spec, T::NAME, names)
        })?;
        make(spec, self)
    }

    fn find<T: Part + ?Sized>(&self, class: &str) -> Option<Constructor<T>> {
        match self.added.get(&(T::NAME, class)) {
            Some(make) => make.downcast_ref().copied(),
            None => T::built_in().into_iter().find(|(name, _)| *name == class).map(|(_, make)| make),
        }
    }

    fn unknown(&self, spec: &Spec, kind: &str, mut names: BTreeSet<&str>) -> Error {
        names.extend(self.added.keys().filter(|(of, _)| *of == kind).map(|(_, class)| class));
        let known = names.into_iter().collect::<Vec<_>>().join(", ");
        spec_error(spec, format!("unknown {kind}; available: {known}; add custom ones with Registry::{kind}"))
    }
}
