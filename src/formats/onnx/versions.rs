//! Which versions of the format and of the operators are understood, and which are written.

use super::operators::foreign;
use super::proto;
use std::collections::BTreeMap;

/// The newest version of the format, of ONNX 1.22.
const FORMAT: i64 = 13;

/// The newest operator sets of ONNX 1.22, by domain.
pub(super) const OPERATOR_SETS: [(&str, i64); 2] = [("", 27), (foreign::DOMAIN, 5)];

/// The version of ONNX' operators that is written.
pub(super) const OPSET: i64 = 20;

/// The version of the file format that goes with it.
pub(super) const IR_VERSION: i64 = 9;

/// The operator set that a file asks for, by domain; that of ONNX' own operators has no name.
pub(super) fn read(model: &proto::Model) -> Result<BTreeMap<String, i64>, String> {
    let (format, mut problems) = (model.ir_version.unwrap_or_default(), Vec::new());
    if format > FORMAT {
        problems.push(format!("it is of version {format} of the format, and versions to {FORMAT} are understood"));
    }
    let mut versions = BTreeMap::new();
    for set in &model.opset_import {
        let domain = set.domain.as_deref().filter(|domain| *domain != "ai.onnx").unwrap_or_default();
        let version = set.version.unwrap_or_default();
        let newest = OPERATOR_SETS.iter().find(|(known, _)| *known == domain).map(|(_, newest)| *newest);
        if let Some(newest) = newest.filter(|newest| !(1..=*newest).contains(&version)) {
            let name = if domain.is_empty() { "ai.onnx" } else { domain };
            problems
                .push(format!("it asks for operator set {version} of {name}, and sets 1 to {newest} are understood"));
        }
        if versions.insert(domain.to_owned(), version).is_some_and(|other| other != version) {
            problems.push(format!("it asks for two operator sets of \"{domain}\""));
        }
    }
    // Before version 3 of the format there was one operator set.
    if format >= 3 && !versions.contains_key("") && !versions.contains_key(foreign::DOMAIN) {
        problems.push("it does not say which operator set it needs".into());
    }
    match problems.is_empty() {
        true => Ok(versions),
        false => Err(format!("{}; convert it with onnx.version_converter, or export it again", problems.join("; "))),
    }
}
