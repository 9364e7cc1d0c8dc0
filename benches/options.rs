//! Command lines of the benchmark programs.

use std::error::Error;

/// The arguments of a command line.
pub struct Options(Vec<String>);

impl Options {
    /// The arguments of this process.
    pub fn given() -> Options {
        Options(std::env::args().skip(1).collect())
    }

    /// The first argument, or an empty string.
    pub fn first(&self) -> &str {
        self.0.first().map_or("", String::as_str)
    }

    /// Whether this argument is given.
    pub fn has(&self, word: &str) -> bool {
        self.0.iter().any(|given| given == word)
    }

    /// The number that follows this argument, or the default.
    ///
    /// # Errors
    /// Returns an error if it is not a number.
    pub fn number(&self, name: &str, default: usize) -> Result<usize, Box<dyn Error>> {
        let value = self.0.iter().position(|given| given == name).and_then(|at| self.0.get(at + 1));
        value.map_or(Ok(default), |value| value.parse().map_err(|_| format!("{name} {value} is not a number").into()))
    }
}
