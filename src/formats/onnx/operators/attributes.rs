//! Which attributes the nodes of an operator may have, and in which operator sets.
//!
//! Every attribute of ONNX' schemas is declared beside the operator that has it, with the operator sets in which it exists.
//! Any other is refused by name, so that none goes unread.

use crate::formats::onnx::node::{Attribute as Value, Node};

/// An operator, and what its nodes may say.
#[derive(Clone, Copy, Debug)]
pub(in crate::formats::onnx) struct Operator {
    pub(in crate::formats::onnx) name: &'static str,
    /// The first operator set whose form of it is understood.
    pub(in crate::formats::onnx) since: i64,
    pub(in crate::formats::onnx) attributes: &'static [Attribute],
}

/// An attribute of an operator.
#[derive(Clone, Copy, Debug)]
pub(in crate::formats::onnx) struct Attribute {
    pub(in crate::formats::onnx) name: &'static str,
    /// The operator sets in which it exists: the first, and the last.
    pub(in crate::formats::onnx) sets: [i64; 2],
    pub(in crate::formats::onnx) effect: Effect,
}

/// What an attribute does here.
#[derive(Clone, Copy, Debug)]
pub(in crate::formats::onnx) enum Effect {
    /// It is read where the operator is recorded.
    Read,
    /// It is read, and concerns training alone.
    Training,
    /// Results do not depend on it, for this reason.
    #[cfg_attr(not(test), expect(dead_code, reason = "a test compares the reasons with docs/onnx.md"))]
    None(&'static str),
    /// Only the first of these values is supported; without the attribute it has the second.
    Only(i64, i64, &'static str),
    /// It is not supported.
    Refused,
}

/// Of an operator that is understood from this operator set on.
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

/// An attribute that is read.
pub(in crate::formats::onnx) const fn read(name: &'static str) -> Attribute {
    attribute(name, Effect::Read)
}

/// An attribute that matters in training alone.
pub(super) const fn training(name: &'static str) -> Attribute {
    attribute(name, Effect::Training)
}

/// An attribute that results do not depend on, for this reason.
pub(in crate::formats::onnx) const fn ignored(name: &'static str, reason: &'static str) -> Attribute {
    attribute(name, Effect::None(reason))
}

/// An attribute with one supported value, its default, and what to do about another one.
pub(super) const fn only(name: &'static str, value: i64, default: i64, remedy: &'static str) -> Attribute {
    attribute(name, Effect::Only(value, default, remedy))
}

/// An attribute that is not supported.
pub(super) const fn refused(name: &'static str) -> Attribute {
    attribute(name, Effect::Refused)
}

/// What the first operator sets let an operator overwrite.
pub(super) const CONSUMED: Attribute = ignored("consumed_inputs", "it says which memory may be overwritten").until(5);

impl Attribute {
    /// The first operator set in which it exists.
    pub(super) const fn since(mut self, first: i64) -> Attribute {
        self.sets[0] = first;
        self
    }

    /// The last operator set in which it exists.
    pub(super) const fn until(mut self, last: i64) -> Attribute {
        self.sets[1] = last;
        self
    }

    /// Whether it exists in an operator set.
    pub(in crate::formats::onnx) fn is_in(&self, version: i64) -> bool {
        (self.sets[0]..=self.sets[1]).contains(&version)
    }
}

impl Operator {
    /// What a node says that is not supported.
    pub(super) fn problems(&self, node: &Node) -> Vec<String> {
        let version = node.version;
        if version < self.since {
            return vec![format!(
                "operator set {version} has an older form of it, and that of set {} is expected; \
                 convert the file with onnx.version_converter",
                self.since
            )];
        }
        let existing = || self.attributes.iter().filter(|attribute| attribute.is_in(version));
        let unknown = node.attributes.keys().filter(|name| !existing().any(|attribute| attribute.name == *name));
        let names: Vec<&str> = existing().map(|attribute| attribute.name).collect();
        let mut problems: Vec<String> = unknown
            .map(|name| match &names[..] {
                [] => format!("attribute {name} is not known; it has none in operator set {version}"),
                names => {
                    format!("attribute {name} is not known; in operator set {version} it has {}", names.join(", "))
                }
            })
            .collect();
        problems.extend(existing().filter_map(|attribute| attribute.problem(node)));
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
            (Effect::Only(..), Some(_)) => Some(format!("attribute {name} is not a whole number")),
            (Effect::Only(expected, default, remedy), None) if expected != default => {
                Some(format!("attribute {name} is {default}, as it is left out, expected {expected}; {remedy}"))
            }
            (Effect::Refused, Some(_)) => Some(format!("attribute {name} is not supported")),
            _ => None,
        }
    }
}
