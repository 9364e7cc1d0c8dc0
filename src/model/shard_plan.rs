//! Runs of plans for one of several shards of a batch.

use super::plan::Plan;
use super::trained_outputs::TrainedOutput;
use crate::error::Result;
use crate::random::Key;
use crate::shape::View;
use crate::tape::{ParamGradients, ParamId, Params};

impl Plan {
    /// Runs a shard that begins with row `first_row` of the batch.
    pub(super) fn run_shard(&mut self, params: &Params, key: Key, first_row: usize) -> Result<()> {
        self.tape.run_rows(params, key, first_row)
    }

    /// Computes the gradients of a shard after its run.
    pub(super) fn backward(&mut self, params: &Params, gradients: &mut ParamGradients) {
        if self.tape.has_gradients() {
            self.tape.backward(params, gradients);
        }
    }

    /// The states that a run updates, with their lengths.
    pub(super) fn states(&self) -> impl Iterator<Item = (ParamId, usize)> {
        self.tape.states()
    }

    /// The new values of the states, after a run.
    pub(super) fn new_states(&self) -> impl Iterator<Item = View<'_>> {
        self.tape.commits().map(|(_, values)| values)
    }

    /// Sets the factors of the losses that a shard minimizes.
    pub(super) fn set_factors(&mut self, factors: impl Iterator<Item = f32>) {
        for (id, value) in self.factors.iter().zip(factors) {
            let [factor] = self.tape.input_slices([*id]);
            factor[0] = value;
        }
    }

    /// Whether the loss of a trained output is a mean over the valid positions of a batch instead of its rows.
    pub(super) fn counts_positions(&self, trained_outputs: &[TrainedOutput]) -> bool {
        self.ignored.iter().any(Option::is_some)
            || trained_outputs.iter().any(|trained| self.masks[trained.output].is_some())
    }

    /// Counts the positions over which the loss of each trained output is a mean, for a shard whose inputs and targets are set
    /// and that begins with row `first_row` of the batch.
    ///
    /// # Errors
    /// An operation on which a mask depends encounters an invalid value.
    pub(super) fn count_positions(
        &mut self,
        params: &Params,
        key: Key,
        first_row: usize,
        trained_outputs: &[TrainedOutput],
        counts: &mut [usize],
    ) -> Result<()> {
        self.tape.run_steps(&self.mask_steps, params, key, first_row)?;
        for (number, (trained, count)) in trained_outputs.iter().zip(counts).enumerate() {
            *count = self.valid_positions(number, trained).unwrap_or(self.kind.rows);
        }
        Ok(())
    }
}
