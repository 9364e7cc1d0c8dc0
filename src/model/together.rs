//! What the members of a training run share besides gradients: equal settings, checkpoints, and the decisions of the first
//! member.

use super::Model;
use super::callbacks::Stop;
use super::checkpoint::Checkpoint;
use super::compiled::Counters;
use super::members::Members;
use super::message::{Message, MessageReader};
use super::training::TrainingLoop;
use crate::error::{Error, Result};
use crate::optimizers::OptimizerState;
use crate::random::Key;
use crate::save::Description;
use std::path::Path;

/// The name of the checkpoints that members send.
const SENT: &str = "checkpoint.safetensors";

impl TrainingLoop<'_> {
    /// Checks that all members have equal versions, models, settings and datasets.
    ///
    /// # Errors
    /// [`Error::Member`] with the first difference, the same on every member.
    pub(super) fn compare(&self, model: &Model, members: &mut Members<'_>) -> Result<()> {
        let mut facts = vec![("the version of gradus", env!("CARGO_PKG_VERSION").to_owned())];
        let counters = model.compiled("fit")?.counters;
        let added = self.added_settings().map(|(name, value, _)| (name, value));
        for (name, value) in self.settings().into_iter().chain(added) {
            facts.push((name, value.to_string()));
        }
        facts.push(("epochs", self.epochs.to_string()));
        facts.push(("the number of trained steps", counters.step.to_string()));
        facts.push(("the learning rate", model.learning_rate().to_string()));
        facts.push(("sharded_optimizer_state", self.sharded_state.to_string()));
        let description = model.description();
        let message = |(): &()| {
            let message = Message::default().text(&description.to_json());
            let message = facts.iter().fold(message, |message, (_, value)| message.text(value));
            message.text(&model.params().sha256())
        };
        let (_, messages) = members.gather(Ok(()), message)?;
        let Some((first, others)) = messages.split_first() else { return Ok(()) };
        let read = |message: &[u8]| {
            let mut reader = MessageReader(message);
            let description = reader.text();
            (description, facts.iter().map(|_| reader.text()).collect::<Vec<_>>(), reader.text())
        };
        let expected = read(first);
        for (number, message) in others.iter().enumerate() {
            let found = read(message);
            let problem =
                facts.iter().zip(found.1.iter().zip(&expected.1)).find_map(|((name, _), (found, expected))| {
                    (found != expected).then(|| match *name {
                        "data" => "its training rows differ from those of member 0".to_owned(),
                        "validation" => "its validation rows differ from those of member 0".to_owned(),
                        _ => format!("{name} is {found}, expected {expected}, as on member 0"),
                    })
                });
            let of_models = || {
                let [found, expected] = [&found.0, &expected.0].map(|text| Description::from_json(text));
                let difference = found.zip(expected).and_then(|(found, expected)| found.difference(&expected));
                difference.map(|difference| format!("its model differs from that of member 0: {difference}"))
            };
            let of_weights = || (found.2 != expected.2).then(|| "its weights differ from those of member 0".to_owned());
            if let Some(problem) = problem.or_else(of_models).or_else(of_weights) {
                return Err(Error::Member { member: number + 1, problem });
            }
        }
        Ok(())
    }

    /// Follows the first member: sets the stop, the counters, and weights and optimizer state that its callbacks changed.
    /// Returns the result of the first member.
    ///
    /// # Errors
    /// The error of this member, or of another one.
    pub(super) fn follow(
        &mut self,
        model: &mut Model,
        result: Result<bool>,
        members: &mut Members<'_>,
    ) -> Result<bool> {
        if members.is_alone() {
            return result;
        }
        let (first, paused) = (members.is_first(), members.stop_requested());
        let changed = std::mem::take(&mut model.changed) && first;
        let state = || -> Result<Vec<u8>> {
            let training = model.compiled("fit")?;
            Checkpoint::new(0, model.params(), &training.optimizer).encode(Path::new(SENT))
        };
        let result = result.and_then(|value| Ok((value, if changed { state()? } else { Vec::new() })));
        let own = match self.stop {
            None => u64::from(paused),
            Some(Stop::Paused) => 1,
            Some(Stop::Done) => 2,
        };
        let (counters, whole) = (model.compiled("fit")?.counters, model.compiled("fit")?.optimizer.part().is_none());
        let ((mut value, _), messages) = members.gather(result, |(value, state)| {
            let message =
                Message::default().integer(own).integer(u64::from(*value)).integer(u64::from(whole)).bytes(state);
            let message = message.text(&format!("{:x}", counters.key)).integer(counters.epoch).integer(counters.step);
            message.number(counters.learning_rate.map_or(f64::NAN, f64::from))
        })?;
        let mut stop = 0;
        for (member, message) in messages.iter().enumerate() {
            let mut reader = MessageReader(message);
            stop = stop.max(reader.integer());
            if member > 0 {
                continue;
            }
            value = reader.integer() != 0;
            let whole = reader.integer() != 0;
            let (state, key) = (reader.bytes(), Key::from_hex(&reader.text()));
            let (epoch, step, rate) = (reader.integer(), reader.integer(), reader.number());
            let training = model.compiled_mut("fit")?;
            let learning_rate = (!rate.is_nan()).then_some(rate as f32);
            training.counters = Counters { key: key.unwrap_or(counters.key), epoch, step, learning_rate };
            if !first && !state.is_empty() {
                let Model { architecture, training, .. } = &mut *model;
                let training = training.as_mut().ok_or(Error::NotCompiled { place: "fit" })?;
                let (state, params) = (Checkpoint::decode(Path::new(SENT), state)?, architecture.params_mut());
                let part = training.optimizer.part().filter(|_| whole);
                if part.is_some() {
                    // The first member has collected the state.
                    training.optimizer = OptimizerState::of(training.optimizer.shared_optimizer(), params)?;
                }
                state.restore(params, &mut training.optimizer)?;
                part.into_iter().for_each(|part| training.optimizer.divide(part));
            }
        }
        self.stop = match stop {
            0 => None,
            1 => Some(Stop::Paused),
            _ => Some(Stop::Done),
        };
        Ok(value)
    }
}

impl Members<'_> {
    /// Sends the checkpoint that the first member found to all members, without the states of its callbacks.
    ///
    /// # Errors
    /// The error of this member, or of another one.
    pub(super) fn share_checkpoint(&mut self, found: Result<Option<Checkpoint>>) -> Result<Option<Checkpoint>> {
        if self.is_alone() {
            return found;
        }
        let encoded = found.and_then(|found| {
            let without_states = found.clone().map(|mut checkpoint| {
                checkpoint.record.states.clear();
                checkpoint.encode(Path::new(SENT))
            });
            Ok((found, without_states.transpose()?.unwrap_or_default()))
        });
        let ((found, _), messages) = self.gather(encoded, |(_, bytes)| Message::default().bytes(bytes))?;
        let first = messages.first().map_or(&[][..], |message| MessageReader(message).bytes());
        if self.is_first() || first.is_empty() {
            return Ok(found);
        }
        Checkpoint::decode(Path::new(SENT), first).map(Some)
    }

    /// Checks that all members have equal weights, after a result of this member.
    ///
    /// # Errors
    /// The error of this member, or of another one.
    pub(super) fn compare_weights(&mut self, model: &Model, result: Result<()>) -> Result<()> {
        let (_, messages) = self.gather(result, |()| Message::default().text(&model.params().sha256()))?;
        match messages.iter().position(|message| *message != messages[0]) {
            None => Ok(()),
            Some(member) => {
                let problem = "its weights are no longer those of member 0; check that all members run the same program on \
                               the same data";
                Err(Error::Member { member, problem: problem.into() })
            }
        }
    }
}
