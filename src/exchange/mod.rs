//! Training by several members, such as processes of a cluster: the trait by which they exchange data, and members that are
//! threads of one process.
//!
//! A member is a model that computes some of the [shards](crate::Compile::shards) of each batch. All members compile equal
//! models, open equal datasets and call `fit` with equal settings, and end with equal weights: those that one process computes
//! with the same number of shards, bit for bit, for any number of members. Of a dataset, a member reads the rows of its shards,
//! the targets of all rows before training, and a few rows that identify the dataset.
//!
//! An [`Exchange`] moves data and never adds numbers, so that sums do not depend on it. `gradus-mpi` implements it for MPI.
//!
//! ```
//! use gradus::exchange::ThreadExchange;
//! use gradus::{Compile, Fit, Progress, Sequential, data::Arrays, layers::Dense};
//! use gradus::{losses::MeanSquaredError, optimizers::Sgd};
//! use ndarray::Array2;
//!
//! let data = Arrays::new(Array2::from_elem((24, 3), 0.5f32), Array2::from_elem((24, 1), 1.0f32))?;
//! let train = |exchange: Option<ThreadExchange>| {
//!     let settings = Compile::new(Sgd::new(0.1), MeanSquaredError::new()).shards(4).threads(1);
//!     let mut model = Sequential::new([3]).add(Dense::new(1)).compile(settings)?;
//!     let fit = Fit::new().epochs(2).batch_size(8).progress(Progress::Quiet);
//!     match exchange {
//!         None => model.fit(&data, fit)?,
//!         Some(mut exchange) => model.fit(&data, fit.exchange(&mut exchange))?,
//!     };
//!     Ok::<_, gradus::Error>(model.params().sha256())
//! };
//! let alone = train(None)?;
//! let found = std::thread::scope(|scope| {
//!     let members = ThreadExchange::members(3).into_iter().map(|member| scope.spawn(|| train(Some(member))));
//!     let members: Vec<_> = members.collect(); // all run at the same time
//!     members.into_iter().map(|member| member.join().unwrap()).collect::<gradus::Result<Vec<_>>>()
//! })?;
//! assert_eq!(found, vec![alone; 3]);
//! # Ok::<(), gradus::Error>(())
//! ```

mod counting;
mod subtrees;
mod threads;

pub use counting::CountingExchange;
pub(crate) use subtrees::report;
pub use subtrees::subtrees;
pub use threads::ThreadExchange;

use crate::error::Result;

/// Moves data between the members of a training run. Every member calls the same methods in the same order; a call returns
/// when the data of the other members have arrived.
///
/// An error means that the members cannot continue together, for example because one of them ended. `fit` then returns it.
/// Errors of models, datasets and callbacks are exchanged as messages, so that `fit` returns an error on every member.
pub trait Exchange: Send {
    /// The number of this member, from 0. Member 0 runs the callbacks, shows the progress and writes the checkpoints.
    fn member(&self) -> usize;

    /// The number of members, at least 1.
    fn members(&self) -> usize;

    /// Sends numbers to each member, and receives numbers from each member.
    ///
    /// `send` has the numbers for all members one after the other, `send_counts[m]` of them for member m. `receive` is filled
    /// with those from all members, `receive_counts[m]` of them from member m. Both include this member. The bits of the numbers
    /// must not change. The counts are known to both sides.
    ///
    /// # Errors
    /// The members cannot continue together.
    fn all_to_all(
        &mut self,
        send: &[f32],
        send_counts: &[usize],
        receive: &mut [f32],
        receive_counts: &[usize],
    ) -> Result<()>;

    /// Sends a message of any length to each member, and returns the messages of all members in order.
    ///
    /// # Errors
    /// The members cannot continue together.
    fn all_gather(&mut self, message: &[u8]) -> Result<Vec<Vec<u8>>>;

    /// Whether this member was asked to stop, for example by a signal. If any member was, training pauses on all members after
    /// the current step, with a checkpoint. Defaults to no.
    fn stop_requested(&mut self) -> bool {
        false
    }
}

impl<E: Exchange + ?Sized> Exchange for &mut E {
    fn member(&self) -> usize {
        (**self).member()
    }

    fn members(&self) -> usize {
        (**self).members()
    }

    fn all_to_all(
        &mut self,
        send: &[f32],
        send_counts: &[usize],
        receive: &mut [f32],
        receive_counts: &[usize],
    ) -> Result<()> {
        (**self).all_to_all(send, send_counts, receive, receive_counts)
    }

    fn all_gather(&mut self, message: &[u8]) -> Result<Vec<Vec<u8>>> {
        (**self).all_gather(message)
    }

    fn stop_requested(&mut self) -> bool {
        (**self).stop_requested()
    }
}
