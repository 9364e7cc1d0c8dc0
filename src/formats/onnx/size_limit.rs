//! A limit on the size of values.

/// Maximum number of elements of a value in the check of a graph: 8 million.
///
/// It protects against small files that declare huge shapes.
pub(super) const MAX_ELEMENTS: usize = 1 << 23;

/// Checks that a value does not exceed the limit.
pub(super) fn check_size(elements: usize) -> Result<(), String> {
    if elements <= MAX_ELEMENTS {
        Ok(())
    } else {
        Err(format!("a value has {elements} elements, expected at most {MAX_ELEMENTS}"))
    }
}
