//! The size from which a value is too large to be meant.

/// The most elements that a value may have for the rows that a check is made with: 8 million.
///
/// A file of a few bytes may claim any shape; nobody trains such a model here.
pub(super) const MOST: usize = 1 << 23;

/// Refuses a value that is too large to be meant.
pub(super) fn check_size(elements: usize) -> Result<(), String> {
    if elements <= MOST { Ok(()) } else { Err(format!("a value of {elements} elements, expected at most {MOST}")) }
}
