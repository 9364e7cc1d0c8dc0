//! Declarations of operators and their attributes.
//!
//! Each operator declares every attribute of its schema in ONNX, with the operator sets in which it exists. Any other
//! attribute is rejected by name.

use crate::formats::onnx::node::{Attribute as Value, Node};

/// An operator and its attributes.
#[derive(Clone, Copy, Debug)]
pub(in crate::formats::onnx) struct Operator {
    pub(in crate::formats::onnx) name: &'static str,
    /// The first operator set whose version of the operator is supported.
    pub(in crate::formats::onnx) since: i64,
    pub(in crate::formats::onnx) attributes: &'static [Attribute],
}

/// An attribute of an operator.
#[derive(Clone, Copy, Debug)]
pub(in crate::formats::onnx) struct Attribute {
    pub(in crate::formats::onnx) name: &'static str,
    /// The first and the last operator set in which it exists.
    pub(in crate::formats::onnx) sets: [i64; 2],
    pub(in crate::formats::onnx) effect: Effect,
}

/// The effect of an attribute in gradus.
#[derive(Clone, Copy, Debug)]
pub(in crate::formats::onnx) enum Effect {
    /// It is read when the operator is recorded.
    Read,
    /// It is read, and affects only training.
    Training,
    /// Results do not depend on it, for the given reason.
    #[cfg_attr(not(test), expect(dead_code, reason = "a test compares the reasons with docs/onnx.md"))]
    None(&'static str),
    /// Only the first value is supported. The second value is the default, the text is the remedy.
    Only(i64, i64, &'static str),
    /// It is not supported.
    Rejected,
}

/// Declares an operator that is supported since operator set `since`.
pub(in crate::formats::onnx) const fn operator(
    name: &'static str,
    since: i64,
    attributes: &'static [Attribute],
) -> Operator {
    Operator { name, since, attributes }
}

const fn attribute(name: &'static str, effect: Effect) -> Attribute {
    Attribute { name, sets: [1, i64::MAX], effect }
}

/// Declares an attribute that is read.
pub(in crate::formats::onnx) const fn read(name: &'static str) -> Attribute {
    attribute(name, Effect::Read)
}

/// Declares an attribute that affects only training.
pub(super) const fn training(name: &'static str) -> Attribute {
    attribute(name, Effect::Training)
}

/// Declares an attribute on which results do not depend, for the given reason.
pub(in crate::formats::onnx) const fn ignored(name: &'static str, reason: &'static str) -> Attribute {
    attribute(name, Effect::None(reason))
}

/// Declares an attribute with a single supported value, its default, and the remedy for other values.
pub(super) const fn only(name: &'static str, value: i64, default: i64, remedy: &'static str) -> Attribute {
    attribute(name, Effect::Only(value, default, remedy))
}

/// Declares an attribute that is not supported.
pub(super) const fn rejected(name: &'static str) -> Attribute {
    attribute(name, Effect::Rejected)
}

/// The attribute `consumed_inputs` of the first operator sets.
pub(super) const CONSUMED: Attribute =
    ignored("consumed_inputs", "it specifies which memory may be overwritten").until(5);

impl Attribute {
    /// Sets the first operator set in which it exists.
    pub(super) const fn since(mut self, first: i64) -> Attribute {
        self.sets[0] = first;
        self
    }

    /// Sets the last operator set in which it exists.
    pub(super) const fn until(mut self, last: i64) -> Attribute {
        self.sets[1] = last;
        self
    }

    /// Whether it exists in operator set `version`.
    pub(in crate::formats::onnx) fn is_in(&self, version: i64) -> bool {
        (self.sets[0]..=self.sets[1]).contains(&version)
    }
}

impl Operator {
    /// Describes everything in a node that is not supported.
    pub(super) fn problems(&self, node: &Node) -> Vec<String> {
        let version = node.version;
        if version < self.since {
            return vec![format!(
                "operator set {version} has an older version of it, expected set {} or later; \
                 convert the file with onnx.version_converter",
                self.since
            )];
        }
        let existing = || self.attributes.iter().filter(|attribute| attribute.is_in(version));
        let unknown = node.attributes.keys().filter(|name| !existing().any(|attribute| attribute.name == *name));
        let names: Vec<&str> = existing().map(|attribute| attribute.name).collect();
        let mut problems: Vec<String> = unknown
            .map(|name| match &names[..] {
                [] => format!("unknown attribute {name}; it has none in operator set {version}"),
                names => {
                    format!("unknown attribute {name}; available in operator set {version}: {}", names.join(", "))
                }
            })
            .collect();
        problems.extend(existing().filter_map(|attribute| attribute.problem(node)));
        problems.extend(node.attributes.iter().filter_map(|(name, value)| match value {
            Value::Unreadable(problem) => Some(format!("attribute {name}: {problem}")),
            _ => None,
        }));
        problems
    }
}

impl Attribute {
    fn problem(&self, node: &Node) -> Option<String> {
        let (name, found) = (self.name, node.attributes.get(self.name));
        match (self.effect, found) {
            (Effect::Only(expected, _, _), Some(Value::Integer(value))) if *value == expected => None,
            (Effect::Only(expected, _, remedy), Some(Value::Integer(value))) => {
                Some(format!("attribute {name} is {value}, expected {expected}; {remedy}"))
            }
            (Effect::Only(..), Some(_)) => Some(format!("attribute {name} must be an integer")),
            (Effect::Only(expected, default, remedy), None) if expected != default => {
                Some(format!("attribute {name} is missing and defaults to {default}, expected {expected}; {remedy}"))
            }
            (Effect::Rejected, Some(_)) => Some(format!("attribute {name} is not supported")),
            _ => None,
        }
    }
}
