//! A check of the options of all parts of a kind.

use crate::registry::{BUILT_IN, Part};
use crate::spec::{Spec, SpecValue};
use std::collections::{BTreeMap, BTreeSet};

/// Checks the parts of a kind by the specs of samples, which together change every option from its default. Each spec makes a
/// part with an equal spec. A missing option has its default or is an error that names it, and an unknown option is an error.
pub(crate) fn check_options<T: Part + ?Sized>(specs: &[Spec], spec_of: impl Fn(&T) -> Spec) {
    let made = |spec: &Spec| BUILT_IN.make::<T>(spec).map(|part| spec_of(&part)).map_err(|error| error.to_string());
    // Layers of formats have tests in their formats.
    let of_format = |class: &str| crate::FORMAT_LAYERS.iter().any(|(layer, _)| *layer == class);
    for (class, _) in T::built_in().into_iter().filter(|(class, _)| !of_format(class)) {
        let specs: Vec<&Spec> = specs.iter().filter(|spec| spec.class() == class).collect();
        assert!(!specs.is_empty(), "{class} has no sample");
        let mut unchanged: BTreeSet<String> = BTreeSet::new();
        let mut changed: BTreeSet<String> = BTreeSet::new();
        for spec in specs {
            assert_eq!(made(spec).map(|made| self::values(&made)), Ok(self::values(spec)));
            unchanged.extend(names_in_message(&made(&spec.clone().with("unknown", true)).unwrap_err()));
            let values = values(spec);
            for (at, (name, value)) in spec.settings().iter().enumerate() {
                match made(&without(spec, at)) {
                    Ok(older) => {
                        let default = self::values(&older);
                        let others = |values: &BTreeMap<String, SpecValue>| {
                            let mut values = values.clone();
                            values.remove(&**name);
                            values
                        };
                        assert_eq!(others(&default), others(&values), "{spec} without {name}");
                        let is_default = default.get(&**name) == Some(value);
                        if is_default {
                            unchanged.insert(name.to_string())
                        } else {
                            changed.insert(name.to_string())
                        };
                    }
                    Err(message) => {
                        assert_eq!(message, format!("{class}: missing setting \"{name}\""));
                        changed.insert(name.to_string());
                    }
                }
            }
        }
        let left: Vec<&String> = unchanged.difference(&changed).collect();
        assert!(left.is_empty(), "no sample of {class} changes {left:?} from its default");
    }
}

/// The names that the message about an unknown setting lists.
fn names_in_message(message: &str) -> Vec<String> {
    let (found, names) = message.split_once("; available: ").unwrap_or((message, ""));
    assert!(found.ends_with(": unknown setting \"unknown\""), "{message}");
    names.split(", ").filter(|name| !name.is_empty()).map(str::to_owned).collect()
}

fn values(spec: &Spec) -> BTreeMap<String, SpecValue> {
    spec.settings().iter().map(|(name, value)| (name.to_string(), value.clone())).collect()
}

/// The spec without the setting at a position.
fn without(spec: &Spec, left_out: usize) -> Spec {
    let others = spec.settings().iter().enumerate().filter(|(at, _)| *at != left_out);
    others.fold(Spec::new(spec.class()), |others, (_, (name, value))| others.with(name.clone(), value.clone()))
}
