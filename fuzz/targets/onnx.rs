//! Reads ONNX files, imports their graphs, and runs them.

#![no_main]

use gradus::formats::onnx::{Graph, Tensor};
use gradus_fuzz::{files, memory::LIMIT};
use libfuzzer_sys::fuzz_target;
use ndarray::{ArrayD, IxDyn};

/// Maximum number of elements of the inputs with which a graph is run.
const MAX_ELEMENTS: usize = 1 << 12;

/// An input of zeros, with 2 for symbolic sizes.
fn zeros(graph: &Graph, input: &str, left: &mut usize) -> Option<Tensor> {
    let sizes: Vec<usize> = graph.input_sizes(input)?.iter().map(|size| size.unwrap_or(2)).collect();
    let elements = sizes.iter().try_fold(1usize, |product, size| product.checked_mul((*size).max(1)))?;
    *left = left.checked_sub(elements)?;
    Some(match graph.takes_integers(input) {
        true => Tensor::from_integers(&ArrayD::<i64>::zeros(IxDyn(&sizes))),
        false => Tensor::from(&*ArrayD::<f32>::zeros(IxDyn(&sizes))),
    })
}

fuzz_target!(|bytes: &[u8]| {
    let Some(graph) = files::read("a.onnx", bytes, |path| Graph::load_with(path, LIMIT)) else { return };
    let _ = graph.to_string();
    let mut left = MAX_ELEMENTS;
    let inputs: Option<Vec<Tensor>> = graph.inputs().into_iter().map(|input| zeros(&graph, input, &mut left)).collect();
    if let Some(inputs) = inputs {
        let _ = graph.run(&inputs); // an error is allowed
    }
    if let Some(imported) = files::read("a.onnx", bytes, |path| Graph::load_with(path, LIMIT)?.import()) {
        let _ = imported.architecture().map(|architecture| architecture.summary()); // an error is allowed
    }
});
