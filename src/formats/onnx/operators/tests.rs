//! Comparison of the declared attributes with the schemas of ONNX, which `tests/onnx/attributes.py` writes.

use super::attributes::{Effect, Operator};
use super::{all, problems, scikit_learn};
use crate::formats::onnx::node::{Attribute, Node};
use crate::formats::onnx::versions::OPERATOR_SETS;
use std::collections::{BTreeMap, BTreeSet};

const SCHEMAS: &str = include_str!(concat!(env!("CARGO_MANIFEST_DIR"), "/tests/onnx/attributes.txt"));
const DOCUMENT: &str = include_str!(concat!(env!("CARGO_MANIFEST_DIR"), "/docs/onnx.md"));

/// The schema versions of each operator: the first operator set and the attributes.
fn schemas() -> BTreeMap<(&'static str, &'static str), BTreeMap<i64, BTreeSet<&'static str>>> {
    let mut schemas = BTreeMap::<_, BTreeMap<_, _>>::new();
    for line in SCHEMAS.lines() {
        let columns: Vec<&str> = line.split('\t').collect();
        let [domain, operator, since, attributes] = columns[..] else { panic!("{line}") };
        let attributes = attributes.split_whitespace().collect();
        schemas.entry((domain, operator)).or_default().insert(since.parse().unwrap(), attributes);
    }
    schemas
}

fn operators() -> Vec<(&'static str, &'static Operator)> {
    let own = all().map(|operator| ("", operator));
    own.chain(scikit_learn::OPERATORS.iter().map(|operator| (scikit_learn::DOMAIN, operator))).collect()
}

fn node(domain: &str, operator: &str, version: i64) -> Node {
    Node {
        name: String::new(),
        operator: operator.into(),
        domain: domain.into(),
        version,
        inputs: Vec::new(),
        outputs: vec!["y".into()],
        attributes: BTreeMap::new(),
    }
}

#[test]
fn every_operator_has_the_attributes_of_its_schema_in_every_operator_set() {
    let schemas = schemas();
    for (domain, operator) in operators() {
        let versions = &schemas[&(domain, operator.name)];
        let newest = OPERATOR_SETS.iter().find(|(known, _)| *known == domain).unwrap().1;
        let first = *versions.keys().next().unwrap();
        assert!(operator.since >= first, "{} does not exist before operator set {first}", operator.name);
        for version in operator.since..=newest {
            let (_, expected) = versions.range(..=version).next_back().unwrap();
            let declared: BTreeSet<&str> =
                operator.attributes.iter().filter(|known| known.is_in(version)).map(|known| known.name).collect();
            assert_eq!(declared, *expected, "{} in operator set {version}", operator.name);
        }
    }
}

#[test]
fn unknown_attributes_are_rejected_by_name() {
    for (domain, operator) in operators() {
        let newest = OPERATOR_SETS.iter().find(|(known, _)| *known == domain).unwrap().1;
        for version in operator.since..=newest {
            let misspelled = node(domain, operator.name, version).with("misspelled", Attribute::Integer(0));
            let message = problems(&misspelled).join("; ");
            assert!(message.contains("unknown attribute misspelled"), "{}: {message}", operator.name);
        }
        // An attribute of older sets is unknown in the newest one.
        for old in operator.attributes.iter().filter(|attribute| !attribute.is_in(newest)) {
            let outdated = node(domain, operator.name, newest).with(old.name, Attribute::Integer(0));
            let message = problems(&outdated).join("; ");
            assert!(message.contains(&format!("unknown attribute {}", old.name)), "{}: {message}", operator.name);
        }
    }
}

#[test]
fn older_versions_are_rejected_with_the_remedy() {
    let message = |operator: &str, version| problems(&node("", operator, version)).join("; ");
    for (domain, operator) in operators().into_iter().filter(|(_, operator)| operator.since > 1) {
        let message = problems(&node(domain, operator.name, operator.since - 1)).join("; ");
        let end = format!("expected set {} or later; convert the file with onnx.version_converter", operator.since);
        assert!(message.ends_with(&end), "{}: {message}", operator.name);
    }
    let dropout = "attribute is_test is missing and defaults to 0, expected 1; export the model for inference";
    assert_eq!(message("Dropout", 6), dropout);
    assert_eq!(message("Dropout", 7), "");
    assert_eq!(message("BatchNormalization", 6), dropout);
    let training = node("", "BatchNormalization", 15).with("training_mode", Attribute::Integer(1));
    let expected = "attribute training_mode is 1, expected 0; export the model for inference";
    assert_eq!(problems(&training).join("; "), expected);
}

#[test]
fn attributes_without_effect_are_documented() {
    let mut rows = BTreeSet::new();
    for (_, operator) in operators() {
        for attribute in operator.attributes {
            match attribute.effect {
                Effect::None(reason) if attribute.name == "consumed_inputs" => {
                    rows.insert(format!("| `{}` | many, before operator set 6 | {reason} |", attribute.name))
                }
                Effect::None(reason) => {
                    rows.insert(format!("| `{}` | `{}` | {reason} |", attribute.name, operator.name))
                }
                Effect::Training => {
                    rows.insert(format!("| `{}` | `{}` | it affects only training |", attribute.name, operator.name))
                }
                Effect::Read | Effect::Only(..) | Effect::Rejected => false,
            };
        }
    }
    let missing: Vec<&String> = rows.iter().filter(|row| !DOCUMENT.contains(&***row)).collect();
    assert!(
        missing.is_empty(),
        "docs/onnx.md has no rows\n{}",
        missing.into_iter().map(|row| format!("{row}\n")).collect::<String>()
    );
}
