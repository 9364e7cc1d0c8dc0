//! Tests of programs from the outside: the command line program `gradus` and the examples.

mod cli;
mod commands;
mod conversions;
mod examples;
mod faults;
mod folder;
mod interrupt;
mod mistakes;
#[path = "../notebooks/mod.rs"]
mod notebooks;
mod onnx_graphs;
mod open_axes;
#[path = "../onnx/packed.rs"]
mod packed;
mod weights;
