//! gradus trains small and medium neural networks on a CPU.

#![cfg_attr(not(test), warn(clippy::unwrap_used))]

mod error;
mod files;
mod init;
mod random;
mod shape;
mod spec;

pub mod data;
pub mod kernels;
pub mod layers;
pub mod losses;
pub mod metrics;
pub mod model;
pub mod ops;
pub mod optimizers;
pub mod report;
#[cfg(feature = "run")]
pub mod run;
pub mod tape;
pub mod testing;

pub use error::{Error, Result};
pub use init::Init;
pub use model::{BatchEnd, Callback, Compile, EpochEnd, Fit, Model, Progress, Sequential};
pub use random::{Draws, Key};
pub use shape::{MAX_RANK, Shape, View};
pub use spec::{Spec, SpecValue};
