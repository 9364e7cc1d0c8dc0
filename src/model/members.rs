//! The members of a call: this one alone, or those of an exchange.

use super::message::{Message, MessageReader};
use super::shards::part;
use crate::error::{Error, Result};
use crate::exchange::Exchange;
use std::ops::Range;

/// The members of a call.
#[derive(Default)]
pub(super) struct Members<'a>(Option<&'a mut dyn Exchange>);

impl<'a> Members<'a> {
    /// Uses an exchange; `None` if this member is alone.
    pub(super) fn new(exchange: Option<&'a mut dyn Exchange>) -> Members<'a> {
        Members(exchange)
    }

    /// Whether there is no exchange.
    pub(super) fn is_alone(&self) -> bool {
        self.0.is_none()
    }

    /// Whether this is the first member.
    pub(super) fn is_first(&self) -> bool {
        self.member() == 0
    }

    /// The number of this member.
    pub(super) fn member(&self) -> usize {
        self.0.as_ref().map_or(0, |exchange| exchange.member())
    }

    /// The number of members.
    pub(super) fn count(&self) -> usize {
        self.0.as_ref().map_or(1, |exchange| exchange.members())
    }

    /// Whether this member was asked to stop.
    pub(super) fn stop_requested(&mut self) -> bool {
        self.0.as_mut().is_some_and(|exchange| exchange.stop_requested())
    }

    /// The part of `all` elements that belongs to this member.
    pub(super) fn own_part(&self, all: usize) -> Range<usize> {
        part(self.member(), self.count(), all)
    }

    /// Returns the result of this member, or the error of another member.
    ///
    /// # Errors
    /// The error of this member, or [`Error::Member`] if only another member has an error.
    pub(super) fn agree<T>(&mut self, result: Result<T>) -> Result<T> {
        self.gather(result, |_| Message::default()).map(|(value, _)| value)
    }

    /// Sends a message about the result of this member to all members. Returns the result with the messages of all members in
    /// order; no messages without an exchange.
    ///
    /// # Errors
    /// The error of this member, or [`Error::Member`] if only another member has an error.
    pub(super) fn gather<T>(
        &mut self,
        result: Result<T>,
        message: impl FnOnce(&T) -> Message,
    ) -> Result<(T, Vec<Vec<u8>>)> {
        let Some(exchange) = &mut self.0 else { return Ok((result?, Vec::new())) };
        let sent = match &result {
            Ok(value) => Message::default().integer(0).append(&message(value)),
            Err(error) => Message::default().integer(1).text(&error.to_string()),
        };
        let messages = exchange.all_gather(&sent.encoded());
        let value = result?;
        let read = |(member, message): (usize, Vec<u8>)| {
            let mut reader = MessageReader(&message);
            match reader.integer() {
                0 => Ok(reader.0.to_vec()),
                _ => Err(Error::Member { member, problem: reader.text() }),
            }
        };
        let messages = messages?.into_iter().enumerate().map(read).collect::<Result<_>>()?;
        Ok((value, messages))
    }

    /// Sends numbers to each member, and receives numbers from each member. Without an exchange, nothing happens.
    ///
    /// # Errors
    /// Those of [`Exchange::all_to_all`].
    pub(super) fn all_to_all(
        &mut self,
        send: &[f32],
        send_counts: &[usize],
        receive: &mut Vec<f32>,
        receive_counts: &[usize],
    ) -> Result<()> {
        receive.resize(receive_counts.iter().sum(), 0.0);
        match &mut self.0 {
            Some(exchange) => exchange.all_to_all(send, send_counts, receive, receive_counts),
            None => Ok(()),
        }
    }
}
