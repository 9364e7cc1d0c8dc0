//! The Rust side of `tests/interop/run`, which calls these with the other programs around them.

mod keras;
mod onnx;
