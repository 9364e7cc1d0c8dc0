//! The options of the command line, and the failures of commands.

use super::reading::Reading;
use crate::error::Error;
use std::path::PathBuf;

/// The parsed command line.
#[derive(Debug, Default)]
pub(super) struct Options {
    pub(super) files: Vec<PathBuf>,
    pub(super) out: Option<PathBuf>,
    pub(super) torch: bool,
    pub(super) model: Option<PathBuf>,
    pub(super) reading: Reading,
    pub(super) loss: Option<String>,
    pub(super) metrics: Vec<String>,
}

/// The reason why a command failed.
pub(super) enum Failure {
    /// The command line is invalid.
    Usage(String),
    /// A file is invalid or cannot be written.
    Work(Error),
}

impl From<Error> for Failure {
    fn from(error: Error) -> Failure {
        Failure::Work(error)
    }
}

impl From<lexopt::Error> for Failure {
    fn from(error: lexopt::Error) -> Failure {
        Failure::Usage(error.to_string())
    }
}

/// The output of a command, or the failure.
pub(super) type CommandResult = Result<String, Failure>;
