//! Models to and from ONNX files (<https://onnx.ai>), which PyTorch, Keras, scikit-learn and onnxruntime read or write.
//!
//! [`import`] makes a network of a file, with its weights, that can be run and trained on; [`export`] writes a model for
//! other programs to run. [`Graph`] runs whatever a file holds, on as many inputs as it has.
//!
//! ONNX has the channels of images first (n × channels × height × width), this library last. An imported network takes
//! its images channels last, whatever the file says; convolutions, pooling and normalisation of the file then run without
//! any number being moved. An exported one takes what the model takes, and turns images around once.

mod check;
mod constant;
mod export;
mod foreign;
mod graph;
mod import;
mod layer;
mod layers;
mod limit;
mod network;
mod node;
mod operators;
mod order;
mod proto;
mod rebuild;
mod record;
mod run;
mod scope;
mod tensor;
#[cfg(test)]
mod tests;
mod versions;
mod writer;

pub use export::{export, to_bytes};
pub use import::{Imported, import};
pub use layer::OnnxGraph;
pub use run::Graph;
pub use tensor::Tensor;
