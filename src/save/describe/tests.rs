//! Tests of descriptions in JSON.

use super::*;
use crate::architecture::ValueInfo;
use crate::architecture::{Call, Output};
use crate::optimizers::Optimizer;
use crate::registry::Part;
use crate::save::Registry;
use crate::shape::Shape;

fn description(spec: Spec, connections: Connections, trained_outputs: Vec<TrainedOutputSpec>) -> Description {
    let layers = vec![("name".into(), spec.clone())];
    let training = TrainingSpec {
        optimizer: spec,
        trained_outputs,
        key: Key::from_seed(9),
        epoch: 2,
        step: u64::MAX,
        learning_rate: Some(0.1),
        shards: 4,
    };
    Description { connections, layers, training: Some(training), preprocessing: Vec::new() }
}

#[test]
fn optimizers_have_their_names_in_code() {
    for (class, _) in <dyn Optimizer>::built_in() {
        let spec = Spec::new(class).with("learning_rate", 0.5f32);
        let debug = format!("{:?}", Registry::new().make_optimizer(&spec).unwrap());
        let name = debug.split([' ', '(']).next().unwrap();
        assert_eq!(in_code(&spec), format!("{name}(learning_rate=0.5)"));
    }
}

fn trained(output: usize, weight: f32, metrics: Vec<Spec>) -> TrainedOutputSpec {
    let weighted_metrics = metrics.iter().skip(1).cloned().collect();
    TrainedOutputSpec { output, loss: Spec::new("Loss").with("from_logits", true), weight, metrics, weighted_metrics }
}

#[test]
fn every_kind_of_setting_round_trips() {
    // In alphabetical order, as JSON objects are read.
    let spec = Spec::new("Part").with("a", 3).with("b", &[1, 2][..]).with("c", 0.1f32).with("d", 1.0f32);
    let spec = spec.with("e", "word").with("f", false).with("g", Spec::new("Inner").with("x", f32::MIN_POSITIVE));
    let spec = spec.with("h", &[f32::NEG_INFINITY, 1.0f32, 0.1][..]).with("i", &[0usize; 0][..]);
    let spec = spec.with("j", SpecValue::axis(-1)).with("k", &[f32::INFINITY, f32::NEG_INFINITY][..]);
    let spec = spec.with("l", SpecValue::Strs(vec!["Inf".into(), "nan".into()]));
    let chain = Connections::chain(Shape::from([2, 3]), 1);
    let description = description(spec.clone(), chain, vec![trained(0, 1.0, vec![spec])]);
    assert_eq!(Description::from_json(&description.to_json()), Some(description));
}

#[test]
fn connections_round_trip() {
    let part = || Spec::new("Part");
    let connections = Connections {
        chain: false,
        inputs: vec![ValueInfo::new("a", Shape::from([2, 3])), ValueInfo::new("b", Shape::SCALAR)],
        calls: vec![Call { values: 2, ..Call::new(0, vec![0, 1]) }, Call::new(0, vec![2])],
        outputs: vec![Output::new("y", 3), Output::new("z", 2)],
    };
    let trained_outputs = vec![trained(0, 0.5, vec![part(), part()]), trained(1, 1.0, vec![])];
    let graph = description(part(), connections, trained_outputs);
    assert_eq!(Description::from_json(&graph.to_json()), Some(graph));
    let weighted = description(part(), Connections::chain(Shape::from([4]), 1), vec![trained(0, 0.25, vec![])]);
    assert_eq!(Description::from_json(&weighted.to_json()), Some(weighted));
}

#[test]
fn numbers_have_their_shortest_decimal_form() {
    let text = |number| number_to_json(number).to_string();
    assert_eq!([0.1, 1.0, -0.0, 1e-7].map(text), ["0.1", "1.0", "-0.0", "1e-7"]);
    assert_eq!(text(f32::NEG_INFINITY), "\"-inf\"");
    for bits in (0..u32::MAX).step_by(1_000_003) {
        let number = f32::from_bits(bits);
        if number.is_finite() {
            let read = value_from_json(&serde_json::from_str(&text(number)).unwrap());
            assert_eq!(read, Some(SpecValue::Float(number)));
        }
    }
}

#[test]
fn invalid_descriptions_are_none() {
    let chain = Connections::chain(Shape::from([2, 3]), 1);
    let whole = description(Spec::new("Part"), chain, vec![trained(0, 1.0, vec![])]).to_json();
    for wrong in ["", "7", "{}", &whole.replace("\"key\":\"09", "\"key\":\"x"), &whole.replace("[2,3]", "[2,-3]")] {
        assert_eq!(Description::from_json(wrong), None, "{wrong}");
    }
}
