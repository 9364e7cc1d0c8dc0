//! Graphs that are run, imported, saved, loaded and exported. `tests/onnx/graphs.py` packs them with the outputs of
//! onnxruntime.

use crate::onnx_nodes::{differ, tensors};
use crate::packed::packed;
use gradus::data::{Arrays, NamedArrays};
use gradus::formats::MemoryLimit;
use gradus::formats::npz;
use gradus::formats::onnx::{self, Graph, Tensor};
use gradus::{Compile, Error, Losses, Model, losses::MeanSquaredError, optimizers::Sgd};
use ndarray::ArrayD;
use std::collections::BTreeMap;

/// Graphs that no model represents, with a part of the message.
const NOT_MODELS: [(&str, &str); 17] = [
    ("joined_conv", "its rows are not independent, as Conv \"c\" combines them"),
    ("joined_count", "its rows are not independent, as Div \"y\" combines them"),
    ("joined_gather", "its rows are not independent, as Gather \"f\" combines them"),
    ("joined_pads", "it cannot be computed for 1 row: Pad \"y\""),
    ("joined_part", "it cannot be computed for 1 row: Slice \"part\""),
    ("joined_places", "its rows are not independent, as Add \"y\" combines them"),
    ("joined_reshape", "its rows are not independent, as Reshape \"r\" combines them"),
    ("joined_slice", "its rows are not independent, as Slice \"r\" combines them"),
    ("joined_mean", "its rows are not independent, as ReduceMean \"m\" combines them"),
    ("joined_product", "its rows are not independent, as MatMul \"p\" combines them"),
    ("joined_softmax", "its rows are not independent, as Softmax \"y\" combines them"),
    ("joined_steps", "the rows of its inputs are the steps of RNN \"s\", which are not independent"),
    ("states_GRU", "the rows of its input \"h\" are axis 1 of 1 × 2 × 3, expected axis 0"),
    ("states_LSTM", "the rows of its input \"h\" are axis 1 of 1 × 2 × 3, expected axis 0"),
    ("states_RNN", "the rows of its input \"h\" are axis 1 of 1 × 2 × 3, expected axis 0"),
    ("fixed_rows", "it fixes the number of rows at 3, and its output \"y\" has shape 3 × 4"),
    ("time_first", "its output \"y\" has shape 4 × rows × 3; a model needs one row of outputs for each row of inputs"),
];

/// The expected outputs that `found` contains, by name.
fn check(name: &str, found: &BTreeMap<String, Tensor>, expected: &BTreeMap<&str, &Tensor>) {
    for (output, found) in found {
        let expected = expected.get(output.as_str()).unwrap_or_else(|| panic!("{name} has no output {output}"));
        assert_eq!(differ(found, expected, 1e-5), None, "{name}: {output}");
    }
}

/// The predictions of a model in the axis orders of the file.
fn predictions(model: &Model, inputs: &[(String, ArrayD<f32>)]) -> BTreeMap<String, Tensor> {
    let mut rows = NamedArrays::new();
    for input in model.inputs() {
        let (_, array) = inputs.iter().find(|(name, _)| name == input.name()).expect("inputs keep their names");
        rows = rows.with_input(input.name(), input.axis_order().to_model(array.clone()).unwrap()).unwrap();
    }
    let mut predicted = model.predict_dataset(&rows).unwrap();
    let outputs = model.outputs().into_iter();
    outputs
        .map(|output| {
            let values = output.axis_order().to_file(predicted.remove(output.name()).unwrap()).unwrap();
            (output.name().to_owned(), Tensor::from(&*values))
        })
        .collect()
}

/// Binds symbolic sizes to those of the inputs.
fn bound(mut graph: Graph, inputs: &[Tensor]) -> Graph {
    let names: Vec<String> = graph.inputs().into_iter().map(str::to_owned).collect();
    for (name, input) in names.iter().zip(inputs) {
        if graph.input_sizes(name).unwrap()[1..].contains(&None) {
            graph = graph.with_shape(name, &input.sizes()[1..]).unwrap();
        }
    }
    graph
}

#[test]
fn graphs_are_run_imported_saved_and_exported_with_equal_outputs() {
    let folder = tempfile::tempdir().unwrap();
    for (name, files) in packed("graphs.bin").into_iter().filter(|(name, _)| !name.starts_with("problems")) {
        let graph = Graph::from_bytes(&files["model.onnx"]).unwrap();
        let (inputs, expected) = (tensors(&files, "input").unwrap(), tensors(&files, "output").unwrap());
        let names: Vec<String> = graph.outputs().into_iter().map(str::to_owned).collect();
        let expected: BTreeMap<&str, &Tensor> = names.iter().map(String::as_str).zip(&expected).collect();
        match graph.run(&inputs) {
            Ok(found) => check(&name, &names.iter().cloned().zip(found).collect(), &expected),
            Err(Error::Unsupported { .. }) if name == "unused_strings" => {}
            Err(error) => panic!("{name}: {error}"),
        }
        let unbound = graph.clone();
        let graph = bound(graph, &inputs);
        let imported = match (graph.import(), NOT_MODELS.iter().find(|(other, _)| *other == name)) {
            (Err(error), Some((_, message))) => {
                assert!(error.to_string().contains(message), "{error}");
                continue;
            }
            (imported, None) => imported.unwrap_or_else(|error| panic!("{name}: {error}")),
            (Ok(_), Some(_)) => panic!("{name} was imported"),
        };
        let model = imported.architecture().and_then(gradus::Architecture::into_model);
        let model = model.unwrap_or_else(|error| panic!("{name}: {error}"));
        let floats = |tensor: &Tensor| {
            tensor.array().unwrap_or_else(|| tensor.integer_array().unwrap().mapv(|number| number as f32))
        };
        let arrays: Vec<(String, ArrayD<f32>)> =
            graph.inputs().into_iter().map(str::to_owned).zip(inputs.iter().map(floats)).collect();
        let found = predictions(&model, &arrays);
        check(&name, &found, &expected);

        let path = folder.path().join(format!("{name}.safetensors"));
        model.save(&path).unwrap();
        let loaded = Model::load(&path).unwrap_or_else(|error| panic!("{name}: {error}"));
        assert_eq!(predictions(&loaded, &arrays), found, "{name}");

        let bytes = onnx::to_bytes(&model).unwrap_or_else(|error| panic!("{name}: {error}"));
        let exported = Graph::from_bytes(&bytes).unwrap();
        let named = |names: Vec<&str>| names.into_iter().map(str::to_owned).collect::<Vec<_>>();
        assert_eq!(
            named(exported.inputs()),
            model.inputs().iter().map(|input| input.name().to_owned()).collect::<Vec<_>>()
        );
        let given: Vec<Tensor> = arrays.iter().map(|(_, array)| Tensor::from(&**array)).collect();
        let ran = exported.run(&given).unwrap_or_else(|error| panic!("{name}: {error}"));
        let ran = exported.outputs().into_iter().map(str::to_owned).zip(ran).collect();
        check(&name, &ran, &expected);
        assert_eq!(ran.keys().collect::<Vec<_>>(), found.keys().collect::<Vec<_>>(), "{name}");
        // Symbolic sizes become open axes.
        if graph.inputs().iter().any(|input| graph.input_sizes(input) != unbound.input_sizes(input)) {
            let open = unbound.import().unwrap().architecture().unwrap().into_model().unwrap();
            assert!(open.input_shapes().iter().any(|shape| shape.is_open()), "{name}");
            assert_eq!(predictions(&open, &arrays), found, "{name}");
            open.save(&path).unwrap();
            assert_eq!(predictions(&Model::load(&path).unwrap(), &arrays), found, "{name}");
            let exported = Graph::from_bytes(&onnx::to_bytes(&open).unwrap()).unwrap();
            let again = exported.import().unwrap().architecture().unwrap().into_model().unwrap();
            assert_eq!(again.input_shapes(), open.input_shapes(), "{name}");
            assert_eq!(predictions(&again, &arrays), found, "{name}");
        }
        if let Some(folder) = std::env::var_os("GRADUS_ONNX_GRAPHS") {
            std::fs::write(std::path::Path::new(&folder).join(format!("{name}.onnx")), &bytes).unwrap();
        }
    }
}

/// Weights that several nodes read, or that a node reads in another arrangement, are exported as they were trained.
#[test]
fn trained_graphs_are_exported_with_their_weights() {
    let mut trained = 0;
    for (name, files) in packed("graphs.bin").into_iter().filter(|(name, _)| !name.starts_with("problems")) {
        let inputs = tensors(&files, "input").unwrap();
        let graph = bound(Graph::from_bytes(&files["model.onnx"]).unwrap(), &inputs);
        let Ok(imported) = graph.import() else { continue };
        let settings = |outputs: &[String]| {
            let losses = outputs.iter().fold(Losses::new(), |all, name| all.output(name, MeanSquaredError::new()));
            Compile::new(Sgd::new(0.05), losses)
        };
        let architecture = imported.architecture().unwrap();
        let outputs: Vec<String> = architecture.outputs().iter().map(|output| output.name().to_owned()).collect();
        // Graphs without weights, or with weights before nodes such as Round, cannot be trained.
        let Ok(mut model) = architecture.compile(settings(&outputs)) else { continue };
        let before = model.params().clone();
        let mut rows = NamedArrays::new();
        for (input, tensor) in model.inputs().iter().zip(&inputs) {
            let array = tensor.array().unwrap_or_else(|| tensor.integer_array().unwrap().mapv(|value| value as f32));
            rows = rows.with_input(input.name(), input.axis_order().to_model(array).unwrap()).unwrap();
        }
        let targets = model.predict_dataset(&rows).unwrap();
        if targets.values().flatten().any(|value| !value.is_finite()) {
            continue;
        }
        let rows_with_targets = targets.iter().fold(rows.clone(), |rows, (name, values)| {
            rows.with_target(name, values.mapv(|value| 1.0 - value)).unwrap()
        });
        model.train_on_batch(&rows_with_targets).unwrap_or_else(|error| panic!("{name}: {error}"));
        // Some graphs have no weights.
        if model.params().ids().all(|id| model.params().get(id) == before.get(id)) {
            continue;
        }
        let bytes = onnx::to_bytes(&model).unwrap_or_else(|error| panic!("{name}: {error}"));
        let again = Graph::from_bytes(&bytes).unwrap().import().and_then(|again| again.into_model());
        let again = again.unwrap_or_else(|error| panic!("{name}: {error}"));
        let [expected, found] = [&model, &again].map(|model| model.predict_dataset(&rows).unwrap());
        for (output, expected) in &expected {
            let (expected, found) = (Tensor::from(&**expected), Tensor::from(&*found[output]));
            assert_eq!(differ(&found, &expected, 1e-5), None, "{name}: {output}");
        }
        trained += 1;
    }
    assert!(trained >= 30, "{trained} graphs");
}

#[test]
fn constants_of_nodes_are_not_trained_after_an_export() {
    let graph = Graph::from_bytes(&packed("graphs.bin")["fixed_constant"]["model.onnx"]).unwrap();
    let exported = onnx::to_bytes(&graph.import().unwrap().into_model().unwrap()).unwrap();
    for graph in [graph, Graph::from_bytes(&exported).unwrap()] {
        let mut model = graph.import().unwrap().compile(Compile::new(Sgd::new(0.1), MeanSquaredError::new())).unwrap();
        let before = model.params().clone();
        let data = Arrays::new(ndarray::arr2(&[[1.5f32, 2.5, 3.5, 4.5]]), ndarray::arr2(&[[9.0f32, 9.0]])).unwrap();
        model.train_on_batch(&data).unwrap();
        let changed = model.params().ids().filter(|id| model.params().get(*id) != before.get(*id));
        assert_eq!(changed.count(), 1, "only the kernel");
    }
}

#[test]
fn one_message_has_every_problem_of_a_file() {
    let files = packed("graphs.bin");
    let read = |name: &str| Graph::from_bytes(&files[name]["model.onnx"]);
    let cases = [
        (
            read("problems_import").unwrap().import().unwrap_err(),
            "ONNX: its input \"x\" has shape N × T × 4, whose sizes must be known except for the number of rows; set them with \
             --shape; not supported: Hardmax \"a\" (unknown operator), Det \"b\" (unknown operator)",
        ),
        (
            read("problems_names").unwrap_err(),
            "ONNX: Add \"y\" reads \"nothing\", which no earlier node outputs; Relu \"y\" outputs \"y\", but another value \
             already has this name; no node computes its output \"z\"; not supported: Det \"a\" (unknown operator)",
        ),
        (
            read("problems_version").unwrap_err(),
            "ONNX: it needs operator set 99 of ai.onnx, supported are 1 to 27; convert it with onnx.version_converter, or \
             export it again; not supported: Det \"y\" (unknown operator)",
        ),
    ];
    cases.into_iter().for_each(|(error, expected)| assert_eq!(error.to_string(), expected));
}

#[test]
fn a_shape_must_fit_the_input() {
    let graph = Graph::from_bytes(&packed("graphs.bin")["open_sizes_of_two"]["model.onnx"]).unwrap();
    let error = |name: &str, sizes: &[usize]| graph.with_shape(name, sizes).unwrap_err().to_string();
    assert_eq!(error("c", &[3, 2]), "unknown input \"c\"; available: a, b");
    let expected = "ONNX: its input \"a\" has shape N × T × 2, which does not take samples of 3 × 4";
    assert_eq!(error("a", &[3, 4]), expected);
    // The symbol T is bound in both inputs.
    let bound = graph.with_shape("a", &[3, 2]).unwrap();
    assert_eq!(bound.input_sizes("b"), Some(&[None, Some(3), Some(2)][..]));
    assert!(bound.import().is_ok());
}

fn fault(name: &str) -> std::path::PathBuf {
    std::path::Path::new(env!("CARGO_MANIFEST_DIR")).join("tests/faults").join(name)
}

#[test]
fn integer_outputs_reversed_slices_and_sums_are_computed() {
    for name in ["argmax_output", "cumsum", "slice_backwards"] {
        let graph = Graph::load(fault(&format!("{name}.onnx"))).unwrap();
        let arrays = npz::read(fault(&format!("{name}.npz"))).unwrap();
        let array = |key: &str| arrays.get(key).map(|array| array.clone().into_floats());
        let x = array("x").unwrap();
        let found = graph.run(&[Tensor::from(&*x)]).unwrap_or_else(|error| panic!("{name}: {error}"));
        let expected: Vec<Tensor> = ["y", "y1"].into_iter().filter_map(array).map(|y| Tensor::from(&*y)).collect();
        assert_eq!(found.len(), expected.len(), "{name}");
        for (found, expected) in found.iter().zip(&expected) {
            assert_eq!(differ(found, expected, 1e-5), None, "{name}");
        }
        let model = graph.import().unwrap().into_model().unwrap();
        assert_eq!(differ(&Tensor::from(&*model.predict(&x).unwrap()), &expected[0], 1e-5), None, "{name}");
    }
}

/// The rows of the caller do not count towards the memory limit.
#[test]
fn many_rows_fit_the_memory_limit_of_one() {
    let row = |row: usize| ArrayD::from_shape_fn(vec![1, 1, 64, 64], |at| ((row + at[2] * at[3]) as f32).sin());
    let all: Vec<ArrayD<f32>> = (0..65).map(row).collect();
    let views: Vec<_> = all.iter().map(|row| row.view()).collect();
    let all_rows = ndarray::concatenate(ndarray::Axis(0), &views).unwrap();
    let graph = Graph::load_with(fault("more_rows.onnx"), MemoryLimit::bytes(1 << 20)).unwrap();
    let found = graph.run(&[Tensor::from(&*all_rows)]).unwrap()[0].array().unwrap();
    for (number, row) in all.iter().enumerate() {
        let single = graph.run(&[Tensor::from(&**row)]).unwrap()[0].array().unwrap();
        assert_eq!(found[[number, 0]], single[[0, 0]], "row {number}");
    }
    graph.import().unwrap().into_model().unwrap();
}

#[test]
fn the_memory_limit_of_a_graph_can_be_raised() {
    let small = Graph::load_with(fault("more_rows.onnx"), MemoryLimit::bytes(100)).unwrap_err().to_string();
    assert!(small.contains("need more memory than the limit of 100 bytes") && small.contains("--memory"), "{small}");
    // The values of a row of 16 KiB are within the limit, and the row itself is not.
    let error = Graph::load_with(fault("more_rows.onnx"), MemoryLimit::bytes(16_000)).unwrap().import().unwrap_err();
    assert!(error.to_string().contains("need more memory than the limit of 16000 bytes"), "{error}");
    onnx::import_with(fault("more_rows.onnx"), MemoryLimit::bytes(1 << 20)).unwrap();
}
