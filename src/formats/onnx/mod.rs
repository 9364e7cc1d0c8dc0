//! Import and export of ONNX files (<https://onnx.ai>), which PyTorch, Keras, scikit-learn and onnxruntime read or write.
//!
//! [`import`] converts a file to a network with its weights, which can be run and trained. [`export`] saves a model for other
//! programs. [`Graph`] runs any graph of supported operators.
//!
//! Images are channels first in ONNX (n × channels × height × width) and channels last in gradus. An imported network takes
//! images channels last, so that convolutions, pooling and normalization need no transposition. An exported network has the
//! inputs of the model and transposes images where necessary.

mod activation_nodes;
mod adaptive_pooling;
mod branch;
mod check;
mod constant;
mod export;
mod external;
mod fill;
mod graph;
mod graph_constants;
mod graph_nodes;
mod image_nodes;
mod import;
mod import_open;
mod joined_rows;
mod layer;
mod layer_settings;
mod layer_traits;
mod layers;
mod memory;
mod merging_nodes;
mod nested_graphs;
mod network;
mod node;
mod normalization_nodes;
mod operators;
mod order;
mod proto;
mod rebuild;
mod record;
mod recurrent_layers;
mod reshaping_nodes;
mod resizing_nodes;
mod rows;
mod run;
mod scikit_learn;
mod scope;
mod size_limit;
mod state_rows;
mod stored_graph;
mod tensor;
#[cfg(test)]
mod tests;
mod time_distributed;
mod upgrade;
mod versions;
mod writer;

pub use export::{export, to_bytes};
pub use import::{Imported, import, import_with};
pub use layer::OnnxGraph;
pub use run::Graph;
pub use tensor::Tensor;
