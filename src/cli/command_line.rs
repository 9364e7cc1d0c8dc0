//! What a command line asks for, and why a command can fail.

use super::reading::Reading;
use crate::error::Error;
use std::path::PathBuf;

/// What a command line asks for.
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

/// Why nothing could be done.
pub(super) enum Failure {
    /// The command line makes no sense.
    Usage(String),
    /// A file does not, or cannot be written.
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

/// What a command answers, or why it does not.
pub(super) type Told = Result<String, Failure>;
