//! Runs of a tape that compute only some values.

use super::params::Params;
use super::source::Place;
use super::tape::Tape;
use super::value_id::ValueId;
use crate::error::Result;
use crate::random::Key;

impl Tape {
    /// Computes the values of `steps`, ascending, of which each may read the inputs, the parameters and earlier ones. A backward
    /// pass needs another run.
    ///
    /// # Errors
    /// Those of [`run_rows`](Tape::run_rows).
    pub(crate) fn run_steps(&mut self, steps: &[usize], params: &Params, key: Key, first_row: usize) -> Result<()> {
        self.check_params(params);
        self.has_run = false;
        self.state_updates.discard();
        steps.iter().try_for_each(|step| self.step_forward(*step, params, key, first_row))
    }

    /// The steps that compute these values, ascending.
    pub(crate) fn steps_to(&self, values: impl Iterator<Item = ValueId>) -> Vec<usize> {
        let mut needed: Vec<Place> = values.map(|id| self.source(id).place).collect();
        let mut steps = Vec::new();
        for (number, step) in self.steps.iter().enumerate().rev() {
            if needed.contains(&Place::Buffer(step.output)) {
                needed.extend(step.inputs.iter().map(|source| source.place));
                steps.push(number);
            }
        }
        steps.reverse();
        steps
    }
}
