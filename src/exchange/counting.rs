//! Counting of the bytes that a member sends.

use super::Exchange;
use crate::error::Result;

/// An exchange that counts the bytes that this member sends to other members.
///
/// ```
/// use gradus::exchange::{CountingExchange, Exchange, ThreadExchange};
/// let alone = ThreadExchange::members(1).remove(0);
/// let mut exchange = CountingExchange::new(alone);
/// exchange.all_gather(b"message")?;
/// assert_eq!((exchange.number_bytes(), exchange.message_bytes()), (0, 0)); // there is no other member
/// # Ok::<(), gradus::Error>(())
/// ```
#[derive(Clone, Debug)]
pub struct CountingExchange<E> {
    exchange: E,
    number_bytes: u64,
    message_bytes: u64,
}

impl<E: Exchange> CountingExchange<E> {
    /// Counts what is sent with `exchange`, which may be a mutable reference.
    pub fn new(exchange: E) -> CountingExchange<E> {
        CountingExchange { exchange, number_bytes: 0, message_bytes: 0 }
    }

    /// The bytes sent by [`all_to_all`](Exchange::all_to_all): gradients, weights and optimizer state.
    pub fn number_bytes(&self) -> u64 {
        self.number_bytes
    }

    /// The bytes sent by [`all_gather`](Exchange::all_gather): settings, scores, decisions and checkpoints.
    pub fn message_bytes(&self) -> u64 {
        self.message_bytes
    }
}

impl<E: Exchange> Exchange for CountingExchange<E> {
    fn member(&self) -> usize {
        self.exchange.member()
    }

    fn members(&self) -> usize {
        self.exchange.members()
    }

    fn all_to_all(
        &mut self,
        send: &[f32],
        send_counts: &[usize],
        receive: &mut [f32],
        receive_counts: &[usize],
    ) -> Result<()> {
        let own = send_counts.get(self.member()).copied().unwrap_or_default();
        self.number_bytes += (size_of::<f32>() * (send_counts.iter().sum::<usize>() - own)) as u64;
        self.exchange.all_to_all(send, send_counts, receive, receive_counts)
    }

    fn all_gather(&mut self, message: &[u8]) -> Result<Vec<Vec<u8>>> {
        self.message_bytes += (message.len() * (self.members() - 1)) as u64;
        self.exchange.all_gather(message)
    }

    fn stop_requested(&mut self) -> bool {
        self.exchange.stop_requested()
    }
}
