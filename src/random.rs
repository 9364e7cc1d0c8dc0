//! The only source of randomness: keys, which combine a seed and a path.
//!
//! A draw is a function of its path, never of earlier draws or of the thread: a key is split by purpose (initial weights,
//! shuffling, dropout), by epoch or step, and by layer before values are drawn.

use rand_chacha::ChaCha8Rng;
use rand_chacha::rand_core::{RngCore, SeedableRng};

/// A key for random draws: identifies a seed and a path of splits, in 32 bytes.
///
/// ```
/// use gradus::Key;
/// let key = Key::from_seed(42);
/// assert_eq!(key.split(1), Key::from_seed(42).split(1));
/// assert_ne!(key.split(1), key.split(2));
/// ```
#[derive(Clone, Copy, PartialEq, Eq, Hash)]
pub struct Key([u8; 32]);

/// The first split of a key, by purpose, so that no two purposes share draws.
#[derive(Clone, Copy, Debug)]
pub(crate) enum Purpose {
    /// Initial weights.
    Init = 1,
    /// The order of rows in an epoch.
    Shuffle = 2,
    /// Random operations of a training step.
    Step = 3,
    /// The choice of validation rows.
    Partition = 4,
}

impl Key {
    /// The root key of a seed.
    pub fn from_seed(seed: u64) -> Key {
        let mut bytes = [0; 32];
        bytes[..8].copy_from_slice(&seed.to_le_bytes());
        Key(bytes)
    }

    /// The key of a branch: block 0 of the ChaCha8 stream number `branch`.
    #[must_use]
    pub fn split(&self, branch: u64) -> Key {
        let mut generator = ChaCha8Rng::from_seed(self.0);
        generator.set_stream(branch);
        let mut bytes = [0; 32];
        generator.fill_bytes(&mut bytes);
        Key(bytes)
    }

    /// The key of a named branch, such as that of a layer.
    #[must_use]
    pub fn split_name(&self, name: &str) -> Key {
        let length = self.split(name.len() as u64);
        name.as_bytes().chunks(8).fold(length, |key, chunk| {
            let mut bytes = [0; 8];
            bytes[..chunk.len()].copy_from_slice(chunk);
            key.split(u64::from_le_bytes(bytes))
        })
    }

    /// Parses the 64 hexadecimal digits that `{key:x}` writes; `None` for other text.
    ///
    /// ```
    /// use gradus::Key;
    /// let key = Key::from_seed(7);
    /// assert_eq!(Key::from_hex(&format!("{key:x}")), Some(key));
    /// ```
    pub fn from_hex(digits: &str) -> Option<Key> {
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

    /// The draws of this key for block `block` of a long array. Each block is a separate stream, so blocks can be filled in
    /// any order and on any thread.
    pub fn draws(&self, block: u64) -> Draws {
        let mut generator = ChaCha8Rng::from_seed(self.0);
        generator.set_stream(block);
        generator.set_word_pos(16); // block 0 of each stream belongs to `split`
        Draws(generator)
    }

    /// The key as the eight words of a ChaCha key.
    pub(crate) fn words(&self) -> [u32; 8] {
        let (words, _) = self.0.as_chunks();
        std::array::from_fn(|i| u32::from_le_bytes(words[i]))
    }

    /// The first eight bytes as a number that identifies the path.
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

/// A stream of random draws from one [`Key`].
///
/// ```
/// use gradus::Key;
/// let mut draws = Key::from_seed(42).draws(0);
/// assert!((0.0..1.0).contains(&draws.uniform()));
/// assert!(draws.below(6) < 6);
/// ```
pub struct Draws(ChaCha8Rng);

impl std::fmt::Debug for Draws {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("Draws").finish_non_exhaustive()
    }
}

impl Draws {
    /// Fills `words` with uniform 32-bit numbers.
    pub fn fill(&mut self, words: &mut [u32]) {
        // `fill_bytes` generates whole blocks, which is faster than single words.
        let mut bytes = [0; 256];
        for words in words.chunks_mut(bytes.len() / 4) {
            let bytes = &mut bytes[..4 * words.len()];
            self.0.fill_bytes(bytes);
            let (fours, _) = bytes.as_chunks();
            words.iter_mut().zip(fours).for_each(|(word, four)| *word = u32::from_le_bytes(*four));
        }
    }

    /// Draws a uniform number, ≥ 0 and < 1, with 53 random bits.
    pub fn uniform(&mut self) -> f64 {
        (self.0.next_u64() >> 11) as f64 * (1.0 / (1u64 << 53) as f64)
    }

    /// Draws a uniform integer less than `bound`, without bias, by rejection (Lemire 2019, "Fast random integer generation in
    /// an interval").
    ///
    /// # Panics
    /// When `bound` is 0.
    pub fn below(&mut self, bound: u32) -> u32 {
        assert!(bound > 0, "the bound of a random integer must be at least 1");
        let threshold = bound.wrapping_neg() % bound;
        loop {
            let product = u64::from(self.0.next_u32()) * u64::from(bound);
            if product as u32 >= threshold {
                return (product >> 32) as u32;
            }
        }
    }

    /// Shuffles `items` (Fisher and Yates, from the end).
    ///
    /// # Panics
    /// With 2³² items or more.
    pub fn shuffle<T>(&mut self, items: &mut [T]) {
        assert!(u32::try_from(items.len()).is_ok(), "more than 2³² items to shuffle");
        for last in (1..items.len()).rev() {
            items.swap(last, self.below(last as u32 + 1) as usize);
        }
    }

    /// The generator, for the distributions of ndarray-rand.
    pub(crate) fn generator(&mut self) -> &mut ChaCha8Rng {
        &mut self.0
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn hexadecimal_digits_round_trip() {
        let key = Key::from_seed(1).split(7);
        assert_eq!(Key::from_hex(&format!("{key:x}")), Some(key));
        for wrong in ["", "00", &"g".repeat(64), &"+1".repeat(32), &"é".repeat(32)] {
            assert_eq!(Key::from_hex(wrong), None);
        }
    }

    #[test]
    fn splits_and_draws_do_not_overlap() {
        let key = Key::from_seed(1);
        let mut words = [0; 8];
        key.draws(5).fill(&mut words);
        let drawn: Vec<u8> = words.iter().flat_map(|word| word.to_le_bytes()).collect();
        assert_ne!(key.split(5).0.as_slice(), drawn.as_slice());
        assert_ne!(key.split_name("dense"), key.split_name("dense_1"));
        assert_ne!(key.split_name("a\0"), key.split_name("a"));
    }

    #[test]
    fn the_first_draws_are_unchanged() {
        let mut draws = Key::from_seed(12345).split(7).draws(0);
        let mut words = [0; 2];
        draws.fill(&mut words);
        assert_eq!(words, [2_793_641_530, 4_192_568_128]);
    }

    #[test]
    fn integers_are_uniform() {
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
