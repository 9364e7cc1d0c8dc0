//! Members that are threads of one process.

use super::Exchange;
use crate::error::{Error, Result};
use std::sync::mpsc::{Receiver, Sender, channel};

/// A member of an exchange between threads of one process. If another member is dropped, for example because its thread
/// panicked, calls return an error.
///
/// The model of each member needs a pool of threads that other members do not use, as set by
/// [`Compile::threads`](crate::Compile::threads): a member that waits for others occupies a thread of its pool.
#[derive(Debug)]
pub struct ThreadExchange {
    member: usize,
    /// Channels to all members.
    senders: Vec<Sender<Vec<u8>>>,
    /// Channels from all members.
    receivers: Vec<Receiver<Vec<u8>>>,
}

impl ThreadExchange {
    /// Creates the members of an exchange, in order. Each is used on a different thread.
    pub fn members(count: usize) -> Vec<ThreadExchange> {
        let empty = |member| ThreadExchange { member, senders: Vec::new(), receivers: Vec::new() };
        let mut members: Vec<ThreadExchange> = (0..count).map(empty).collect();
        for (from, to) in (0..count).flat_map(|from| (0..count).map(move |to| (from, to))) {
            let (sender, receiver) = channel();
            members[from].senders.push(sender);
            members[to].receivers.push(receiver);
        }
        members
    }

    /// Sends a message to each member, and returns the messages from all members.
    fn exchange(&mut self, messages: impl Iterator<Item = Vec<u8>>) -> Result<Vec<Vec<u8>>> {
        let ended = |member: usize| Error::Member { member, problem: "it ended without a message".into() };
        for (member, (sender, message)) in self.senders.iter().zip(messages).enumerate() {
            sender.send(message).map_err(|_| ended(member))?;
        }
        let messages = self.receivers.iter().enumerate();
        messages.map(|(member, receiver)| receiver.recv().map_err(|_| ended(member))).collect()
    }
}

impl Exchange for ThreadExchange {
    fn member(&self) -> usize {
        self.member
    }

    fn members(&self) -> usize {
        self.senders.len()
    }

    fn all_to_all(
        &mut self,
        send: &[f32],
        send_counts: &[usize],
        receive: &mut [f32],
        receive_counts: &[usize],
    ) -> Result<()> {
        let mut rest = send;
        let messages = send_counts.iter().map(|count| {
            let (numbers, later) = rest.split_at(*count);
            rest = later;
            numbers.iter().flat_map(|number| number.to_le_bytes()).collect()
        });
        let messages = self.exchange(messages)?;
        let mut rest = receive;
        for (message, count) in messages.iter().zip(receive_counts) {
            let (numbers, later) = rest.split_at_mut(*count);
            assert_eq!(message.len(), size_of_val(numbers), "the counts of two members differ");
            for (number, bytes) in numbers.iter_mut().zip(message.as_chunks().0) {
                *number = f32::from_le_bytes(*bytes);
            }
            rest = later;
        }
        Ok(())
    }

    fn all_gather(&mut self, message: &[u8]) -> Result<Vec<Vec<u8>>> {
        self.exchange((0..self.members()).map(|_| message.to_vec()).collect::<Vec<_>>().into_iter())
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn messages_arrive_in_order_and_dropped_members_are_errors() {
        let mut members = ThreadExchange::members(3);
        let last = members.pop().unwrap();
        std::thread::scope(|scope| {
            for mut member in members {
                scope.spawn(move || {
                    let number = member.member() as u8;
                    let found = member.all_gather(&vec![number; usize::from(number)]).unwrap();
                    assert_eq!(found, [vec![], vec![1], vec![2, 2]]);
                    let (send, mut receive) = ([0.0, 1.0, 2.0].map(|to| to + 10.0 * f32::from(number)), [0.0; 3]);
                    member.all_to_all(&send, &[1, 1, 1], &mut receive, &[1, 1, 1]).unwrap();
                    assert_eq!(receive, [0.0, 10.0, 20.0].map(|from| from + f32::from(number)));
                    let ended = (0..2).find_map(|_| member.all_gather(&[]).err()).unwrap();
                    assert!(matches!(ended, Error::Member { .. }), "{ended}");
                });
            }
            scope.spawn(move || {
                let mut member = last;
                member.all_gather(&[2, 2]).unwrap();
                member.all_to_all(&[20.0, 21.0, 22.0], &[1, 1, 1], &mut [0.0; 3], &[1, 1, 1]).unwrap();
            });
        });
    }
}
