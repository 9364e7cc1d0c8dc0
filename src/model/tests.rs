//! Tests of all layers of the list: unsuitable inputs and settings are errors of the model, not panics.

use super::{Compile, Graph, Node};
use crate::data::NamedArrays;
use crate::error::{Error, Result};
use crate::layers::{Cursor, Declared, Layer, Weights, samples};
use crate::losses::MeanSquaredError;
use crate::optimizers::Sgd;
use crate::registry::BUILT_IN;
use crate::spec::SpecValue;
use crate::tape::Var;
use crate::{Architecture, SampleShape, Shape, Spec};
use ndarray::ArrayD;

/// Creates a built-in layer from its spec.
fn made_from(spec: &Spec) -> Result<Box<dyn Layer>> {
    BUILT_IN.make(spec)
}

/// Builds and records a model with one layer.
fn build(layer: &dyn Layer, inputs: &[Shape]) -> Result<()> {
    let mut graph = Graph::new();
    let nodes: Vec<Node> =
        inputs.iter().enumerate().map(|(number, shape)| graph.input(format!("input_{number}"), *shape)).collect();
    for (number, output) in outputs(&mut graph, made_from(&layer.spec())?, nodes, inputs).into_iter().enumerate() {
        graph.output(format!("y{number}"), output);
    }
    graph.architecture(1).map(|_| ())
}

/// Applies a layer with any number of outputs.
fn outputs(graph: &mut Graph, layer: Box<dyn Layer>, nodes: Vec<Node>, inputs: &[Shape]) -> Vec<Node> {
    let count = Declared::of(layer.as_ref(), "layer", inputs).map_or(1, |declared| declared.outputs().len());
    graph.apply_many(Made(layer), nodes, count)
}

/// Checks that an error names the layer and the given shapes. Too many axes may be detected only while recording a
/// batch. Then the place also names the operation, unless it is called as the layer.
fn check_rejection(layer: &dyn Layer, inputs: &[Shape], error: &Error) {
    let text = format!("{layer:?} on {inputs:?}: {error}");
    let Error::Shape { place, found, .. } = error else { panic!("{text}") };
    let name = layer.spec().snake_case();
    let recorded = place.starts_with(&format!("{name}: ")) || *place == name;
    let recording = recorded && found[0] == inputs[0].batch(1).unwrap();
    assert!(recording || (*place == format!("layer 1 ({name})") && found == inputs), "{text}");
    assert!(found.iter().all(|shape| error.to_string().contains(&shape.to_string())), "{text}");
}

#[test]
fn a_wrong_number_of_inputs_is_rejected_by_name() {
    for sample in samples().into_iter().flat_map(|(_, samples)| samples) {
        // Merging layers accept two or more inputs, and recurrent layers accept a sequence without initial states.
        let class = sample.layer.spec().class().to_owned();
        let is_recurrent = sample.layer.recurrent().is_some() || class == "Bidirectional";
        let wrong = vec![sample.inputs[0]; if is_recurrent || sample.inputs.len() == 1 { 2 } else { 1 }];
        check_rejection(sample.layer.as_ref(), &wrong, &build(sample.layer.as_ref(), &wrong).unwrap_err());
    }
}

/// Shapes of all ranks that leave an axis for the batch, with odd sizes and sizes of 1.
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

/// Layers that accept inputs of any shape.
const TAKE_ANY_SHAPE: [&str; 9] = [
    "activity_regularization",
    "elu",
    "flatten",
    "gaussian_dropout",
    "gaussian_noise",
    "identity",
    "leaky_relu",
    "relu",
    "rescaling",
];

/// Trains a step on accepted shapes. Other shapes are errors that name the layer. Nothing panics.
#[test]
fn shapes_that_do_not_fit_are_rejected_by_name() {
    let mut never = Vec::new();
    for (file, samples) in samples() {
        let mut rejected = 0;
        for sample in samples {
            let layer = sample.layer.as_ref();
            for shape in SHAPES.map(|sizes| Shape::new(sizes).unwrap()) {
                let mut inputs = sample.inputs.clone();
                inputs[0] = shape;
                if let Err(error) = build(layer, &inputs) {
                    check_rejection(layer, &inputs, &error);
                    rejected += 1;
                    continue;
                }
                let steps = sample.on(&inputs, made_from).steps();
                steps.and_then(|mut step| step()).unwrap_or_else(|error| panic!("{layer:?} on {inputs:?}: {error}"));
            }
        }
        if rejected == 0 {
            never.push(file);
        }
    }
    never.sort_unstable();
    assert_eq!(never, TAKE_ANY_SHAPE);
}

/// Sizes that exceed any memory. Their products and sums overflow.
const HUGE: [usize; 5] = [usize::MAX, usize::MAX - 1, usize::MAX / 2, 1 << 62, 1 << 47];

/// Specs in which one integer at a time, also in lists, is replaced by each of `values`.
fn with_numbers(spec: &Spec, values: &[usize]) -> Vec<Spec> {
    let mut changed = Vec::new();
    for (at, (_, old)) in spec.settings().iter().enumerate() {
        let mut replace = |new: SpecValue| {
            let settings = spec.settings().iter().enumerate();
            let copied = settings.map(|(other, (name, value))| (name.clone(), if other == at { &new } else { value }));
            changed.push(copied.fold(Spec::new(spec.class()), |spec, (name, value)| spec.with(name, value.clone())));
        };
        match old {
            SpecValue::UInt(_) | SpecValue::Int(_) => {
                values.iter().for_each(|value| replace(SpecValue::UInt(*value)));
                values.iter().for_each(|value| replace(SpecValue::Int(-1 - (*value as isize & isize::MAX))));
            }
            SpecValue::UInts(sizes) => {
                for (place, value) in (0..sizes.len()).flat_map(|place| values.iter().map(move |value| (place, *value)))
                {
                    let mut sizes = sizes.clone();
                    sizes[place] = value;
                    replace(SpecValue::UInts(sizes));
                }
                values.iter().for_each(|value| replace(SpecValue::UInts(vec![*value; sizes.len()])));
            }
            _ => {}
        }
    }
    changed
}

/// Compiles a model with one layer from a spec and predicts one batch of zeros.
fn predict_with(spec: &Spec, inputs: &[Shape]) -> Result<()> {
    let layer = made_from(spec)?;
    build(layer.as_ref(), inputs)?;
    let mut graph = Graph::new();
    let names: Vec<String> = (0..inputs.len()).map(|number| format!("input_{number}")).collect();
    let nodes: Vec<Node> = names.iter().zip(inputs).map(|(name, shape)| graph.input(name, *shape)).collect();
    let results = outputs(&mut graph, layer, nodes, inputs);
    for (number, output) in results.iter().enumerate() {
        graph.output(format!("y{number}"), *output);
    }
    let model = match results.len() {
        1 => graph.compile(Compile::new(Sgd::new(0.1), MeanSquaredError::new()))?,
        _ => graph.architecture(0)?.into_model()?,
    };
    let mut data = NamedArrays::new();
    for (name, shape) in names.iter().zip(inputs) {
        data = data.with_input(name, ArrayD::<f32>::zeros(shape.batch(2)?.sizes()))?;
    }
    model.predict_dataset(&data).map(|_| ())
}

/// A layer with a dynamic type.
#[derive(Debug)]
struct Made(Box<dyn Layer>);

impl Layer for Made {
    fn build(&self, inputs: &[Shape], weights: &mut Weights<'_>) -> Result<Vec<Shape>> {
        self.0.build(inputs, weights)
    }

    fn record<'r>(&self, weights: &mut Cursor<'_, 'r>, inputs: &[Var<'r>]) -> Vec<Var<'r>> {
        self.0.record(weights, inputs)
    }

    fn supports_masking(&self) -> bool {
        self.0.supports_masking()
    }

    fn spec(&self) -> Spec {
        self.0.spec()
    }
}

/// Large values for settings that do not size an array. The window that they move has a single position.
const STEPS: [usize; 2] = [i32::MAX as usize, 1 << 20];

#[test]
fn settings_that_exceed_memory_are_errors() {
    let mut checked = Vec::new();
    for (file, samples) in samples() {
        for sample in samples {
            let spec = sample.layer.spec();
            for spec in with_numbers(&spec, &HUGE) {
                let rejected = predict_with(&spec, &sample.inputs);
                assert!(rejected.is_err(), "{spec} on {:?}", sample.inputs);
                checked.push(file);
            }
            // The remaining settings are small enough to run.
            let steps = |spec: &Spec| {
                let small = |(name, value): &(_, SpecValue)| {
                    let sizes: &[usize] = match value {
                        SpecValue::UInt(size) => std::slice::from_ref(size),
                        SpecValue::UInts(sizes) => sizes,
                        _ => &[],
                    };
                    ["strides", "dilation_rate"].contains(name) || sizes.iter().all(|size| *size < 1 << 10)
                };
                spec.settings().iter().map(|(name, value)| (name.as_ref(), value.clone())).all(|pair| small(&pair))
            };
            for spec in with_numbers(&spec, &STEPS).into_iter().filter(steps) {
                let _ = predict_with(&spec, &sample.inputs); // does not panic
            }
        }
    }
    checked.dedup();
    assert!(checked.len() >= 9, "layers with integers: {checked:?}");
}

#[test]
fn samples_that_exceed_memory_are_errors() {
    for (_, samples) in samples() {
        for sample in samples {
            for (input, size) in (0..sample.inputs.len()).flat_map(|input| HUGE.map(|size| (input, size))) {
                for axis in 0..sample.inputs[input].rank() {
                    let mut inputs = sample.inputs.clone();
                    let mut sizes = inputs[input].sizes().to_vec();
                    sizes[axis] = size;
                    inputs[input] = Shape::new(&sizes).unwrap();
                    let layer = sample.layer.as_ref();
                    assert!(build(layer, &inputs).is_err(), "{layer:?} on {inputs:?}");
                }
            }
        }
    }
}

/// Layers that need a fixed size: a target shape, or weights in the shape of the input.
const FIXED_SIZES: [&str; 2] = ["PReLU", "Reshape"];

#[test]
fn a_layer_on_open_axes_has_the_bits_of_one_on_fixed_axes() {
    let mut accepted = std::collections::BTreeSet::new();
    let mut all = accepted.clone();
    for sample in samples().into_iter().flat_map(|(_, samples)| samples) {
        let class = sample.layer.spec().class().to_owned();
        let network = |open: bool| {
            let mut graph = Graph::new();
            let input = |(number, shape): (usize, &Shape)| {
                let mut sizes: Vec<Option<usize>> = shape.sizes().iter().copied().map(Some).collect();
                // The last axis stays fixed, unless the inputs are indices.
                let steps = if class == "Embedding" { sizes.len() } else { sizes.len().saturating_sub(1) };
                sizes[..steps].iter_mut().filter(|_| open).for_each(|size| *size = None);
                graph.input(format!("input_{number}"), SampleShape::new(&sizes).unwrap())
            };
            let nodes: Vec<Node> = sample.inputs.iter().enumerate().map(input).collect();
            let output = graph.apply(made_from(&sample.layer.spec()).unwrap(), nodes);
            graph.output("y", output);
            graph.architecture(1)
        };
        all.insert(class.clone());
        let Ok(open) = network(true) else { continue };
        let mut inputs = NamedArrays::new();
        for (number, shape) in sample.inputs.iter().enumerate() {
            inputs = inputs.with_input(format!("input_{number}"), sample.values(*shape)).unwrap();
        }
        let bits = |architecture: Architecture| {
            let predicted = architecture.into_model().unwrap().predict_dataset(&inputs).unwrap();
            (predicted["y"].shape().to_vec(), predicted["y"].iter().map(|value| value.to_bits()).collect::<Vec<u32>>())
        };
        assert_eq!(bits(open), bits(network(false).unwrap()), "{:?} on {:?}", sample.layer, sample.inputs);
        accepted.insert(class);
    }
    let rejected: Vec<&String> = all.difference(&accepted).collect();
    assert!(
        rejected.iter().all(|class| FIXED_SIZES.contains(&class.as_str())),
        "no sample has open axes: {rejected:?}"
    );
}
