//! The names of arrays or columns that a model does not take.

use std::fmt;

/// All differences between the names of arrays or columns and those of the inputs or targets of a model; see
/// [`Error::Names`](crate::Error::Names).
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct WrongNames {
    /// The arrays or columns and where they are given, as in `inputs of the dataset`.
    pub place: &'static str,
    /// The expected names that are missing.
    pub missing: Vec<String>,
    /// The given names that the model does not have.
    pub unknown: Vec<String>,
    /// The expected names that are given more than once.
    pub repeated: Vec<String>,
    /// The names that the model has.
    pub expected: Vec<String>,
}

impl fmt::Display for WrongNames {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let lists = [("missing", &self.missing), ("unknown", &self.unknown), ("repeated", &self.repeated)];
        write!(f, "{}: ", self.place)?;
        for (problem, names) in lists.iter().filter(|(_, names)| !names.is_empty()) {
            write!(f, "{problem}: {}; ", names.join(", "))?;
        }
        write!(f, "the model has: {}; give each of them exactly once, under its name", self.expected.join(", "))
    }
}
