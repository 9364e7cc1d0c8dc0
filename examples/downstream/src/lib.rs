//! What another crate makes of gradus: an operation, a layer, a loss and a regularizer of its own, a residual network of
//! them, and made-up tables to train it on. Each file stands for itself; `main.rs` runs them all.

pub mod blend;
pub mod isru;
pub mod loss;
pub mod network;
pub mod orthonormal;
pub mod table;
