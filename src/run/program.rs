//! A training program: its command line, its exit codes and its number of threads.

use super::options::{self, Choice, Defaults, Options};
use std::error::Error;
use std::process::ExitCode;

/// A training program: its name, its title, and the default values of its [`Options`].
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
#[must_use]
pub struct Program {
    defaults: Defaults,
}

impl Program {
    /// Creates a program that trains for 1 epoch with seed 0 by default. `name` is the name of the executable and of the
    /// default output folder, `runs/NAME`; `title` is the first line of `--help`.
    pub fn new(name: &'static str, title: &'static str) -> Program {
        Program { defaults: Defaults { name, title, unit: "epochs", length: 1, seed: 0, choice: None } }
    }

    /// Default number of epochs.
    pub fn epochs(mut self, epochs: usize) -> Program {
        (self.defaults.unit, self.defaults.length) = ("epochs", epochs);
        self
    }

    /// Default number of steps. The option is then `--steps` instead of `--epochs`.
    pub fn steps(mut self, steps: usize) -> Program {
        (self.defaults.unit, self.defaults.length) = ("steps", steps);
        self
    }

    /// Default seed.
    pub fn seed(mut self, seed: u64) -> Program {
        self.defaults.seed = seed;
        self
    }

    /// Adds the option `--OPTION` with these values. The first one is the default, and [`Options::choice`] is the selected one.
    /// `description` is its text in `--help`.
    ///
    /// # Panics
    /// If there are no values.
    pub fn choice(
        mut self,
        option: &'static str,
        description: &'static str,
        values: &'static [&'static str],
    ) -> Program {
        assert!(!values.is_empty(), "the option --{option} has no values");
        self.defaults.choice = Some(Choice { option, description, values });
        self
    }

    /// Parses the command line and calls `train` with the options. `--threads` sets the size of rayon's global pool.
    ///
    /// Prints an error as one line on standard error. The exit code is 0 on success, 2 for an invalid command line and 1
    /// for other errors.
    pub fn run(self, train: impl FnOnce(&Options) -> Result<(), Box<dyn Error>>) -> ExitCode {
        let fail = |code: u8, message: String| {
            eprintln!("{}: {message}", self.defaults.name);
            ExitCode::from(code)
        };
        match options::parse(&self.defaults, lexopt::Parser::from_env()) {
            Ok(Some(options)) => {
                let result = use_threads(options.threads).and_then(|()| train(&options));
                result.map_or_else(|error| fail(1, error.to_string()), |()| ExitCode::SUCCESS)
            }
            Ok(None) => {
                println!("{}", options::help(&self.defaults));
                ExitCode::SUCCESS
            }
            Err(error) => fail(2, format!("{error}; --help lists the options")),
        }
    }
}

fn use_threads(threads: Option<usize>) -> Result<(), Box<dyn Error>> {
    match threads {
        Some(threads) => Ok(rayon::ThreadPoolBuilder::new().num_threads(threads).build_global()?),
        None => Ok(()),
    }
}
