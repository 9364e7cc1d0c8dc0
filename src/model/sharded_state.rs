//! Optimizer state that is divided among the members of an exchange: each keeps the state of a part of the weights, updates this
//! part, and sends it to the others.

use super::Model;
use super::compiled::Training;
use super::members::Members;
use super::message::{Message, MessageReader};
use super::sharded_steps::{Batch, ShardedSteps, frozen};
use super::steps::Steps;
use crate::error::{Error, Result};
use crate::kernels::concatenated::append;
use crate::kernels::spin_wait;

impl Steps {
    /// Divides the state of the optimizer. Has no effect without an exchange.
    pub(super) fn divide_state(&mut self, model: &mut Model, members: &Members<'_>) -> Result<()> {
        self.shards.as_mut().map_or(Ok(()), |shards| shards.divide_state(model, members))
    }

    /// Collects the state of the optimizer on member `to`, or on all members, if it was divided.
    ///
    /// # Errors
    /// The members cannot continue together, or a callback has replaced the optimizer.
    pub(super) fn collect_state(
        &mut self,
        model: &mut Model,
        members: &mut Members<'_>,
        to: Option<usize>,
    ) -> Result<()> {
        match self.shards.as_mut().filter(|shards| shards.sums.updates_parts()) {
            Some(shards) => shards.collect_state(model, members, to),
            None => Ok(()),
        }
    }
}

impl ShardedSteps {
    fn divide_state(&mut self, model: &mut Model, members: &Members<'_>) -> Result<()> {
        let count = members.count();
        let Model { architecture, training, .. } = model;
        let Training { optimizer, .. } = training.as_mut().ok_or(Error::NotCompiled { place: "fit" })?;
        if !self.sums.updates_parts() {
            let (params, weights, all) = (architecture.params(), architecture.params().count(true), self.sums.len());
            let border = |member: usize| match (member as u128 * all as u128 / count as u128) as usize {
                at if at < weights => optimizer.border(params, at),
                at => at,
            };
            self.sums.set_borders((0..=count).map(border).collect());
        }
        if optimizer.part().is_none() {
            optimizer.divide(self.sums.weights_of(members.member(), count));
        }
        Ok(())
    }

    fn collect_state(&mut self, model: &mut Model, members: &mut Members<'_>, to: Option<usize>) -> Result<()> {
        let checked = match self.is_of(model.params()) {
            true => self.divide_state(model, members), // after an error at the end of an epoch, one member has all
            false => Err(frozen()),
        };
        members.agree(checked)?;
        self.sums.release();
        let (member, count) = (members.member(), members.count());
        let part_of = |member: usize| self.sums.weights_of(member, count).len();
        let (own, receives) = (part_of(member), to.is_none_or(|to| to == member));
        let sent_to = |member: usize| if to.is_none_or(|to| to == member) { own } else { 0 };
        let send_counts: Vec<usize> = (0..count).map(sent_to).collect();
        let receive_counts: Vec<usize> = (0..count).map(|from| if receives { part_of(from) } else { 0 }).collect();
        let Model { architecture, training, .. } = model;
        let Training { optimizer, .. } = training.as_mut().ok_or(Error::NotCompiled { place: "fit" })?;
        let mut received = Vec::new();
        for number in 0..optimizer.array_count() {
            let array = optimizer.part_array(number);
            let sent: Vec<f32> =
                send_counts.iter().filter(|length| **length > 0).flat_map(|_| array).copied().collect();
            members.all_to_all(&sent, &send_counts, &mut received, &receive_counts)?;
            if receives {
                optimizer.set_array(architecture.params(), number, &received);
            }
        }
        if receives {
            optimizer.make_whole();
        }
        Ok(())
    }

    /// Updates the weights of this member, and receives those of the others.
    pub(super) fn update_parts(
        &mut self,
        model: &mut Model,
        batch: &Batch<'_>,
        members: &mut Members<'_>,
    ) -> Result<()> {
        self.sums.reduce(batch.rows.len(), members)?;
        let Model { architecture, training, .. } = model;
        let Training { optimizer, counters, .. } = training.as_mut().ok_or(Error::NotCompiled { place: "fit" })?;
        let params = architecture.params_mut();
        let mut squares = Vec::new();
        if optimizer.clips_norms() {
            let own = optimizer.squares(params, self.sums.own_weights(members));
            let own = own.fold(Message::default(), Message::number).encoded();
            let (_, messages) = members.gather(Ok(()), |()| Message::default().bytes(&own))?;
            for message in &messages {
                let mut reader = MessageReader(MessageReader(message).bytes());
                while !reader.0.is_empty() {
                    squares.push(reader.number());
                }
            }
        }
        let part = optimizer.part().unwrap_or_default();
        let gradients = self.sums.own_weights(members);
        let mut weights = Vec::with_capacity(part.len());
        let trainable: Vec<_> = params.ids().filter(|id| params.trainable(*id)).collect();
        append(trainable.iter().map(|id| params.values(*id)), part, &mut weights);
        spin_wait::with_spinning_threads(|| {
            optimizer.update_part(batch.step, params, &mut weights, gradients, &squares);
        });
        // The parameters change only after all parts have arrived, so that a lost member leaves them as they are.
        gradients.copy_from_slice(&weights);
        self.sums.gather(members)?;
        counters.step = batch.step.number;
        spin_wait::with_spinning_threads(|| {
            self.sums.write_weights(self.shards.with_rows(batch.rows.len()), params);
            optimizer.update_averages(batch.step, params);
            self.constraints.as_mut().map_or(Ok(()), |constraints| constraints.apply(params, batch.key))
        })
    }
}
