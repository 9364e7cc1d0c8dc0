//! The specs of all samples in `tests/golden/layer_specs.txt`, from which the fuzz target `architectures` makes networks.
//! `GRADUS_GOLDEN=write cargo test --lib layer_specs` rewrites the file.

use super::samples;
use crate::spec::{Spec, SpecValue};
use serde_json::{Map, Value, json};
use std::path::Path;

fn value_to_json(value: &SpecValue) -> Value {
    match value {
        SpecValue::Bool(value) => json!(value),
        SpecValue::UInt(value) => json!(value),
        SpecValue::Int(value) => json!(value),
        SpecValue::UInts(values) => json!(values),
        SpecValue::Ints(values) => json!(values),
        SpecValue::Float(value) => json!(value),
        SpecValue::Floats(values) => json!(values),
        SpecValue::Str(value) => json!(value),
        SpecValue::Strs(values) => json!(values),
        SpecValue::Nested(spec) => spec_to_json(spec),
    }
}

fn spec_to_json(spec: &Spec) -> Value {
    let settings = spec.settings().iter().map(|(name, value)| (name.to_string(), value_to_json(value)));
    json!({"class": spec.class(), "settings": settings.collect::<Map<_, _>>()})
}

#[test]
fn the_layer_specs_are_those_of_all_samples() {
    let mut found = String::new();
    for sample in samples().iter().flat_map(|(_, samples)| samples) {
        let mut line = spec_to_json(&sample.layer.spec());
        line["inputs"] = sample.inputs.iter().map(|shape| shape.sizes()).collect();
        found.push_str(&format!("{line}\n"));
    }
    let path = Path::new(env!("CARGO_MANIFEST_DIR")).join("tests/golden/layer_specs.txt");
    if std::env::var("GRADUS_GOLDEN").is_ok_and(|word| word == "write") {
        std::fs::write(&path, &found).unwrap();
    }
    let expected = std::fs::read_to_string(&path).unwrap().replace("\r\n", "\n");
    assert!(found == expected, "the samples changed; GRADUS_GOLDEN=write cargo test --lib layer_specs writes the file");
}
