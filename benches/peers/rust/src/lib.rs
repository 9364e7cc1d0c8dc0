//! Common code of the Rust peers: the command line, the digits, and the loop over epochs that prints a line for each.

mod digits;
mod networks;
mod options;

pub use digits::Digits;
pub use networks::{Layer, Network};
pub use options::{Model, Options};

/// An error of a library, or an invalid option.
pub type Result<T> = std::result::Result<T, Box<dyn std::error::Error>>;
