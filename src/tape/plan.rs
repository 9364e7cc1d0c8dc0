//! What backward will do, worked out once: who writes a gradient first, and what is added to it later.

use super::Step;
use super::op::{Loan, LoanPlace, Place};
use crate::error::{Error, Result};
use crate::kernels::aligned_buffer::AlignedBuffer;
use std::collections::{BTreeMap, BTreeSet};

/// A later contribution to a gradient, waiting in scratch to be added.
#[derive(Clone, Copy, Debug)]
pub(super) struct Addition {
    to: Place,
    scratch: usize,
}

impl Addition {
    pub(super) fn run(&self, buffers: &mut [AlignedBuffer], params: &mut [AlignedBuffer], scratch: &[AlignedBuffer]) {
        let to = match self.to {
            Place::Buffer(index) => &mut buffers[index],
            Place::Param(index) => &mut params[index],
            Place::Nowhere => unreachable!("only places have gradients"),
        };
        // Scratch is as long as its longest use, so the gradient's length is what counts.
        to.iter_mut().zip(scratch[self.scratch].iter()).for_each(|(to, more)| *to += more);
    }
}

/// The lengths of the arrays that backward needs, and which gradients it writes.
pub(super) struct Plan {
    pub(super) gradients: Vec<usize>,
    pub(super) scratch: Vec<usize>,
    reached: BTreeSet<Place>,
}

impl Plan {
    /// Every trainable parameter must have been written to.
    pub(super) fn check_reached(&self, trainable: &[(usize, String)]) -> Result<()> {
        let missed = trainable.iter().find(|(index, _)| !self.reached.contains(&Place::Param(*index)));
        missed.map_or(Ok(()), |(_, name)| Err(Error::Unreached { parameter: name.clone() }))
    }
}

/// Walks the steps backwards from the loss and gives each its loans and additions.
pub(super) fn backward(steps: &mut [Step], buffers: &[usize], loss: Option<usize>) -> Plan {
    let mut plan = Plan { gradients: vec![0; buffers.len()], scratch: Vec::new(), reached: BTreeSet::new() };
    let Some(loss) = loss else { return plan };
    plan.gradients[loss] = buffers[loss];
    plan.reached.insert(Place::Buffer(loss));
    for step in steps.iter_mut().rev() {
        if plan.reached.contains(&Place::Buffer(step.output)) {
            lend(step, buffers, &mut plan);
        }
    }
    find_in_place(steps);
    plan
}

/// Finds the parameters that can be changed as soon as their gradient is there: those that one step alone reads.
fn find_in_place(steps: &mut [Step]) {
    let mut uses = BTreeMap::new();
    for source in steps.iter().filter(|step| !step.loans.is_empty()).flat_map(|step| &step.inputs) {
        *uses.entry(source.place).or_insert(0) += 1;
    }
    for step in steps {
        let place = step.op.in_place().map(|op| step.inputs[op.position()].place);
        let lent = |index| step.loans.iter().any(|loan| loan.place == LoanPlace::Param(index));
        step.in_place = match place {
            Some(Place::Param(index)) if uses.get(&Place::Param(index)) == Some(&1) && lent(index) => Some(index),
            _ => None,
        };
    }
}

fn lend(step: &mut Step, buffers: &[usize], plan: &mut Plan) {
    let mut spare = 0;
    for (position, source) in step.inputs.iter().enumerate().filter(|(position, _)| step.wanted[*position]) {
        let first = plan.reached.insert(source.place);
        let place = match source.place {
            Place::Buffer(index) if first => {
                plan.gradients[index] = buffers[index];
                LoanPlace::Buffer(index)
            }
            Place::Param(index) if first => LoanPlace::Param(index),
            to => {
                step.additions.push(Addition { to, scratch: spare });
                spare += 1;
                LoanPlace::Scratch(spare - 1)
            }
        };
        let loan = Loan { place, position, length: source.shape.len() };
        step.loans.insert(step.loans.partition_point(|before| *before < loan), loan);
        if let LoanPlace::Scratch(index) = place {
            plan.scratch.resize(plan.scratch.len().max(index + 1), 0);
            plan.scratch[index] = plan.scratch[index].max(source.shape.len());
        }
    }
}
