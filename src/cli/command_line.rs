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
    pub(super) shapes: Vec<SampleShape>,
}

/// The shape of one sample of an input, in place of symbolic sizes in the file.
#[derive(Clone, Debug, PartialEq)]
pub(super) struct SampleShape {
    /// The name of the input, or `None` for the only one.
    pub(super) input: Option<String>,
    pub(super) sizes: Vec<usize>,
}

impl SampleShape {
    /// Parses sizes with commas, optionally after a name: `3,64,48` or `image=3,64,48`.
    pub(super) fn parse(text: &str) -> Option<SampleShape> {
        let (input, sizes) = match text.rsplit_once('=') {
            Some((input, sizes)) => (Some(input.to_owned()), sizes),
            None => (None, text),
        };
        let size = |size: &str| size.parse().ok().filter(|size| *size > 0);
        Some(SampleShape { input, sizes: sizes.split(',').map(size).collect::<Option<_>>()? })
    }
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

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn shapes_may_have_a_name() {
        let shape = |input: Option<&str>, sizes: &[usize]| {
            Some(SampleShape { input: input.map(str::to_owned), sizes: sizes.to_vec() })
        };
        assert_eq!(SampleShape::parse("3,64,48"), shape(None, &[3, 64, 48]));
        assert_eq!(SampleShape::parse("a=b=7"), shape(Some("a=b"), &[7]));
        for text in ["", "x", "x=", "3,", "0", "-1", "3x4"] {
            assert_eq!(SampleShape::parse(text), None, "{text}");
        }
    }
}
