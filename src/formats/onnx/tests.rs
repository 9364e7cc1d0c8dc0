//! Round trips of every layer through ONNX.

use super::{Graph, Tensor, to_bytes};
use crate::data::NamedArrays;
use crate::formats::npz;
use crate::layers::{Declared, Layer, samples};
use crate::losses::MeanSquaredError;
use crate::model::{Compile, Model};
use crate::optimizers::Sgd;
use crate::save::Registry;
use crate::{AxisOrder, Shape, Spec, SpecValue, ValueInfo};
use ndarray::{ArrayD, IxDyn};
use std::sync::Arc;

/// A model of one layer with weights other than the initial values, and rows for it.
struct Case {
    name: String,
    layer: Arc<dyn Layer>,
    model: Model,
    inputs: Vec<ArrayD<f32>>,
}

fn settings() -> Compile {
    Compile::new(Sgd::new(0.1), MeanSquaredError::new()).seed(3)
}

/// Layers that are not exported.
const NOT_EXPORTED: [&str; 2] = ["ConvLSTM2D", "Masking"];

/// Layers whose nodes may become `OnnxGraph` layers: no single operator computes them with all options.
const AS_GRAPHS: [&str; 17] = [
    "AdaptiveAveragePooling1D",
    "AdaptiveAveragePooling2D",
    "AdaptiveAveragePooling3D",
    "AdaptiveMaxPooling1D",
    "AdaptiveMaxPooling2D",
    "AdaptiveMaxPooling3D",
    "CenterCrop",
    "Dot",
    "Normalization",
    "Permute",
    "RMSNormalization",
    "RandomCrop",
    "ReLU",
    "Resizing",
    "Softmax",
    "UnitNormalization",
    "UpSampling2D",
];

/// Activations that cannot be exported.
const NOT_EXPORTED_ACTIVATIONS: [&str; 6] =
    ["glu", "hard_shrink", "soft_shrink", "sparse_plus", "sparsemax", "squareplus"];

/// Whether a layer is imported as the nodes of its export.
fn keeps_nodes(spec: &Spec) -> bool {
    ["Bidirectional", "GRU", "LSTM", "SimpleRNN", "TimeDistributed"].contains(&spec.class())
}

/// Whether a layer, or one inside it, is not exported.
fn is_rejected(spec: &Spec) -> bool {
    let inner = spec.settings().iter().any(|(name, value)| match value {
        SpecValue::Nested(inner) if name == "layer" => is_rejected(inner),
        SpecValue::Bool(flag) => name == "mask_zero" && *flag,
        _ => false,
    });
    inner || NOT_EXPORTED.contains(&spec.class())
}

/// Models of all samples of layers, of those that are exported or of the others.
fn cases_of(exported: bool) -> Vec<Case> {
    let mut cases = Vec::new();
    for (file, samples) in samples() {
        // The weights of an unused output could not be trained.
        let used = samples.into_iter().filter(|sample| !sample.layer.spec().to_string().contains("merge_mode=none"));
        for (number, sample) in used.enumerate() {
            let spec = sample.layer.spec();
            let text = spec.to_string();
            let any_axis = ["BatchNormalization", "Concatenate", "LayerNormalization", "Softmax"];
            let other_axis = !any_axis.contains(&spec.class()) && text.contains(", axis=");
            let unnamed = NOT_EXPORTED_ACTIVATIONS.iter().any(|name| text.ends_with(&format!("(activation={name})")));
            if (is_rejected(&spec) || other_axis || unnamed) != exported {
                cases.push(case(format!("{file}-{number}"), sample.layer.into(), &sample.inputs));
            }
        }
    }
    cases
}

fn cases() -> Vec<Case> {
    cases_of(true)
}

#[test]
fn layers_without_operators_are_rejected_by_name() {
    let cases = cases_of(false);
    for Case { name, layer, model, .. } in &cases {
        let message = to_bytes(model).unwrap_err().to_string();
        let spec = layer.spec();
        // An activation is named by its function.
        let part = match spec.settings().iter().find(|(name, _)| name == "activation") {
            Some((_, SpecValue::Str(activation))) if spec.class() == "Activation" => {
                format!("activation {activation} ")
            }
            _ => spec.class().to_owned(),
        };
        assert!(message.contains(&part), "{name}: {message}");
    }
    assert!(cases.len() >= NOT_EXPORTED.len());
}

fn case(name: String, layer: Arc<dyn Layer>, shapes: &[Shape]) -> Case {
    let input = |(number, shape): (usize, &Shape)| ValueInfo::new(format!("x{number}"), *shape);
    let model = model(&layer, shapes.iter().enumerate().map(input).collect(), AxisOrder::CHANNELS_LAST);
    let words =
        model.params().iter().next().filter(|_| name.starts_with("embedding")).map(|(_, table)| table.shape()[0]);
    let inputs = shapes.iter().map(|shape| rows(shape.batch(3).unwrap(), words)).collect();
    Case { name, layer, model, inputs }
}

/// A model of the layer, with these inputs and this axis order of its output.
fn model(layer: &Arc<dyn Layer>, inputs: Vec<ValueInfo>, axis_order: AxisOrder) -> Model {
    let mut graph = crate::Graph::new();
    let shapes: Vec<Shape> = inputs.iter().map(|input| input.shape().with_open_axes(1)).collect();
    let count = Declared::of(layer.as_ref(), "layer", &shapes).unwrap().outputs().len();
    let inputs: Vec<_> = inputs.into_iter().map(|input| graph.input_value(input)).collect();
    let outputs = graph.apply_many(layer.clone(), inputs, count);
    graph.output_in_order("y", outputs[0], axis_order);
    let mut model = graph.compile(settings()).unwrap();
    for id in model.params().ids().collect::<Vec<_>>() {
        let values = model.params_mut().values_mut(id).iter_mut().enumerate();
        values.for_each(|(at, value)| *value = 0.25 + ((at * 7) % 11) as f32 / 10.0);
    }
    model
}

/// Returns one of the permutations of `rank` axes.
fn order(rank: usize, number: usize) -> AxisOrder {
    let mut axes: Vec<usize> = (0..rank).collect();
    axes.rotate_right(number % rank.max(1));
    if number % 2 == 1 && rank > 1 {
        axes.swap(0, 1);
    }
    AxisOrder::new(&axes).unwrap()
}

#[test]
fn axis_orders_of_the_model_round_trip() {
    for (number, case) in cases().into_iter().enumerate() {
        let (name, expected) = (&case.name, predicted(&case.model, &case.inputs));
        for number in [number, number + 1, number + 2] {
            let inputs = case.model.inputs().into_iter();
            let inputs: Vec<ValueInfo> = inputs
                .map(|input| {
                    let order = order(input.shape().rank(), number);
                    input.with_axis_order(order)
                })
                .collect();
            let output = order(expected.ndim() - 1, number + 1);
            let model = model(&case.layer, inputs.clone(), output);
            assert_eq!(predicted(&model, &case.inputs), expected, "{name}");

            let expected = output.to_file(expected.view()).unwrap().to_owned();
            let in_file = inputs.iter().zip(&case.inputs).map(|(input, rows)| input.axis_order().to_file(rows.view()));
            let in_file: Vec<ArrayD<f32>> = in_file.map(|rows| rows.unwrap().to_owned()).collect();
            let graph = Graph::from_bytes(&to_bytes(&model).unwrap()).unwrap();
            let tensors: Vec<Tensor> = in_file.iter().map(|rows| (&**rows).into()).collect();
            check_close(name, &graph.run(&tensors).unwrap()[0].array().unwrap(), &expected);

            // The outputs of recurrent nodes have the steps first, which a model cannot have.
            if keeps_nodes(&case.layer.spec()) {
                continue;
            }
            let again = graph.import().unwrap().compile(settings()).unwrap();
            let moved = again.inputs().into_iter().zip(&in_file);
            let moved = moved.map(|(input, rows)| input.axis_order().to_model(rows.view()).unwrap().to_owned());
            let found = predicted(&again, &moved.collect::<Vec<_>>());
            check_close(name, &again.outputs()[0].axis_order().to_file(found).unwrap(), &expected);
        }
    }
}

/// Returns positive and negative numbers, or valid indices for an embedding.
fn rows(shape: Shape, words: Option<usize>) -> ArrayD<f32> {
    let value = |at: usize| match words {
        Some(words) => (at % words) as f32,
        None => ((at * 7) % 23) as f32 / 4.0 - 2.5,
    };
    ArrayD::from_shape_vec(IxDyn(shape.sizes()), (0..shape.len()).map(value).collect()).unwrap()
}

fn predicted(model: &Model, inputs: &[ArrayD<f32>]) -> ArrayD<f32> {
    let infos = model.inputs();
    let columns = infos.iter().zip(inputs);
    let data = columns.fold(NamedArrays::new(), |data, (info, rows)| data.with_input(info.name(), rows).unwrap());
    model.predict_dataset(&data).unwrap().pop_first().unwrap().1
}

fn check_close(name: &str, found: &ArrayD<f32>, expected: &ArrayD<f32>) {
    assert_eq!(found.shape(), expected.shape(), "{name}");
    let most = expected.iter().fold(1.0f32, |most, value| most.max(value.abs()));
    let far = found.iter().zip(expected).find(|(a, b)| (**a - **b).abs() > 1e-5 * most);
    assert!(far.is_none(), "{name}: {far:?}");
}

#[test]
fn every_layer_round_trips_as_a_layer() {
    for case in cases() {
        let expected = predicted(&case.model, &case.inputs);
        let bytes = to_bytes(&case.model).unwrap_or_else(|error| panic!("{}: {error}", case.name));
        let graph = Graph::from_bytes(&bytes).unwrap();
        let inputs: Vec<Tensor> = case.inputs.iter().map(|rows| (&**rows).into()).collect();
        let run = graph.run(&inputs).unwrap_or_else(|error| panic!("{}: {error}", case.name));
        check_close(&case.name, &run[0].array().unwrap(), &expected);
        // The outputs of recurrent nodes have the steps first, which a model cannot have.
        if keeps_nodes(&case.layer.spec()) {
            continue;
        }
        let imported = graph.import().unwrap_or_else(|error| panic!("{}: {error}", case.name));
        let again = imported.compile(settings()).unwrap();
        let in_order = again.inputs().into_iter().zip(&case.inputs);
        let in_order: Vec<_> =
            in_order.map(|(input, rows)| input.axis_order().to_model(rows.view()).unwrap().to_owned()).collect();
        let found = predicted(&again, &in_order);
        check_close(&case.name, &again.outputs()[0].axis_order().to_file(found).unwrap(), &expected);
        // A layer without effect in inference leaves only an Identity node.
        // So does a normalization that transposes.
        let spec = case.layer.spec();
        let graph_of_nodes = AS_GRAPHS.contains(&spec.class())
            || spec.to_string().contains(", axis=")
            || graph.node_operators() == ["Identity"];
        let is_layer = graph_of_nodes || !format!("{imported:?}").contains("OnnxGraph");
        assert!(is_layer, "{} is imported as an OnnxGraph", case.name);
    }
}

/// Writes a model of every layer with its predictions, for onnxruntime.
#[test]
#[ignore = "tests/interop/run calls it"]
fn layers_for_onnxruntime() {
    let folder = std::env::var_os("GRADUS_INTEROP").expect("tests/interop/run sets GRADUS_INTEROP");
    let folder = std::path::Path::new(&folder).join("layers");
    std::fs::create_dir_all(&folder).unwrap();
    for case in cases() {
        super::export(&case.model, folder.join(format!("{}.onnx", case.name))).unwrap();
        let inputs = case.inputs.iter().enumerate().map(|(number, rows)| (format!("x{number}"), rows.clone()));
        let arrays: Vec<(String, ArrayD<f32>)> =
            inputs.chain([("y".into(), predicted(&case.model, &case.inputs))]).collect();
        let mut params = crate::tape::Params::new();
        for (name, rows) in &arrays {
            params.add(name, rows).unwrap();
        }
        npz::write_params(folder.join(format!("{}.npz", case.name)), &params).unwrap();
    }
}

/// The architecture of an exported case after an import.
fn imported(name: &str) -> crate::architecture::Architecture {
    let case = cases().into_iter().find(|case| case.name == name).unwrap();
    let graph = Graph::from_bytes(&to_bytes(&case.model).unwrap()).unwrap();
    graph.import().unwrap().architecture().unwrap()
}

#[test]
fn a_normalization_of_the_last_axis_is_imported_as_a_layer() {
    for name in ["normalization-0", "normalization-1"] {
        let classes: Vec<String> = imported(name).layers().map(|layer| layer.spec().class().to_owned()).collect();
        assert_eq!(classes, ["Normalization"], "{name}");
    }
}

#[test]
fn the_registry_has_the_memory_limit_of_stored_graphs() {
    let architecture = imported("normalization-2");
    let specs: Vec<Spec> = architecture.layers().map(|layer| layer.spec()).collect();
    let graph = specs.iter().find(|spec| spec.class() == "OnnxGraph").unwrap();
    assert!(Registry::new().make_layer(graph).is_ok());
    let error = Registry::new().memory_limit(1).make_layer(graph).unwrap_err().to_string();
    assert!(error.contains("Registry::memory_limit"), "{error}");
}
