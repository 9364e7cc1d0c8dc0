//! Checks of the names of arrays and columns against the inputs and targets of a model.

use crate::error::{Error, Result, WrongNames};

/// The names that a model expects, and the names in an argument or a dataset.
pub(super) struct ColumnNames<'a> {
    /// The arrays or columns and where they are given, for messages.
    pub(super) place: &'static str,
    pub(super) expected: &'a [&'a str],
    pub(super) found: &'a [String],
}

impl ColumnNames<'_> {
    /// Returns the position of each expected name among the names found. Other names are ignored.
    ///
    /// # Errors
    /// [`Error::Names`] if an expected name is missing or occurs more than once.
    pub(super) fn choose(&self) -> Result<Vec<usize>> {
        let position = |name: &&str| self.found.iter().position(|found| found == name);
        let chosen: Option<Vec<usize>> = self.expected.iter().map(position).collect();
        match chosen {
            Some(chosen) if self.repeated().is_empty() => Ok(chosen),
            _ => Err(self.error()),
        }
    }

    /// Checks that the names found are the expected ones, in any order.
    ///
    /// # Errors
    /// [`Error::Names`] if a name is missing, unknown or occurs more than once.
    pub(super) fn check_all(&self) -> Result<()> {
        if self.unknown().is_empty() { self.choose().map(drop) } else { Err(self.error()) }
    }

    /// The names found that are not expected.
    fn unknown(&self) -> Vec<String> {
        let unknown = self.found.iter().filter(|name| !self.expected.contains(&name.as_str()));
        unknown.fold(Vec::new(), |mut unknown, name| {
            if !unknown.contains(name) {
                unknown.push(name.clone());
            }
            unknown
        })
    }

    /// The expected names that occur more than once.
    fn repeated(&self) -> Vec<String> {
        let count = |name: &str| self.found.iter().filter(|found| *found == name).count();
        self.expected.iter().filter(|name| count(name) > 1).map(|name| (*name).to_owned()).collect()
    }

    fn error(&self) -> Error {
        let missing = self.expected.iter().filter(|name| !self.found.iter().any(|found| found == *name));
        Error::Names(Box::new(WrongNames {
            place: self.place,
            missing: missing.map(|name| (*name).to_owned()).collect(),
            unknown: self.unknown(),
            repeated: self.repeated(),
            expected: self.expected.iter().map(|name| (*name).to_owned()).collect(),
        }))
    }
}
