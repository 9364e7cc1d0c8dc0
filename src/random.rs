//! The only source of randomness: a key, which is a seed and a path.
//!
//! A draw is a function of *where* it is made, never of how many were made before it or on which thread: a key is split
//! by what it is for (initial weights, shuffling, dropout), by epoch or step, by layer, and only then drawn from.

use rand_chacha::ChaCha8Rng;
use rand_chacha::rand_core::{RngCore, SeedableRng};

/// A seed and the path of splits that led here: 32 bytes, `Copy`.
///
/// ```
/// use gradus::Key;
/// let key = Key::from_seed(42);
/// assert_eq!(key.split(1), Key::from_seed(42).split(1));
/// assert_ne!(key.split(1), key.split(2));
/// ```
#[derive(Clone, Copy, PartialEq, Eq, Hash)]
pub struct Key([u8; 32]);

/// What a key is split for at the top, so that no two uses share their draws.
#[derive(Clone, Copy, Debug)]
pub(crate) enum Purpose {
    /// First values of the weights.
    Init = 1,
    /// The order of rows in an epoch.
    Shuffle = 2,
    /// Random operations of a training step.
    Step = 3,
    /// Which rows are for validation.
    Partition = 4,
}

impl Key {
    /// The key at the root of a run.
    pub fn from_seed(seed: u64) -> Key {
        let mut bytes = [0; 32];
        bytes[..8].copy_from_slice(&seed.to_le_bytes());
        Key(bytes)
    }

    /// The key of branch `branch`: block 0 of the ChaCha8 stream with that number.
    pub fn split(&self, branch: u64) -> Key {
        let mut generator = ChaCha8Rng::from_seed(self.0);
        generator.set_stream(branch);
        let mut bytes = [0; 32];
        generator.fill_bytes(&mut bytes);
        Key(bytes)
    }

    /// The key of the branch with this name, such as a layer's.
    pub fn split_name(&self, name: &str) -> Key {
        let length = self.split(name.len() as u64);
        name.as_bytes().chunks(8).fold(length, |key, chunk| {
            let mut bytes = [0; 8];
            bytes[..chunk.len()].copy_from_slice(chunk);
            key.split(u64::from_le_bytes(bytes))
        })
    }

    /// The key that `{key:x}` has written, 64 hexadecimal digits.
    pub(crate) fn from_hex(digits: &str) -> Option<Key> {
        let mut bytes = [0; 32];
        if digits.len() != 2 * bytes.len() || !digits.bytes().all(|digit| digit.is_ascii_hexdigit()) {
            return None;
        }
        for (byte, at) in bytes.iter_mut().zip((0..).step_by(2)) {
            *byte = u8::from_str_radix(&digits[at..at + 2], 16).ok()?;
        }
        Some(Key(bytes))
    }

    pub(crate) fn purpose(&self, purpose: Purpose) -> Key {
        self.split(purpose as u64)
    }

    /// Draws made under this key, in block `block` of a long array. Blocks have streams of their own, so they may be
    /// filled in any order and on any thread.
    pub fn draws(&self, block: u64) -> Draws {
        let mut generator = ChaCha8Rng::from_seed(self.0);
        generator.set_stream(block);
        generator.set_word_pos(16); // block 0 of each stream belongs to `split`
        Draws(generator)
    }

    /// The key as ChaCha takes it.
    pub(crate) fn words(&self) -> [u32; 8] {
        let (words, _) = self.0.as_chunks();
        std::array::from_fn(|i| u32::from_le_bytes(words[i]))
    }

    /// The first eight bytes, where a number has to stand for the path.
    pub(crate) fn number(&self) -> u64 {
        let mut bytes = [0; 8];
        bytes.copy_from_slice(&self.0[..8]);
        u64::from_le_bytes(bytes)
    }
}

impl std::fmt::Debug for Key {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        write!(f, "Key({:016x}…)", self.number())
    }
}

impl std::fmt::LowerHex for Key {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        self.0.iter().try_for_each(|byte| write!(f, "{byte:02x}"))
    }
}

/// A stream of draws under one key.
pub struct Draws(ChaCha8Rng);

impl std::fmt::Debug for Draws {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("Draws").finish_non_exhaustive()
    }
}

impl Draws {
    /// Fills `words` with uniform 32-bit numbers.
    pub fn fill(&mut self, words: &mut [u32]) {
        // Through bytes, as the generator hands those out a block at a time.
        let mut bytes = [0; 256];
        for words in words.chunks_mut(bytes.len() / 4) {
            let bytes = &mut bytes[..4 * words.len()];
            self.0.fill_bytes(bytes);
            let (fours, _) = bytes.as_chunks();
            words.iter_mut().zip(fours).for_each(|(word, four)| *word = u32::from_le_bytes(*four));
        }
    }

    /// A uniform number in 0 ≤ u < 1 with 53 random bits.
    pub fn uniform(&mut self) -> f64 {
        (self.0.next_u64() >> 11) as f64 * (1.0 / (1u64 << 53) as f64)
    }

    /// A uniform whole number below `bound`, by rejection, so without bias (Lemire 2019, "Fast random integer generation
    /// in an interval").
    ///
    /// # Panics
    /// When `bound` is 0.
    pub fn below(&mut self, bound: u32) -> u32 {
        assert!(bound > 0, "no whole number lies below 0");
        let threshold = bound.wrapping_neg() % bound;
        loop {
            let product = u64::from(self.0.next_u32()) * u64::from(bound);
            if product as u32 >= threshold {
                return (product >> 32) as u32;
            }
        }
    }

    /// Puts `items` in random order (Fisher and Yates, from the back).
    ///
    /// # Panics
    /// With 2³² items or more.
    pub fn shuffle<T>(&mut self, items: &mut [T]) {
        assert!(u32::try_from(items.len()).is_ok(), "more than 2³² items to shuffle");
        for last in (1..items.len()).rev() {
            items.swap(last, self.below(last as u32 + 1) as usize);
        }
    }

    /// The generator itself, for ndarray-rand's distributions.
    pub(crate) fn generator(&mut self) -> &mut ChaCha8Rng {
        &mut self.0
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn hexadecimal_digits_lead_back() {
        let key = Key::from_seed(1).split(7);
        assert_eq!(Key::from_hex(&format!("{key:x}")), Some(key));
        for wrong in ["", "00", &"g".repeat(64), &"+1".repeat(32), &"é".repeat(32)] {
            assert_eq!(Key::from_hex(wrong), None);
        }
    }

    #[test]
    fn splits_and_draws_never_meet() {
        let key = Key::from_seed(1);
        let mut words = [0; 8];
        key.draws(5).fill(&mut words);
        let drawn: Vec<u8> = words.iter().flat_map(|word| word.to_le_bytes()).collect();
        assert_ne!(key.split(5).0.as_slice(), drawn.as_slice());
        assert_ne!(key.split_name("dense"), key.split_name("dense_1"));
        assert_ne!(key.split_name("a\0"), key.split_name("a"));
    }

    #[test]
    fn the_first_draws_are_what_they_always_were() {
        let mut draws = Key::from_seed(12345).split(7).draws(0);
        let mut words = [0; 2];
        draws.fill(&mut words);
        assert_eq!(words, [2_793_641_530, 4_192_568_128]);
    }

    #[test]
    fn whole_numbers_cover_their_range_evenly() {
        let mut draws = Key::from_seed(3).draws(0);
        let mut counts = [0; 6];
        (0..60_000).for_each(|_| counts[draws.below(6) as usize] += 1);
        assert!(counts.iter().all(|count| (9_600..10_400).contains(count)), "{counts:?}");
    }

    #[test]
    fn a_shuffle_keeps_every_item() {
        let mut items: Vec<u32> = (0..100).collect();
        Key::from_seed(9).draws(0).shuffle(&mut items);
        assert_ne!(items, (0..100).collect::<Vec<_>>());
        items.sort_unstable();
        assert_eq!(items, (0..100).collect::<Vec<_>>());
    }
}
