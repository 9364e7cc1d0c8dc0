//! A crate that extends gradus with an operation, layers, a loss and a regularizer, used in a residual network on tabular
//! data.
//!
//! Read the modules in this order. Each ends with the tests of its parts, one or two lines each.
//!
//! 1. [`isru`]: an operation with its derivative, the method that records it, and a layer without weights.
//! 2. [`blend`]: a layer with weights and two inputs.
//! 3. [`loss`]: a loss, composed of operations.
//! 4. [`orthonormal`]: a regularizer.
//! 5. [`network`]: the model, and the registry that is needed to load it from a file.
//! 6. [`table`]: the data.
//! 7. [`text_format`]: a file format for whole networks, with an exporter and an importer.
//! 8. [`choice`]: a layer that is chosen at run time, by the program `choose`.
//! 9. [`sweep`]: a comparison of optimizers, by the program `sweep`.
//!
//! `main.rs` trains the model. `tests/learns.rs` tests it as a whole, and each of the last three modules has a test
//! file there.

pub mod blend;
pub mod choice;
pub mod isru;
pub mod loss;
pub mod network;
pub mod orthonormal;
pub mod sweep;
pub mod table;
pub mod text_format;
