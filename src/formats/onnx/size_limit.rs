//! Limits on the sizes of values.

/// Maximum number of elements of a value in the check of a graph: 8 million.
///
/// It protects against small files that declare huge shapes. Limits are for one row of the caller's arrays.
const MAX_ELEMENTS: usize = 1 << 23;

/// Maximum number of elements of a constant that nodes compute.
const MAX_COMPUTED: usize = 1 << 16;

/// Limits on the numbers of elements.
#[derive(Clone, Copy, Debug)]
pub(super) struct Limits {
    /// Those of a value.
    pub(super) elements: usize,
    /// Those of a constant that nodes compute.
    pub(super) computed: usize,
}

impl Limits {
    /// No limits, for graphs that were checked.
    pub(super) const NONE: Limits = Limits { elements: usize::MAX, computed: usize::MAX };

    /// The limits of a file.
    pub(super) const OF_FILE: Limits = Limits { elements: MAX_ELEMENTS, computed: MAX_COMPUTED };

    /// The limits for arrays of the caller with this number of rows.
    pub(super) fn of_rows(rows: usize) -> Limits {
        let [elements, computed] = [MAX_ELEMENTS, MAX_COMPUTED].map(|limit| limit.saturating_mul(rows.max(1)));
        Limits { elements, computed }
    }

    /// Checks the size of a value.
    pub(super) fn check(&self, elements: usize) -> Result<(), String> {
        Limits::within(elements, self.elements, "a value")
    }

    /// Checks the size of a constant that nodes compute.
    pub(super) fn check_computed(&self, elements: usize) -> Result<(), String> {
        Limits::within(elements, self.computed, "a computed constant")
    }

    fn within(elements: usize, limit: usize, what: &str) -> Result<(), String> {
        if elements <= limit {
            Ok(())
        } else {
            Err(format!("{what} has {elements} elements, expected at most {limit}"))
        }
    }
}
