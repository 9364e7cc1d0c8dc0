//! Every layer of the list, out to ONNX and back.

use super::{Graph, Tensor, to_bytes};
use crate::architecture::ValueInfo;
use crate::data::NamedArrays;
use crate::layers::{Layer, samples};
use crate::losses::MeanSquaredError;
use crate::model::{Compile, Model};
use crate::optimizers::Sgd;
use crate::save::{Call, Output, Wiring};
use crate::shape::Shape;
use ndarray::{ArrayD, IxDyn};
use std::sync::Arc;

/// A model of one layer with weights that are not first values, and rows for it.
struct Case {
    name: String,
    model: Model,
    inputs: Vec<ArrayD<f32>>,
}

fn settings() -> Compile {
    Compile::new(Sgd::new(0.1), MeanSquaredError::new()).seed(3)
}

fn cases() -> Vec<Case> {
    let mut cases = Vec::new();
    for (file, samples) in samples() {
        for (number, sample) in samples.into_iter().enumerate() {
            cases.push(case(format!("{file}-{number}"), sample.layer.into(), &sample.inputs));
        }
    }
    cases
}

fn case(name: String, layer: Arc<dyn Layer>, shapes: &[Shape]) -> Case {
    let input = |(number, shape): (usize, &Shape)| ValueInfo::new(format!("x{number}"), *shape);
    let wiring = Wiring {
        chain: false,
        inputs: shapes.iter().enumerate().map(input).collect(),
        calls: vec![Call { layer: 0, inputs: (0..shapes.len()).collect() }],
        outputs: vec![Output::new("y", shapes.len())],
    };
    let mut model = Model::from_wiring(&wiring, &[layer], settings()).unwrap();
    for id in model.params().ids().collect::<Vec<_>>() {
        let values = model.params_mut().values_mut(id).iter_mut().enumerate();
        values.for_each(|(at, value)| *value = 0.25 + ((at * 7) % 11) as f32 / 10.0);
    }
    let words =
        model.params().iter().next().filter(|_| name.starts_with("embedding")).map(|(_, table)| table.shape()[0]);
    let inputs = shapes.iter().map(|shape| rows(shape.batch(3).unwrap(), words)).collect();
    Case { name, model, inputs }
}

/// Numbers on both sides of 0; for a table of words, indices that it has.
fn rows(shape: Shape, words: Option<usize>) -> ArrayD<f32> {
    let value = |at: usize| match words {
        Some(words) => (at % words) as f32,
        None => ((at * 7) % 23) as f32 / 4.0 - 2.5,
    };
    ArrayD::from_shape_vec(IxDyn(shape.sizes()), (0..shape.len()).map(value).collect()).unwrap()
}

impl Case {
    fn predicted(&self, model: &Model) -> ArrayD<f32> {
        let data = self
            .inputs
            .iter()
            .enumerate()
            .try_fold(NamedArrays::new(), |data, (number, rows)| data.with_input(format!("x{number}"), rows));
        model.predict_outputs(&data.unwrap()).unwrap().pop_first().unwrap().1
    }
}

fn check_close(name: &str, found: &ArrayD<f32>, expected: &ArrayD<f32>) {
    assert_eq!(found.shape(), expected.shape(), "{name}");
    let most = expected.iter().fold(1.0f32, |most, value| most.max(value.abs()));
    let far = found.iter().zip(expected).find(|(a, b)| (**a - **b).abs() > 1e-5 * most);
    assert!(far.is_none(), "{name}: {far:?}");
}

#[test]
fn every_layer_goes_out_and_comes_back_as_one_of_ours() {
    for case in cases() {
        let expected = case.predicted(&case.model);
        let bytes = to_bytes(&case.model).unwrap_or_else(|error| panic!("{}: {error}", case.name));
        let graph = Graph::from_bytes(&bytes).unwrap();
        let inputs: Vec<Tensor> = case.inputs.iter().map(|rows| (&**rows).into()).collect();
        let run = graph.run(&inputs).unwrap_or_else(|error| panic!("{}: {error}", case.name));
        check_close(&case.name, &run[0].array().unwrap(), &expected);
        let imported = graph.import().unwrap_or_else(|error| panic!("{}: {error}", case.name));
        let again = imported.compile(settings()).unwrap();
        check_close(&case.name, &case.predicted(&again), &expected);
        // Nothing is left of a layer that does nothing when predicting.
        let ours = !format!("{imported:?}").contains("OnnxGraph") || graph.node_operators() == ["Identity"];
        assert!(ours, "{} comes back as another program's graph", case.name);
    }
}

/// Writes every layer with what it predicts, for onnxruntime.
#[test]
#[ignore = "tests/interop/run calls it"]
fn layers_for_onnxruntime() {
    let folder = std::env::var_os("GRADUS_INTEROP").expect("tests/interop/run says where files go");
    let folder = std::path::Path::new(&folder).join("layers");
    std::fs::create_dir_all(&folder).unwrap();
    for case in cases() {
        super::export(&case.model, folder.join(format!("{}.onnx", case.name))).unwrap();
        let inputs = case.inputs.iter().enumerate().map(|(number, rows)| (format!("x{number}"), rows.clone()));
        let arrays: Vec<(String, ArrayD<f32>)> = inputs.chain([("y".into(), case.predicted(&case.model))]).collect();
        let mut params = crate::tape::Params::new();
        for (name, rows) in &arrays {
            params.add(name, rows).unwrap();
        }
        params.save_npz(folder.join(format!("{}.npz", case.name))).unwrap();
    }
}
