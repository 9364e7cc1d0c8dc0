//! A cached test whether all values of an array are finite.
//!
//! A product of one image with a weight matrix can skip the weights that are multiplied by zeros if they are finite, but a
//! search for each image would cost as much as that saves. The second query for unchanged values searches, and its result
//! is cached. In training, where weights change in every step, no query searches.

use std::sync::atomic::{AtomicU8, Ordering};

/// The cached result for an array.
#[derive(Debug, Default)]
pub(super) struct KnownFinite(AtomicU8);

const CHANGED: u8 = 0;
const QUERIED: u8 = 1;
const FINITE: u8 = 2;
const NOT_FINITE: u8 = 3;

impl KnownFinite {
    /// Discards the result, when values change.
    pub(super) fn invalidate(&mut self) {
        *self.0.get_mut() = CHANGED;
    }

    /// Whether all values are known to be finite. Several threads may search at the same time, with the same result.
    pub(super) fn query(&self, values: &[f32]) -> bool {
        match self.0.load(Ordering::Relaxed) {
            CHANGED => self.0.store(QUERIED, Ordering::Relaxed),
            QUERIED => {
                let finite = values.iter().all(|value| value.is_finite());
                self.0.store(if finite { FINITE } else { NOT_FINITE }, Ordering::Relaxed);
                return finite;
            }
            known => return known == FINITE,
        }
        false
    }
}

impl Clone for KnownFinite {
    /// Returns an empty cache, since the values of a clone may change separately.
    fn clone(&self) -> KnownFinite {
        KnownFinite::default()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_second_query_searches_until_values_change() {
        let mut known = KnownFinite::default();
        let queries = |known: &KnownFinite, values: &[f32]| [(); 3].map(|()| known.query(values));
        assert_eq!(queries(&known, &[1.0, -2.0]), [false, true, true]);
        known.invalidate();
        assert_eq!(queries(&known, &[1.0, f32::INFINITY]), [false; 3]);
        known.invalidate();
        assert_eq!(queries(&known, &[]), [false, true, true]);
        assert!(!known.clone().query(&[]));
    }
}
