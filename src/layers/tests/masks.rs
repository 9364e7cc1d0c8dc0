//! Comparison of layers on inputs with masks with those of Keras (`tests/golden/make_masks.py`).

use super::{Any, Sample, samples};
use crate::architecture::Architecture;
use crate::error::Result;
use crate::golden::{Cases, assert_close, load};
use crate::layers::*;
use crate::shape::Shape;
use crate::tape::{Mode, ParamGradients, Recorder, Var};
use crate::{Graph, Key, Spec, SpecValue};
use ndarray::ArrayD;

/// Maximum difference from the values of Keras, relative to the largest value of the array or 1.
const NEAR: f32 = 1e-5;

/// What each layer of Keras does with a mask.
const LAYERS: &str = include_str!("../../../tests/golden/masks_of_layers.txt");

/// The layer of a case, whose name may end in a dash and a suffix.
fn layer(case: &str) -> Box<dyn Layer> {
    match case {
        "activation-relu" => Box::new(Activation::Relu),
        "add" | "add-1" | "add-2" => Box::new(Add),
        "average" => Box::new(Average),
        "batch_norm" => Box::new(BatchNorm::new().momentum(0.9)),
        "batch_norm-padding" | "batch_norm-inference" => Box::new(BatchNorm::new()),
        "concatenate" | "concatenate-2" => Box::new(Concatenate::new()),
        "concatenate-1" => Box::new(Concatenate::new().axis(1)),
        "dense" => Box::new(Dense::new(2).activation(Activation::Tanh)),
        "embedding-mask_zero" | "embedding-fractions" => Box::new(Embedding::new(5, 3).mask_zero(true)),
        "flatten" => Box::new(Flatten),
        "global_average_pool1d" => Box::new(GlobalAveragePool1d::new()),
        "global_max_pool1d" => Box::new(GlobalMaxPool1d::new()),
        "layer_norm" => Box::new(LayerNorm::new()),
        "masking" => Box::new(Masking::new(-1.5)),
        "masking-1" => Box::new(Masking::new(0.0)),
        "masking-2" => Box::new(Masking::new(1.0)),
        "maximum" | "maximum-1" | "maximum-2" | "maximum-3" => Box::new(Maximum),
        "minimum" | "minimum-1" | "minimum-2" | "minimum-3" => Box::new(Minimum),
        "multiply" | "multiply-1" | "multiply-2" | "multiply-3" => Box::new(Multiply),
        "softmax" => Box::new(Softmax::new()),
        "softmax-1" => Box::new(Softmax::new().axis(1)),
        "subtract" => Box::new(Subtract),
        other => panic!("{other} is not compared"),
    }
}

/// A network of this layer alone.
fn network(layer: Box<dyn Layer>, inputs: &[Shape]) -> Architecture {
    let mut graph = Graph::new();
    let names = (0..inputs.len()).map(|number| format!("input_{number}"));
    let nodes: Vec<_> = names.zip(inputs).map(|(name, shape)| graph.input(name, *shape)).collect();
    let node = graph.apply(Any(layer), nodes);
    graph.output("y", node);
    graph.architecture(0).unwrap()
}

/// The arrays of a case whose names are this prefix, optionally followed by a digit.
fn numbered<'a>(cases: &'a Cases, case: &str, prefix: &str) -> Vec<(String, &'a ArrayD<f32>)> {
    let names = std::iter::once(prefix.to_owned()).chain((0..9).map(|number| format!("{prefix}{number}")));
    let found = names.filter(|name| cases.contains(&format!("{case}/{name}")));
    found.map(|name| (name.clone(), cases.array(&format!("{case}/{name}")))).collect()
}

#[test]
fn values_gradients_and_masks_are_those_of_keras() {
    let cases = load("masks.txt");
    for case in cases.cases() {
        match case {
            "batch_norm" | "batch_norm-padding" => check(&cases, case, Mode::Training),
            "batch_norm-inference" => check(&cases, case, Mode::Inference),
            _ => [Mode::Training, Mode::Inference].into_iter().for_each(|mode| check(&cases, case, mode)),
        }
    }
}

fn check(cases: &Cases, case: &str, mode: Mode) {
    let golden = |name: &str| cases.array(&format!("{case}/{name}"));
    let (inputs, weights) = (numbered(cases, case, "x"), numbered(cases, case, "w"));
    let shape = |array: &ArrayD<f32>| Shape::new(array.shape()).unwrap();
    let samples: Vec<Shape> = inputs.iter().map(|(_, values)| shape(values).sample()).collect();
    let mut network = network(layer(case), &samples);
    let ids: Vec<_> = network.params().ids().filter(|id| network.params().trainable(*id)).collect();
    assert_eq!(ids.len(), weights.len(), "{case}");
    ids.iter().zip(&weights).for_each(|(id, (_, values))| network.params_mut().get_mut(*id).assign(values));

    let recorder = Recorder::new(mode);
    let masks: Vec<_> = inputs
        .iter()
        .map(|(name, _)| Some(format!("{case}/{}", name.replace('x', "m"))).filter(|name| cases.contains(name)))
        .map(|name| name.map(|name| (recorder.input(shape(cases.array(&name))), cases.array(&name))))
        .collect();
    let given: Vec<Var<'_>> = inputs.iter().map(|(_, values)| recorder.variable(shape(values))).collect();
    let masked: Vec<Var<'_>> =
        given.iter().zip(&masks).map(|(x, mask)| mask.map_or(*x, |(mask, _)| x.with_mask(mask))).collect();
    let y = network.record(&recorder, &masked).unwrap()[0];
    let r = recorder.input(y.shape());
    recorder.minimize((y * r).sum());
    let given: Vec<_> = given.iter().map(Var::id).collect();
    let masks: Vec<_> = masks.into_iter().flatten().map(|(mask, values)| (mask.id(), values)).collect();
    let (mask, y, r) = (y.mask().map(|mask| mask.id()), y.id(), r.id());
    let mut tape = recorder.finish().unwrap();
    given.iter().zip(&inputs).for_each(|(id, (_, values))| tape.input_mut(*id).assign(values));
    masks.iter().for_each(|(id, values)| tape.input_mut(*id).assign(values));
    tape.input_mut(r).assign(golden("r"));
    tape.run(network.params(), Key::from_seed(0)).unwrap();
    assert_close(&format!("{case}/y"), tape.value(y), golden("y").view(), NEAR);
    assert_eq!(mask.is_some(), cases.contains(&format!("{case}/mask")), "{case}: mask of the output");
    if let Some(mask) = mask {
        assert_eq!(tape.value(mask), golden("mask").view(), "{case}: mask of the output");
    }
    let mut gradients = ParamGradients::new(network.params());
    tape.backward(network.params(), &mut gradients);
    // Indices have no gradient in the file.
    for (id, (name, _)) in given.iter().zip(&inputs).filter(|_| !case.starts_with("embedding")) {
        let found = tape.gradient(*id).unwrap_or_else(|| panic!("{case}: no gradient of {name}"));
        assert_close(&format!("{case}/d{name}"), found, golden(&format!("d{name}")).view(), NEAR);
    }
    for (id, (name, _)) in ids.iter().zip(&weights) {
        let found = gradients.get(*id).unwrap();
        assert_close(&format!("{case}/d{name}"), found, golden(&format!("d{name}")).view(), NEAR);
    }
    if mode == Mode::Training && case.starts_with("batch_norm") {
        tape.commit(network.params_mut());
        for name in ["mean", "variance"] {
            let id = network.params().id(&format!("batch_normalization/moving_{name}")).unwrap();
            assert_close(&format!("{case}/{name}"), network.params().get(id), golden(name).view(), NEAR);
        }
    }
}

/// What a layer does with the masks of its inputs, by the values of the masks.
fn behaviour(sample: Sample) -> Result<&'static str> {
    let class = sample.layer.spec().class().to_owned();
    let shapes: Vec<Shape> = sample.inputs.iter().map(|shape| shape.batch(3).unwrap()).collect();
    let network = network(sample.layer, &sample.inputs);
    let recorder = Recorder::new(Mode::Inference);
    let inputs: Vec<Var<'_>> = shapes.iter().map(|shape| recorder.input(*shape)).collect();
    let axes = |shape: &Shape| match &*class {
        "Softmax" => shape.rank(),
        "ConvLSTM2D" | "TimeDistributed" => 2, // rows and steps; the inner layer may change the other axes
        _ => shape.rank().saturating_sub(1).max(1),
    };
    let mask_shape = |shape: &Shape| Shape::new(&shape.sizes()[..axes(shape)]).unwrap();
    let masks: Vec<Var<'_>> = shapes.iter().map(|shape| recorder.input(mask_shape(shape))).collect();
    let masked: Vec<Var<'_>> = inputs.iter().zip(&masks).map(|(x, mask)| x.with_mask(*mask)).collect();
    let mask = network.record(&recorder, &masked)?[0].mask().map(|mask| mask.id());
    let masks: Vec<_> = masks.iter().map(Var::id).collect();
    let mut tape = recorder.finish()?;
    let Some(mask) = mask else { return Ok("ends") };
    for (number, id) in masks.iter().enumerate() {
        let valid = |at: usize| f32::from(u8::from(!(7 * at + 2 * number).is_multiple_of(3)));
        tape.input_slices([*id])[0].iter_mut().enumerate().for_each(|(at, value)| *value = valid(at));
    }
    tape.run(network.params(), Key::from_seed(0)).unwrap();
    Ok(if tape.value(mask) == tape.value(masks[0]) { "passes" } else { "sets" })
}

/// Whether an option of the layer, or of a layer inside it, is true.
fn is_set(spec: &Spec, option: &str) -> bool {
    spec.settings().iter().any(|(name, value)| match value {
        SpecValue::Bool(value) => *value && name == option,
        SpecValue::Nested(inner) => is_set(inner, option),
        _ => false,
    })
}

#[test]
fn every_layer_does_with_masks_what_that_of_keras_does() {
    let listed: Vec<(&str, &str)> =
        LAYERS.lines().filter(|line| !line.starts_with('#')).filter_map(|line| line.split_once('\t')).collect();
    let mut problems = Vec::new();
    for (file, samples) in samples() {
        for sample in samples {
            let spec = sample.layer.spec();
            let declared = Declared::of(sample.layer.as_ref(), "layer", &sample.inputs).unwrap();
            if declared.outputs().len() > 1 {
                continue; // Keras' mask is that of the first output, which other samples have alone.
            }
            let class = match ["mask_zero", "return_sequences"].into_iter().find(|option| is_set(&spec, option)) {
                Some(option) if spec.class() != "TimeDistributed" => format!("{}({option}=True)", spec.class()),
                _ => spec.class().to_owned(),
            };
            // The layer within a `SpectralNormalization` decides.
            let inner = spec.settings().iter().find_map(|(_, value)| match value {
                SpecValue::Nested(inner) if spec.class() == "SpectralNormalization" => Some(inner.class().to_owned()),
                _ => None,
            });
            let class = inner.unwrap_or(class);
            let expected = listed.iter().find(|(listed, _)| *listed == class);
            let (_, expected) = expected.unwrap_or_else(|| panic!("{file}: make_masks.py does not list {class}"));
            let found = behaviour(sample);
            // A mask has no axis of channels, so statistics of channels along one of its axes are rejected.
            let rejected = "the axis of the channels must be the last one";
            match found {
                Err(error) if spec.class() == "BatchNormalization" && error.to_string().contains(rejected) => {}
                Ok(found) if found == *expected => {}
                found => problems.push(format!("{spec}: found {found:?}, expected {expected}")),
            }
        }
    }
    assert!(problems.is_empty(), "{}", problems.join("\n"));
}

#[test]
fn the_mean_of_no_valid_step_is_nan_as_in_keras() {
    let network = crate::Sequential::new([2, 1]).add(Masking::new(0.0)).add(GlobalAveragePool1d::new());
    let model = network.architecture(0).unwrap().into_model().unwrap();
    let y = model.predict(&ndarray::arr3(&[[[0.0f32], [0.0]], [[3.0], [0.0]]])).unwrap();
    assert!(y[[0, 0]].is_nan() && y[[1, 0]] == 3.0);
}

#[test]
fn softmax_rejects_a_mask_of_other_axes() {
    let network = crate::Sequential::new([2, 3]).add(Masking::new(0.0)).add(Softmax::new());
    let message = network.architecture(0).unwrap_err().to_string();
    assert_eq!(
        message,
        "softmax: found shape 1 × 2, expected a mask of 1 × 2 × 3, the shape of the input; Activation::Softmax accepts any mask"
    );
}
