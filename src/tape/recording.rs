//! The data of a recording, from which a tape is made.

use super::op::Op;
use super::origin::Origin;
use super::source::{Place, Source};
use super::stamp::Stamp;
use super::step::Step;
use crate::error::{Error, Result};
use crate::shape::Shape;

/// The index of a recorded value in its recording.
pub(super) type VarIndex = usize;

/// The operations and values recorded so far.
pub(super) struct Recording {
    pub(super) stamp: Stamp,
    pub(super) params: Option<Stamp>,
    /// One more than the largest index of a parameter that was recorded.
    pub(super) params_end: usize,
    pub(super) vars: Vec<RecordedValue>,
    /// The length of each buffer.
    pub(super) buffers: Vec<usize>,
    /// The buffers with constants, and their values.
    pub(super) constants: Vec<(usize, Vec<f32>)>,
    /// The buffers that are filled before a run.
    pub(super) inputs: Vec<usize>,
    pub(super) steps: Vec<Step>,
    /// The index and the name of each trainable parameter.
    pub(super) trainable: Vec<(usize, String)>,
    /// The index and the shape of each state parameter that operations update.
    pub(super) states: Vec<(usize, Shape)>,
    /// The index of each parameter to which a value is assigned, and the value.
    pub(super) assigned: Vec<(usize, VarIndex)>,
    pub(super) loss: Option<VarIndex>,
    /// The values whose ids were requested, which can be read from the tape.
    pub(super) observed: Vec<VarIndex>,
    /// The scalars that layers add to the loss.
    pub(super) added_losses: Vec<VarIndex>,
    pub(super) scope: String,
    pub(super) error: Option<Error>,
}

/// The mask of a recorded value.
#[derive(Clone, Copy)]
pub(super) enum MaskState {
    /// No mask was set.
    Unset,
    /// The mask was removed, so a layer does not pass a mask on to this value.
    Removed,
    /// The value that is the mask.
    Set(VarIndex),
}

/// A recorded value.
#[derive(Clone, Copy)]
pub(super) struct RecordedValue {
    pub(super) source: Source,
    /// Whether it depends on a variable or a trainable parameter.
    pub(super) differentiable: bool,
    pub(super) origin: Option<Origin<VarIndex>>,
    pub(super) mask: MaskState,
}

impl RecordedValue {
    /// A value without an origin and without a mask.
    pub(super) fn new(source: Source, differentiable: bool) -> RecordedValue {
        RecordedValue { source, differentiable, origin: None, mask: MaskState::Unset }
    }
}

impl Recording {
    /// An empty recording.
    pub(super) fn new() -> Recording {
        Recording {
            stamp: Stamp::next(),
            params: None,
            params_end: 0,
            vars: Vec::new(),
            buffers: Vec::new(),
            constants: Vec::new(),
            inputs: Vec::new(),
            steps: Vec::new(),
            trainable: Vec::new(),
            states: Vec::new(),
            assigned: Vec::new(),
            loss: None,
            observed: Vec::new(),
            added_losses: Vec::new(),
            scope: String::new(),
            error: None,
        }
    }

    /// The index of each state of an operation in `states`, in the order of [`Op::states`]. Adds states that are new.
    ///
    /// # Errors
    /// An input that is not a state parameter, or one parameter as two states.
    pub(super) fn state_slots(&mut self, op: &dyn Op, inputs: &[RecordedValue]) -> Result<Vec<usize>> {
        let mut slots = Vec::new();
        for &position in op.states() {
            let expected =
                |what: &str| Error::expected(format!("{what} as input {position}, which the operation updates"));
            let slot = match inputs.get(position) {
                Some(&RecordedValue {
                    source: Source { place: Place::Param(index), shape },
                    differentiable: false,
                    ..
                }) => self.state_slot(index, shape),
                _ => return Err(expected("a parameter that is not trainable")),
            };
            if slots.contains(&slot) {
                return Err(expected("a parameter that is not another state"));
            }
            slots.push(slot);
        }
        Ok(slots)
    }

    /// The index of a parameter in `states`, to which it is added if it is new.
    fn state_slot(&mut self, index: usize, shape: Shape) -> usize {
        let known = self.states.iter().position(|(known, _)| *known == index);
        known.unwrap_or_else(|| {
            self.states.push((index, shape));
            self.states.len() - 1
        })
    }
}
