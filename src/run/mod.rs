//! What a training program has around its model: command-line options, exit codes, checkpoints, and an end on Ctrl-C that loses nothing.
//!
//! The examples are such programs; so can be a user's.

mod interrupt;
mod options;

pub use interrupt::Interrupt;
pub use options::Options;

use std::error::Error;
use std::process::ExitCode;

/// A training program: its name, what it does, and the defaults of its options.
///
/// ```no_run
/// use gradus::run::Program;
/// use std::process::ExitCode;
///
/// fn main() -> ExitCode {
///     Program::new("digits", "A small network on MNIST").epochs(5).seed(42).run(|options| {
///         println!("{} epochs with seed {}", options.epochs, options.seed);
///         Ok(())
///     })
/// }
/// ```
#[derive(Clone, Debug)]
pub struct Program {
    name: &'static str,
    title: &'static str,
    /// `epochs` or `steps`.
    unit: &'static str,
    length: usize,
    seed: u64,
}

impl Program {
    /// One epoch and seed 0, unless the options say otherwise.
    pub fn new(name: &'static str, title: &'static str) -> Program {
        Program { name, title, unit: "epochs", length: 1, seed: 0 }
    }

    /// How many epochs it trains.
    pub fn epochs(mut self, epochs: usize) -> Program {
        (self.unit, self.length) = ("epochs", epochs);
        self
    }

    /// How many steps it trains; its option is then `--steps`.
    pub fn steps(mut self, steps: usize) -> Program {
        (self.unit, self.length) = ("steps", steps);
        self
    }

    /// What every draw follows from.
    pub fn seed(mut self, seed: u64) -> Program {
        self.seed = seed;
        self
    }

    /// Reads the command line and trains. An error is told in one line on standard error: exit code 2 for the command
    /// line's, 1 for others.
    ///
    /// `--threads` sets the size of rayon's global pool, which is the program's to set.
    pub fn run(self, train: impl FnOnce(&Options) -> Result<(), Box<dyn Error>>) -> ExitCode {
        let told = |code: u8, message: String| {
            eprintln!("{}: {message}", self.name);
            ExitCode::from(code)
        };
        match options::parse(&self, lexopt::Parser::from_env()) {
            Ok(Some(options)) => {
                let result = use_threads(options.threads).and_then(|()| train(&options));
                result.map_or_else(|error| told(1, error.to_string()), |()| ExitCode::SUCCESS)
            }
            Ok(None) => {
                println!("{}", options::help(&self));
                ExitCode::SUCCESS
            }
            Err(error) => told(2, format!("{error}; --help lists the options")),
        }
    }
}

fn use_threads(threads: Option<usize>) -> Result<(), Box<dyn Error>> {
    match threads {
        Some(threads) => Ok(rayon::ThreadPoolBuilder::new().num_threads(threads).build_global()?),
        None => Ok(()),
    }
}
