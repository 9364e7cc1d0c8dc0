//! The plan of the backward pass: the operation that writes each gradient first, and the later contributions to it.

use super::addition::Addition;
use super::gradients::{GradientTarget, TargetPlace};
use super::slots::Slots;
use super::source::Place;
use super::step::Step;
use crate::error::{Error, Result};
use std::collections::{BTreeMap, BTreeSet};

/// The arrays for the backward pass, and the locations of the gradients that it writes.
pub(super) struct Plan {
    /// The gradient of a value is needed from its first contribution until the operation that computed the value has passed it
    /// on.
    pub(super) gradients: Slots,
    /// The lengths of the scratch arrays.
    pub(super) scratch: Vec<usize>,
    reached: BTreeSet<Place>,
}

impl Plan {
    /// Returns an error if the loss does not depend on one of the trainable parameters.
    pub(super) fn check_reached(&self, trainable: &[(usize, String)]) -> Result<()> {
        let unreached = trainable.iter().find(|(index, _)| !self.reached.contains(&Place::Param(*index)));
        unreached.map_or(Ok(()), |(_, name)| Err(Error::Unreached { parameter: name.clone() }))
    }
}

/// Plans the backward pass: sets the targets and additions of each step, from the loss backwards.
pub(super) fn backward(steps: &mut [Step], buffers: &[usize], loss: Option<usize>) -> Plan {
    let (gradients, scratch) = (Slots::new(buffers.len()), Vec::new());
    let mut plan = Plan { gradients, scratch, reached: BTreeSet::new() };
    let Some(loss) = loss else { return plan };
    plan.gradients.take(loss, buffers[loss]);
    plan.reached.insert(Place::Buffer(loss));
    for step in steps.iter_mut().rev() {
        if plan.reached.contains(&Place::Buffer(step.output)) {
            plan_step(step, buffers, &mut plan);
            plan.gradients.release(step.output);
        }
    }
    find_in_place(steps);
    plan
}

/// Sets the parameter that each step can update in its backward pass: one that no other step reads.
fn find_in_place(steps: &mut [Step]) {
    let mut uses = BTreeMap::new();
    for source in steps.iter().filter(|step| !step.targets.is_empty()).flat_map(|step| &step.inputs) {
        *uses.entry(source.place).or_insert(0) += 1;
    }
    for step in steps {
        let place = step.op.in_place().map(|op| step.inputs[op.position()].place);
        let is_written = |index| step.targets.iter().any(|target| target.place == TargetPlace::Param(index));
        step.in_place = match place {
            Some(Place::Param(index)) if uses.get(&Place::Param(index)) == Some(&1) && is_written(index) => Some(index),
            _ => None,
        };
    }
}

/// Sets the targets and additions of a step.
fn plan_step(step: &mut Step, buffers: &[usize], plan: &mut Plan) {
    let mut scratch_count = 0;
    for (position, source) in step.inputs.iter().enumerate().filter(|(position, _)| step.needs_gradient[*position]) {
        let first = plan.reached.insert(source.place);
        let place = match source.place {
            Place::Buffer(index) if first => TargetPlace::Buffer(plan.gradients.take(index, buffers[index])),
            Place::Param(index) if first => TargetPlace::Param(index),
            to => {
                let to = match to {
                    Place::Buffer(index) => {
                        TargetPlace::Buffer(plan.gradients.of[index].expect("a first contribution"))
                    }
                    Place::Param(index) => TargetPlace::Param(index),
                    Place::Nowhere => unreachable!("a tape with an error is never finished"),
                };
                step.additions.push(Addition { to, scratch: scratch_count, length: source.shape.len() });
                scratch_count += 1;
                TargetPlace::Scratch(scratch_count - 1)
            }
        };
        let target = GradientTarget { place, position, length: source.shape.len() };
        step.targets.insert(step.targets.partition_point(|before| *before < target), target);
        if let TargetPlace::Scratch(index) = place {
            plan.scratch.resize(plan.scratch.len().max(index + 1), 0);
            plan.scratch[index] = plan.scratch[index].max(source.shape.len());
        }
    }
}
