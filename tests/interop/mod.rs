//! The Rust part of `tests/interop/run`, which calls these tests before and after the other programs.

mod keras;
mod keras_layers;
mod onnx;
