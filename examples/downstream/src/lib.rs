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
//!
//! `main.rs` trains the model; `tests/learns.rs` tests it as a whole.

pub mod blend;
pub mod isru;
pub mod loss;
pub mod network;
pub mod orthonormal;
pub mod table;
