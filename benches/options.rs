//! The command line of these programs: words, and numbers behind names.

use std::error::Error;

/// What stands on the command line.
pub struct Options(Vec<String>);

impl Options {
    /// This program's.
    pub fn given() -> Options {
        Options(std::env::args().skip(1).collect())
    }

    /// The first word; empty where there is none.
    pub fn first(&self) -> &str {
        self.0.first().map_or("", String::as_str)
    }

    /// Whether this word is there.
    pub fn has(&self, word: &str) -> bool {
        self.0.iter().any(|given| given == word)
    }

    /// The number behind this word, or the default.
    ///
    /// # Errors
    /// What stands there is no number.
    pub fn number(&self, name: &str, default: usize) -> Result<usize, Box<dyn Error>> {
        let value = self.0.iter().position(|given| given == name).and_then(|at| self.0.get(at + 1));
        value.map_or(Ok(default), |value| value.parse().map_err(|_| format!("{name} {value} is not a number").into()))
    }
}
