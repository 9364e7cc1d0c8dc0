//! What another crate makes of gradus: parts of its own, put together as a residual network on tables of numbers.
//!
//! To be read in this order. Each part's file ends with the tests that it needs, a line or two each.
//!
//! 1. [`isru`]: an operation with its derivative, the method that records it, and a layer without weights.
//! 2. [`blend`]: a layer of two inputs with weights.
//! 3. [`loss`]: a loss, written with operations.
//! 4. [`orthonormal`]: a regularizer.
//! 5. [`network`]: a model of all these, and what it takes to read it back from a file.
//! 6. [`table`]: the data.
//!
//! `main.rs` trains it; `tests/learns.rs` is what to hold a whole model to.

pub mod blend;
pub mod isru;
pub mod loss;
pub mod network;
pub mod orthonormal;
pub mod table;
