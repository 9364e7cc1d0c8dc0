//! What the Rust peers share: the command line, the digits, and the loop over epochs that prints a line for each.

mod digits;
mod options;

pub use digits::Digits;
pub use options::{Model, Options};

/// A library's own error, or a wrong option.
pub type Result<T> = std::result::Result<T, Box<dyn std::error::Error>>;
