//! What a model says of layers that do not fit, walked over the list of layers.

use super::network::Network;
use crate::architecture::ValueInfo;
use crate::error::{Error, Result};
use crate::known::BUILT_IN;
use crate::layers::{Layer, Source, samples};
use crate::save::{Call, Output, Wiring};
use crate::{Key, Shape, Spec, tape::Params};
use std::sync::Arc;

/// A layer of the library, from its spec.
fn made_from(spec: &Spec) -> Result<Box<dyn Layer>> {
    BUILT_IN.make(spec)
}

/// Builds a model of one such layer, and records it.
fn build(layer: &dyn Layer, inputs: &[Shape]) -> Result<()> {
    let count = inputs.len();
    let wiring = Wiring {
        chain: false,
        inputs: inputs
            .iter()
            .enumerate()
            .map(|(number, shape)| ValueInfo::new(format!("input_{number}"), *shape))
            .collect(),
        calls: vec![Call { layer: 0, inputs: (0..count).collect() }],
        outputs: vec![Output::new("y", count)],
    };
    let (layers, mut params) = (vec![(None, Arc::from(made_from(&layer.spec())?))], Params::new());
    let network = Network::build(wiring, layers, &mut params, Source::Init(Key::from_seed(1)))?;
    network.check_recording(&params)
}

/// Checks that what a layer does not take is refused by the layer's name, with the shapes that were found. Too many axes may
/// show only where operations are recorded, for a batch; then the name is followed by the operation's.
fn check_refusal(layer: &dyn Layer, inputs: &[Shape], error: &Error) {
    let text = format!("{layer:?} on {inputs:?}: {error}");
    let Error::Shape { place, found, .. } = error else { panic!("{text}") };
    let name = layer.spec().snake_case();
    let recording = place.starts_with(&format!("{name}: ")) && found[0] == inputs[0].batch(1).unwrap();
    assert!(recording || (*place == format!("layer 1 ({name})") && found == inputs), "{text}");
    assert!(found.iter().all(|shape| error.to_string().contains(&shape.to_string())), "{text}");
}

#[test]
fn another_number_of_inputs_is_refused_by_name() {
    for sample in samples().into_iter().flat_map(|(_, samples)| samples) {
        // What merges branches takes any number from two on.
        let wrong = if let [shape] = sample.inputs[..] { vec![shape; 2] } else { vec![sample.inputs[0]] };
        check_refusal(sample.layer.as_ref(), &wrong, &build(sample.layer.as_ref(), &wrong).unwrap_err());
    }
}

/// Samples of every number of axes that leaves room for the batch's, with odd sizes and with axes of one.
const SHAPES: [&[usize]; 12] = [
    &[],
    &[1],
    &[7],
    &[1, 1],
    &[3, 5],
    &[1, 1, 1],
    &[4, 1, 3],
    &[5, 5, 2],
    &[7, 4, 1],
    &[1, 2, 1, 2],
    &[3, 1, 2, 1],
    &[1, 3, 1, 2, 1],
];

/// Layers that take inputs of any shape.
const TAKE_ANY_SHAPE: [&str; 4] = ["dropout", "elu", "flatten", "leaky_relu"];

/// Nothing panics: with what a layer takes it trains a step, and what it does not take is refused by its name.
#[test]
fn shapes_that_do_not_fit_are_refused_by_name() {
    let mut never = Vec::new();
    for (file, samples) in samples() {
        let mut refused = 0;
        for sample in samples {
            let layer = sample.layer.as_ref();
            for shape in SHAPES.map(|sizes| Shape::new(sizes).unwrap()) {
                let mut inputs = sample.inputs.clone();
                inputs[0] = shape;
                if let Err(error) = build(layer, &inputs) {
                    check_refusal(layer, &inputs, &error);
                    refused += 1;
                    continue;
                }
                let steps = sample.on(&inputs, made_from).steps();
                steps.and_then(|mut step| step()).unwrap_or_else(|error| panic!("{layer:?} on {inputs:?}: {error}"));
            }
        }
        if refused == 0 {
            never.push(file);
        }
    }
    assert_eq!(never, TAKE_ANY_SHAPE);
}
