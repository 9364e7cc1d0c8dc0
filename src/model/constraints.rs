//! The constraints on the weights of a model, recorded on a tape that runs after each step of the optimizer.

use crate::architecture::Architecture;
use crate::error::Result;
use crate::random::Key;
use crate::tape::{Mode, ParamId, Params, Recorder, Tape, ValueId};

/// A tape that computes the constrained values of weights.
#[derive(Debug)]
pub(super) struct ConstraintTape {
    tape: Tape,
    constrained: Vec<(ParamId, ValueId)>,
}

impl ConstraintTape {
    /// Records the constraints; `None` if no trainable weight has one.
    ///
    /// # Errors
    /// The errors of the constraints' operations, and values that do not have the shape of the weights.
    pub(super) fn record(architecture: &Architecture) -> Result<Option<ConstraintTape>> {
        let recorder = Recorder::new(Mode::Inference);
        let mut constrained = Vec::new();
        for (id, values) in architecture.record_constraints(&recorder) {
            constrained.push((id, values.id()));
        }
        if constrained.is_empty() {
            return Ok(None);
        }
        Ok(Some(ConstraintTape { tape: recorder.finish()?, constrained }))
    }

    /// The approximate number of bytes of the values.
    pub(super) fn bytes(&self) -> usize {
        self.tape.bytes()
    }

    /// Replaces the weights by their constrained values.
    ///
    /// # Errors
    /// An operation encounters an invalid value.
    pub(super) fn apply(&mut self, params: &mut Params, key: Key) -> Result<()> {
        self.tape.run(params, key)?;
        for (id, values) in &self.constrained {
            params.values_mut(*id).copy_from_slice(self.tape.view(*values).data());
        }
        Ok(())
    }
}
