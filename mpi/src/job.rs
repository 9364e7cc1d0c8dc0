//! The start and the end of a process of an MPI job.

use crate::exchange::MpiExchange;
use crate::launcher;
use gradus::exchange::Exchange;
use mpi::Threading;
use mpi::topology::SimpleCommunicator;
use mpi::traits::Communicator;
use signal_hook::consts::{SIGTERM, SIGUSR1};
use std::error::Error;
use std::fs;
use std::panic;
use std::path::{Path, PathBuf};
use std::process::ExitCode;
use std::sync::Arc;
use std::sync::atomic::AtomicBool;
use std::time::Duration;

/// The time that processes with an error wait for each other before they end the job.
const GRACE: Duration = Duration::from_secs(2);

/// Settings of a process of an MPI job.
///
/// - An error or a panic of one process ends the whole job. Its message is written to standard error, and to a file if
///   [`errors`](Job::errors) sets a folder.
/// - SIGUSR1 and SIGTERM ask for a pause: `fit` returns on all processes after the current step, with a checkpoint if it has a
///   folder for them. Launchers pass SIGUSR1 on at once, but may kill processes soon after SIGTERM.
#[derive(Clone, Debug, Default)]
#[must_use]
pub struct Job {
    processes: Option<usize>,
    errors: Option<PathBuf>,
    timeout: Option<Duration>,
}

impl Job {
    /// Creates settings for any number of processes.
    pub fn new() -> Job {
        Job::default()
    }

    /// Sets the expected number of processes. Another number is an error. Default: any. A launcher that reports another number
    /// than MPI is an error in any case.
    pub fn processes(mut self, processes: usize) -> Job {
        self.processes = Some(processes);
        self
    }

    /// Writes the error of rank r to the file `rank-r.txt` in this folder, which is created. Default: none. Launchers may lose
    /// the last output of a process.
    pub fn errors(mut self, folder: impl Into<PathBuf>) -> Job {
        self.errors = Some(folder.into());
        self
    }

    /// Sets the time after which a process that waits for another one ends the job. Default: none. It must be longer than the
    /// slowest step, evaluation or callback of a process.
    pub fn timeout(mut self, timeout: Duration) -> Job {
        self.timeout = Some(timeout);
        self
    }

    /// Initializes MPI, runs `work`, and finalizes MPI. The exit code of the process is 0 if `work` returned `Ok`.
    pub fn run(self, work: impl FnOnce(&mut MpiExchange) -> Result<(), Box<dyn Error>>) -> ExitCode {
        // Before anything else, since a signal without a handler would end the process.
        let stop = Arc::new(AtomicBool::new(false));
        for signal in [SIGUSR1, SIGTERM] {
            if let Err(error) = signal_hook::flag::register(signal, stop.clone()) {
                eprintln!("signal {signal}: {error}");
                return ExitCode::FAILURE;
            }
        }
        let Some((universe, threading)) = mpi::initialize_with_threading(Threading::Serialized) else {
            eprintln!("MPI is already initialized");
            return ExitCode::FAILURE;
        };
        let mut exchange = MpiExchange::new(universe, stop, self.timeout, self.errors.clone());
        let (member, errors) = (exchange.member(), self.errors.clone());
        if let Some(folder) = &errors {
            let _ = fs::remove_file(file(folder, member));
        }
        abort_on_panic(member, errors);
        let supported = match threading {
            Threading::Single | Threading::Funneled => Err("this MPI does not support several threads".to_owned()),
            _ => Ok(()),
        };
        let checked = supported.and_then(|()| launcher::check(exchange.members(), self.processes));
        let result = checked.map_err(Into::into).and_then(|()| work(&mut exchange));
        let Err(error) = result else { return ExitCode::SUCCESS };
        report(member, &error.to_string(), self.errors.as_deref());
        // If every process has an error, each ends in order. Otherwise the others would wait forever.
        exchange.end_together(GRACE);
        ExitCode::FAILURE
    }
}

/// Ends the job when any thread panics, since other processes would wait forever.
fn abort_on_panic(member: usize, errors: Option<PathBuf>) {
    let print = panic::take_hook();
    panic::set_hook(Box::new(move |info| {
        if let Some(folder) = &errors {
            write(folder, member, &info.to_string());
        }
        print(info);
        SimpleCommunicator::world().abort(101);
    }));
}

/// Writes a message to standard error and to the file of a rank.
pub(crate) fn report(member: usize, message: &str, folder: Option<&Path>) {
    if let Some(folder) = folder {
        write(folder, member, message);
    }
    eprintln!("rank {member}: {message}");
}

/// Writes a message to the file of a rank, if possible.
fn write(folder: &Path, member: usize, message: &str) {
    let written = fs::create_dir_all(folder).and_then(|()| fs::write(file(folder, member), format!("{message}\n")));
    if let Err(error) = written {
        eprintln!("{}: {error}", folder.display());
    }
}

fn file(folder: &Path, member: usize) -> PathBuf {
    folder.join(format!("rank-{member}.txt"))
}
