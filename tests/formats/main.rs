//! Tests of the file formats of other programs. `make.py` wrote the files in this folder.

mod channels_first;
mod closure;
mod faults_config;
mod files;
mod hdf5;
#[path = "../interop/mod.rs"]
mod interop;
mod keras_files;
mod keras_nested;
mod keras_recurrent;
mod onnx;
mod onnx_graphs;
mod onnx_nodes;
#[path = "../onnx/packed.rs"]
mod packed;
