//! The sums over the shards of a batch: of gradients, and of the new values of states such as running statistics.

use super::members::Members;
use super::plan::Plan;
use super::shards::{Node, Shards, Tree, part};
use crate::error::Result;
use crate::kernels::accumulate::accumulate;
use crate::tape::{ParamGradients, ParamId, Params};
use std::ops::Range;

/// The sums over the shards of a batch. Each is an array with the gradients of all parameters, then the new values of all
/// states.
#[derive(Debug)]
pub(super) struct ShardSums {
    shards: Shards,
    /// The states, with their lengths.
    states: Vec<(ParamId, usize)>,
    /// The number of elements of the gradients.
    gradients: usize,
    tree: Tree<Vec<f32>>,
    /// Arrays for reuse.
    unused: Vec<Vec<f32>>,
    /// Numbers that are sent.
    sent: Vec<f32>,
    /// Numbers that are received.
    received: Vec<f32>,
    /// The sum over all shards, after [`finish`](ShardSums::finish).
    total: Vec<f32>,
}

impl ShardSums {
    /// Creates sums for the parameters that `plan` uses.
    pub(super) fn new(shards: Shards, params: &Params, plan: &Plan) -> ShardSums {
        ShardSums {
            shards,
            states: plan.states().collect(),
            gradients: params.count(true),
            tree: Tree::default(),
            unused: Vec::new(),
            sent: Vec::new(),
            received: Vec::new(),
            total: Vec::new(),
        }
    }

    /// The number of elements of a sum.
    fn len(&self) -> usize {
        self.gradients + self.states.iter().map(|(_, length)| length).sum::<usize>()
    }

    /// Removes the sums of the previous batch.
    pub(super) fn clear(&mut self) {
        self.tree.clear(|sum| self.unused.push(sum));
        if !self.total.is_empty() {
            self.unused.push(std::mem::take(&mut self.total));
        }
    }

    /// Adds the next shard: the gradients and the states of a plan after its backward pass, or nothing if it has no rows.
    pub(super) fn push(&mut self, shard: usize, computed: Option<(&ParamGradients, &Plan)>) {
        let length = self.len();
        let sum = computed.map(|(gradients, plan)| {
            let mut sum = self.unused.pop().unwrap_or_default();
            sum.clear();
            sum.reserve_exact(length);
            gradients.arrays().for_each(|gradient| sum.extend_from_slice(gradient));
            plan.new_states().for_each(|state| sum.extend_from_slice(state.data()));
            sum
        });
        let unused = &mut self.unused;
        self.tree.push(Node::leaf(shard), sum, |left, right| add(left, right, unused));
    }

    /// Completes the tree after the last of the shards `own`.
    pub(super) fn complete(&mut self, own: Range<usize>) {
        let unused = &mut self.unused;
        self.tree.complete(self.shards, own, |left, right| add(left, right, unused));
    }

    /// Adds the subtrees of all members, which are those of a batch of `rows` rows. Each member adds a part of all elements,
    /// and sends its sums to the others.
    ///
    /// # Errors
    /// The members cannot continue together.
    pub(super) fn finish(&mut self, rows: usize, members: &mut Members<'_>) -> Result<()> {
        if members.is_alone() {
            self.tree.clear(|root| self.total = root);
            return Ok(());
        }
        self.total = self.unused.pop().unwrap_or_default();
        let (length, count, own) = (self.len(), members.count(), members.own_part(self.len()));
        let subtrees = |member: usize| self.shards.subtrees(self.shards.of_member(member, count), rows);
        let values = |member: usize| subtrees(member).iter().filter(|(_, has_values)| *has_values).count();
        let part_of = |member: usize| part(member, count, length);
        self.sent.clear();
        for member in 0..count {
            self.tree.sums().for_each(|sum| self.sent.extend_from_slice(&sum[part_of(member)]));
        }
        let send_counts: Vec<usize> = (0..count).map(|to| values(members.member()) * part_of(to).len()).collect();
        let receive_counts: Vec<usize> = (0..count).map(|from| values(from) * own.len()).collect();
        members.all_to_all(&self.sent, &send_counts, &mut self.received, &receive_counts)?;

        let (mut tree, mut rest) = (Tree::default(), &self.received[..]);
        for (node, has_values) in (0..count).flat_map(subtrees) {
            let sum = has_values.then(|| {
                let (sum, later) = rest.split_at(own.len());
                rest = later;
                sum.to_vec()
            });
            tree.push(node, sum, |left: &mut Vec<f32>, right| accumulate(&right, left));
        }
        self.sent.clear();
        for _ in 0..count {
            tree.sums().for_each(|sum| self.sent.extend_from_slice(sum));
        }
        let counts: Vec<usize> = (0..count).map(|from| part_of(from).len()).collect();
        members.all_to_all(&self.sent, &vec![own.len(); count], &mut self.total, &counts)
    }

    /// Writes the sum over all shards to the gradients and, divided by the number of shards with rows, to the states.
    pub(super) fn write(&self, shards: usize, gradients: &mut ParamGradients, params: &mut Params) {
        let (mut of_gradients, mut of_states) = self.total.split_at(self.gradients);
        for gradient in gradients.arrays_mut() {
            let (values, rest) = of_gradients.split_at(gradient.len());
            gradient.copy_from_slice(values);
            of_gradients = rest;
        }
        for (id, length) in &self.states {
            let (values, rest) = of_states.split_at(*length);
            let means = values.iter().map(|value| value / shards as f32);
            params.values_mut(*id).iter_mut().zip(means).for_each(|(state, mean)| *state = mean);
            of_states = rest;
        }
    }
}

fn add(left: &mut [f32], right: Vec<f32>, unused: &mut Vec<Vec<f32>>) {
    accumulate(&right, left);
    unused.push(right);
}
