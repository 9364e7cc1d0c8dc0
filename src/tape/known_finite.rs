//! Whether an array is finite: searched once while its values stay as they are.
//!
//! A product of one image with a matrix of weights may leave out the weights behind its zeros if they are finite; to search
//! them for each image would cost what that saves. So it is the second question about the same values that is answered by
//! a search: in training, where weights change with every step, nothing is searched.

use std::sync::atomic::{AtomicU8, Ordering};

/// What is known of an array's values.
#[derive(Debug, Default)]
pub(super) struct KnownFinite(AtomicU8);

const CHANGED: u8 = 0;
const ASKED: u8 = 1;
const FINITE: u8 = 2;
const NOT_FINITE: u8 = 3;

impl KnownFinite {
    /// The values are others from now on.
    pub(super) fn forget(&mut self) {
        *self.0.get_mut() = CHANGED;
    }

    /// Whether all are known to be finite. Several threads may ask and search at once: they find the same.
    pub(super) fn ask(&self, values: &[f32]) -> bool {
        match self.0.load(Ordering::Relaxed) {
            CHANGED => self.0.store(ASKED, Ordering::Relaxed),
            ASKED => {
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
    /// A clone's values may be changed by themselves, so it is asked anew.
    fn clone(&self) -> KnownFinite {
        KnownFinite::default()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_second_question_is_answered_until_values_change() {
        let mut known = KnownFinite::default();
        let asked = |known: &KnownFinite, values: &[f32]| [(); 3].map(|()| known.ask(values));
        assert_eq!(asked(&known, &[1.0, -2.0]), [false, true, true]);
        known.forget();
        assert_eq!(asked(&known, &[1.0, f32::INFINITY]), [false; 3]);
        known.forget();
        assert_eq!(asked(&known, &[]), [false, true, true]);
        assert!(!known.clone().ask(&[]));
    }
}
