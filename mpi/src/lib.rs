//! Trains [gradus] models on the processes of an MPI job: several machines, or several processes of one.
//!
//! The weights are those of one process with the same number of [shards](gradus::Compile::shards), bit for bit, for any number
//! of processes. [`MpiExchange`] moves data and never adds numbers, since MPI promises no order of additions.
//!
//! ```no_run
//! use gradus::{Compile, Fit, Sequential, data::Arrays, layers::Dense, losses::MeanSquaredError, optimizers::Sgd};
//! use gradus_mpi::Job;
//! use std::process::ExitCode;
//!
//! fn main() -> ExitCode {
//!     Job::new().run(|exchange| {
//!         let data = Arrays::new(ndarray_of_inputs(), ndarray_of_targets())?; // the same on every process
//!         let settings = Compile::new(Sgd::new(0.1), MeanSquaredError::new()).shards(8);
//!         let mut model = Sequential::new([3]).add(Dense::new(1)).compile(settings)?;
//!         model.fit(&data, Fit::new().epochs(10).batch_size(256).exchange(exchange))?;
//!         Ok(())
//!     })
//! }
//! # fn ndarray_of_inputs() -> gradus::ndarray::Array2<f32> { unimplemented!() }
//! # fn ndarray_of_targets() -> gradus::ndarray::Array2<f32> { unimplemented!() }
//! ```
//!
//! ```sh
//! mpirun -n 4 target/release/train
//! ```

#![warn(missing_docs, missing_debug_implementations, unsafe_code)]

mod exchange;
mod job;
mod launcher;

pub use exchange::MpiExchange;
pub use job::Job;
