//! Plans for one of several shards of a batch, whose losses have factors that are set before each run.

use super::{Plan, TrainedOutput, sum};
use crate::error::Result;
use crate::random::Key;
use crate::shape::{Shape, View};
use crate::tape::{ParamGradients, ParamId, Params, Recorder, ValueId, Var};

impl Plan {
    /// Runs a shard that begins with row `first_row` of the batch.
    pub(in crate::model) fn run_shard(&mut self, params: &Params, key: Key, first_row: usize) -> Result<()> {
        self.tape.run_rows(params, key, first_row)
    }

    /// Computes the gradients of a shard after its run.
    pub(in crate::model) fn backward(&mut self, params: &Params, gradients: &mut ParamGradients) {
        if self.tape.has_gradients() {
            self.tape.backward(params, gradients);
        }
    }

    /// The states that a run updates, with their lengths.
    pub(in crate::model) fn states(&self) -> impl Iterator<Item = (ParamId, usize)> {
        self.tape.states()
    }

    /// The new values of the states, after a run.
    pub(in crate::model) fn new_states(&self) -> impl Iterator<Item = View<'_>> {
        self.tape.commits().map(|(_, values)| values)
    }

    /// Sets the factors of the losses that a shard minimizes.
    pub(in crate::model) fn set_factors(&mut self, factors: impl Iterator<Item = f32>) {
        for (id, value) in self.factors.iter().zip(factors) {
            let [factor] = self.tape.input_slices([*id]);
            factor[0] = value;
        }
    }

    /// Whether the loss of a trained output is a mean over the valid positions of a batch instead of its rows.
    pub(in crate::model) fn counts_positions(&self, trained_outputs: &[TrainedOutput]) -> bool {
        self.ignored.iter().any(Option::is_some)
            || trained_outputs.iter().any(|trained| self.masks[trained.output].is_some())
    }

    /// Counts the positions over which the loss of each trained output is a mean, for a shard whose inputs and targets are set
    /// and that begins with row `first_row` of the batch.
    ///
    /// # Errors
    /// An operation on which a mask depends encounters an invalid value.
    pub(in crate::model) fn count_positions(
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

/// Records the loss that a shard minimizes, in which each part has a factor: the losses of the trained outputs, those that
/// layers added, and the penalties on weights. Returns the factors too.
pub(super) fn with_factors<'r>(recorder: &'r Recorder, parts: &[Option<Var<'r>>]) -> (Vec<ValueId>, Option<Var<'r>>) {
    let factors: Vec<Var<'r>> = parts.iter().map(|_| recorder.input(Shape::SCALAR)).collect();
    let multiplied = parts.iter().zip(&factors).filter_map(|(part, factor)| part.map(|part| part * *factor));
    (factors.iter().map(Var::id).collect(), sum(multiplied))
}
