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
    /// The part of the sum over all shards that this member adds, after [`reduce`](ShardSums::reduce).
    own: Vec<f32>,
    /// The parts of all members, after [`gather`](ShardSums::gather).
    total: Vec<f32>,
    /// The borders of the parts of the members, if each updates the weights of its part.
    borders: Option<Vec<usize>>,
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
            own: Vec::new(),
            total: Vec::new(),
            borders: None,
        }
    }

    /// The number of elements of a sum.
    pub(super) fn len(&self) -> usize {
        self.gradients + self.states.iter().map(|(_, length)| length).sum::<usize>()
    }

    /// Sets the borders of the parts of the members, each of which updates the weights of its part.
    pub(super) fn set_borders(&mut self, borders: Vec<usize>) {
        self.borders = Some(borders);
    }

    /// Whether each member updates the weights of its part.
    pub(super) fn updates_parts(&self) -> bool {
        self.borders.is_some()
    }

    /// The elements of a sum that a member adds.
    fn part_of(&self, member: usize, members: usize) -> Range<usize> {
        match &self.borders {
            Some(borders) => borders[member]..borders[member + 1],
            None => part(member, members, self.len()),
        }
    }

    /// The elements of the trainable parameters that belong to a member.
    pub(super) fn weights_of(&self, member: usize, members: usize) -> Range<usize> {
        let Range { start, end } = self.part_of(member, members);
        start.min(self.gradients)..end.min(self.gradients)
    }

    /// The gradients of the weights that belong to this member, after [`reduce`](ShardSums::reduce). The updated weights
    /// replace them before [`gather`](ShardSums::gather).
    pub(super) fn own_weights(&mut self, members: &Members<'_>) -> &mut [f32] {
        let length = self.weights_of(members.member(), members.count()).len();
        &mut self.own[..length]
    }

    /// Frees the memory of the arrays.
    pub(super) fn release(&mut self) {
        self.clear();
        for array in [&mut self.sent, &mut self.received, &mut self.own] {
            *array = Vec::new();
        }
        self.unused = Vec::new();
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
        self.reduce(rows, members)?;
        self.gather(members)
    }

    /// Adds the part of this member of the subtrees of all members, which are those of a batch of `rows` rows.
    ///
    /// # Errors
    /// The members cannot continue together.
    pub(super) fn reduce(&mut self, rows: usize, members: &mut Members<'_>) -> Result<()> {
        let (shards, count) = (self.shards, members.count());
        let own = self.part_of(members.member(), count);
        let subtrees = |member: usize| shards.subtrees(shards.of_member(member, count), rows);
        let values = |member: usize| subtrees(member).iter().filter(|(_, has_values)| *has_values).count();
        self.sent.clear();
        let mut send_counts = Vec::with_capacity(count);
        for member in 0..count {
            let part = self.part_of(member, count);
            self.tree.sums().for_each(|sum| self.sent.extend_from_slice(&sum[part.clone()]));
            send_counts.push(values(members.member()) * part.len());
        }
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
        tree.clear(|root| self.own = root);
        Ok(())
    }

    /// Sends the part of this member to all members, and receives theirs.
    ///
    /// # Errors
    /// The members cannot continue together.
    pub(super) fn gather(&mut self, members: &mut Members<'_>) -> Result<()> {
        let count = members.count();
        self.sent.clear();
        (0..count).for_each(|_| self.sent.extend_from_slice(&self.own));
        let counts: Vec<usize> = (0..count).map(|from| self.part_of(from, count).len()).collect();
        self.total = self.unused.pop().unwrap_or_default();
        members.all_to_all(&self.sent, &vec![self.own.len(); count], &mut self.total, &counts)
    }

    /// Writes the sum over all shards to the gradients and, divided by the number of shards with rows, to the states.
    pub(super) fn write(&self, shards: usize, gradients: &mut ParamGradients, params: &mut Params) {
        let mut rest = &self.total[..];
        for gradient in gradients.arrays_mut() {
            let (values, later) = rest.split_at(gradient.len());
            gradient.copy_from_slice(values);
            rest = later;
        }
        self.write_states(shards, params);
    }

    /// Writes the weights that the members updated, and the states.
    pub(super) fn write_weights(&self, shards: usize, params: &mut Params) {
        let mut rest = &self.total[..];
        for id in params.ids().filter(|id| params.trainable(*id)).collect::<Vec<_>>() {
            let (values, later) = rest.split_at(params.values(id).len());
            params.values_mut(id).copy_from_slice(values);
            rest = later;
        }
        self.write_states(shards, params);
    }

    fn write_states(&self, shards: usize, params: &mut Params) {
        let mut rest = &self.total[self.gradients..];
        for (id, length) in &self.states {
            let (values, later) = rest.split_at(*length);
            let means = values.iter().map(|value| value / shards as f32);
            params.values_mut(*id).iter_mut().zip(means).for_each(|(state, mean)| *state = mean);
            rest = later;
        }
    }
}

fn add(left: &mut [f32], right: Vec<f32>, unused: &mut Vec<Vec<f32>>) {
    accumulate(&right, left);
    unused.push(right);
}
