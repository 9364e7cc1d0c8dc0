//! The members of an MPI job.

use crate::job;
use gradus::Result;
use gradus::exchange::Exchange;
use mpi::datatype::Equivalence;
use mpi::environment::Universe;
use mpi::request::{Request, Scope};
use mpi::topology::SimpleCommunicator;
use mpi::traits::{Communicator, Destination, Source};
use std::path::PathBuf;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};
use std::thread;
use std::time::{Duration, Instant};

/// The tag of messages of a training run.
const RUN: i32 = 0;

/// The tag of messages at the end of a job with errors, which other processes do not take for messages of the run.
const END: i32 = 1;

/// Maximum number of elements of a message, since MPI counts in 32 bits.
const PIECE: usize = 1 << 27;

/// Number of polls before a waiting process sleeps between polls, so that other processes of an overloaded machine run.
const POLLS: u32 = 2_000;

/// The time between two polls of a process that waits for long.
const SLEEP: Duration = Duration::from_micros(50);

/// The processes of an MPI job as members of an exchange, each with its rank as number. [`Job`](crate::Job) creates it.
#[derive(Debug)]
pub struct MpiExchange {
    /// MPI is finalized when it is dropped.
    _universe: UniverseGuard,
    member: usize,
    members: usize,
    stop: Arc<AtomicBool>,
    timeout: Option<Duration>,
    /// The folder for messages of errors.
    errors: Option<PathBuf>,
}

/// Implements `Debug` for the state of MPI.
struct UniverseGuard(#[allow(dead_code)] Universe);

impl std::fmt::Debug for UniverseGuard {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str("MPI")
    }
}

impl MpiExchange {
    /// Uses all processes of an initialized MPI. `stop` becomes true when this process is asked to stop.
    pub(crate) fn new(
        universe: Universe,
        stop: Arc<AtomicBool>,
        timeout: Option<Duration>,
        errors: Option<PathBuf>,
    ) -> MpiExchange {
        let world = universe.world();
        let [member, members] = [world.rank(), world.size()].map(|number| number.unsigned_abs() as usize);
        MpiExchange { _universe: UniverseGuard(universe), member, members, stop, timeout, errors }
    }

    /// Waits until all processes have ended with an error, and ends the job if one has not within `limit`.
    pub(crate) fn end_together(&mut self, limit: Duration) {
        self.timeout = Some(limit);
        for (to, from) in self.partners() {
            self.swap(END, (to, &[0u8]), (from, &mut [0]));
        }
    }

    /// Sends to one process while receiving from another one. Both sides know the numbers of elements.
    fn swap<T: Equivalence>(&self, tag: i32, (to, send): (usize, &[T]), (from, receive): (usize, &mut [T])) {
        let world = SimpleCommunicator::world();
        let (mut sent, mut received) = (send.chunks(PIECE), receive.chunks_mut(PIECE));
        loop {
            let (send, receive) = (sent.next(), received.next());
            if send.is_none() && receive.is_none() {
                return;
            }
            mpi::request::scope(|scope| {
                let [source, target] = [from, to].map(|member| world.process_at_rank(member as i32));
                let receive = receive.map(|receive| source.immediate_receive_into_with_tag(scope, receive, tag));
                let send = send.map(|send| target.immediate_send_with_tag(scope, send, tag));
                receive.into_iter().for_each(|request| self.wait(request, tag, from));
                send.into_iter().for_each(|request| self.wait(request, tag, to));
            });
        }
    }

    /// Polls a request until it has finished. Blocking calls of some implementations keep a processor busy that other
    /// processes of the machine need.
    fn wait<'a, D: ?Sized, S: Scope<'a>>(&self, mut request: Request<'a, D, S>, tag: i32, member: usize) {
        let (start, mut polls) = (Instant::now(), 0);
        loop {
            request = match request.test() {
                Ok(_) => return,
                Err(unfinished) => unfinished,
            };
            polls += 1;
            if polls < POLLS {
                thread::yield_now();
                continue;
            }
            thread::sleep(SLEEP);
            if let Some(limit) = self.timeout.filter(|limit| start.elapsed() > *limit) {
                if tag == RUN {
                    let seconds = limit.as_secs_f64();
                    let problem = format!("member {member} has not answered for {seconds} seconds");
                    job::report(self.member, &problem, self.errors.as_deref());
                }
                SimpleCommunicator::world().abort(1);
            }
        }
    }

    /// The processes to send to and to receive from, in the order of communication: the distance grows from 1.
    fn partners(&self) -> impl Iterator<Item = (usize, usize)> + use<> {
        let (member, members) = (self.member, self.members);
        (1..members).map(move |distance| ((member + distance) % members, (member + members - distance) % members))
    }
}

/// The start of each part of an array, given the lengths of the parts.
fn starts(counts: &[usize]) -> Vec<usize> {
    let mut start = 0;
    let next = |count: &usize| {
        start += count;
        start - count
    };
    counts.iter().map(next).collect()
}

impl Exchange for MpiExchange {
    fn member(&self) -> usize {
        self.member
    }

    fn members(&self) -> usize {
        self.members
    }

    fn all_to_all(
        &mut self,
        send: &[f32],
        send_counts: &[usize],
        receive: &mut [f32],
        receive_counts: &[usize],
    ) -> Result<()> {
        let (sent, received) = (starts(send_counts), starts(receive_counts));
        let own = self.member;
        receive[received[own]..][..receive_counts[own]].copy_from_slice(&send[sent[own]..][..send_counts[own]]);
        for (to, from) in self.partners() {
            let receive = &mut receive[received[from]..][..receive_counts[from]];
            self.swap(RUN, (to, &send[sent[to]..][..send_counts[to]]), (from, receive));
        }
        Ok(())
    }

    fn all_gather(&mut self, message: &[u8]) -> Result<Vec<Vec<u8>>> {
        let mut messages = vec![Vec::new(); self.members];
        messages[self.member] = message.to_vec();
        for (to, from) in self.partners() {
            let mut length = [0u64];
            self.swap(RUN, (to, &[message.len() as u64]), (from, &mut length));
            messages[from] = vec![0; length[0] as usize];
            self.swap(RUN, (to, message), (from, &mut messages[from]));
        }
        Ok(messages)
    }

    fn stop_requested(&mut self) -> bool {
        self.stop.load(Ordering::SeqCst)
    }
}
