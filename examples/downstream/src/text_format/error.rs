//! The errors of the text format.

use gradus::Error;
use std::fmt;

/// The reason why a network cannot be written as text or read from it.
#[derive(Debug)]
#[non_exhaustive]
pub enum TextError {
    /// The file cannot be read or written.
    File(Error),
    /// Parts of the model that the format does not have, all of them.
    Unsupported(Vec<String>),
    /// Lines that cannot be read, all of them.
    Lines(Vec<(usize, Problem)>),
    /// The lines do not form a network: layers do not fit, or arrays differ from those that layers declare.
    Network(Error),
}

/// A problem of one line.
#[derive(Debug)]
#[non_exhaustive]
pub enum Problem {
    /// The line is not a class with settings.
    Syntax {
        /// The position of the problem, counted in characters from 1.
        column: usize,
        /// The expected text.
        expected: &'static str,
    },
    /// A class that is unknown, or settings that are missing, unknown or of another type or size.
    Part(Error),
    /// A name or a number that is not defined by an earlier line.
    Undefined {
        /// The undefined name or number, as in `layer "dense"`.
        found: String,
    },
    /// A name or a number that is already defined by an earlier line.
    Repeated {
        /// The repeated name or number, as in `value 3`.
        found: String,
    },
}

impl From<Error> for TextError {
    fn from(error: Error) -> TextError {
        TextError::File(error)
    }
}

impl fmt::Display for TextError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            TextError::File(error) | TextError::Network(error) => error.fmt(f),
            TextError::Unsupported(parts) => write!(f, "the text format does not have: {}", parts.join(", ")),
            TextError::Lines(problems) => {
                let lines: Vec<String> =
                    problems.iter().map(|(line, problem)| format!("line {line}: {problem}")).collect();
                f.write_str(&lines.join("\n"))
            }
        }
    }
}

impl fmt::Display for Problem {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Problem::Syntax { column, expected } => write!(f, "column {column}: expected {expected}"),
            Problem::Part(error) => error.fmt(f),
            Problem::Undefined { found } => {
                write!(f, "{found} is not defined, expected an earlier line that defines it")
            }
            Problem::Repeated { found } => {
                write!(f, "{found} is defined by an earlier line too, expected another name")
            }
        }
    }
}

impl std::error::Error for TextError {
    fn source(&self) -> Option<&(dyn std::error::Error + 'static)> {
        match self {
            TextError::File(error) | TextError::Network(error) => std::error::Error::source(error),
            _ => None,
        }
    }
}
