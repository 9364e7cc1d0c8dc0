//! Supported versions of the file format and of the operator sets.

use super::operators::scikit_learn;
use super::proto;
use std::collections::BTreeMap;

/// The newest supported version of the format, of ONNX 1.22.
const MAX_IR_VERSION: i64 = 13;

/// The newest supported operator set of each domain, of ONNX 1.22.
pub(super) const OPERATOR_SETS: [(&str, i64); 2] = [("", 27), (scikit_learn::DOMAIN, 5)];

/// The operator set of exported files.
pub(super) const OPSET: i64 = 20;

/// The format version of files with operator set [`OPSET`] or later: the oldest in which the set exists.
pub(super) fn ir_version(opset: i64) -> i64 {
    match opset {
        ..=20 => 9,
        21..=22 => 10,
        23 => 11,
        24 => 12,
        _ => MAX_IR_VERSION,
    }
}

/// Reads the operator sets of a file by domain. The default domain has an empty name.
pub(super) fn read(model: &proto::Model) -> Result<BTreeMap<String, i64>, String> {
    let (format, mut problems) = (model.ir_version.unwrap_or_default(), Vec::new());
    if format > MAX_IR_VERSION {
        problems.push(format!("its format version is {format}, expected at most {MAX_IR_VERSION}"));
    }
    let mut versions = BTreeMap::new();
    for set in &model.opset_import {
        let domain = set.domain.as_deref().filter(|domain| *domain != "ai.onnx").unwrap_or_default();
        let version = set.version.unwrap_or_default();
        let newest = OPERATOR_SETS.iter().find(|(known, _)| *known == domain).map(|(_, newest)| *newest);
        if let Some(newest) = newest.filter(|newest| !(1..=*newest).contains(&version)) {
            let name = if domain.is_empty() { "ai.onnx" } else { domain };
            problems.push(format!("it needs operator set {version} of {name}, supported are 1 to {newest}"));
        }
        if versions.insert(domain.to_owned(), version).is_some_and(|other| other != version) {
            problems.push(format!("it needs two operator sets of \"{domain}\""));
        }
    }
    // Before version 3 of the format, only operator set 1 existed.
    if format >= 3 && !versions.contains_key("") && !versions.contains_key(scikit_learn::DOMAIN) {
        problems.push("its operator set is missing".into());
    }
    match problems.is_empty() {
        true => Ok(versions),
        false => Err(format!("{}; convert it with onnx.version_converter, or export it again", problems.join("; "))),
    }
}
