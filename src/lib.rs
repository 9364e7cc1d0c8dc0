//! gradus trains small and medium neural networks on a CPU.

mod error;
mod random;
mod shape;

pub mod data;
pub mod kernels;

pub use error::{Error, Result};
pub use random::{Draws, Key};
pub use shape::{MAX_RANK, Shape, View};
