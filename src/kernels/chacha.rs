//! Streams of ChaCha8 (Bernstein 2008), with many blocks computed in parallel, for long masks.
//!
//! The words equal those of `rand_chacha`, which generates all other draws: the block counter has 64 bits, followed by
//! the stream number.

use crate::random::Key;

/// Blocks computed at once, and words per block. The compiler vectorizes a loop over 64 blocks, but unrolls one over
/// 16, which is slower.
pub(super) const BLOCKS: usize = 64;
pub(super) const WORDS: usize = 16;

/// The first words of every block: "expand 32-byte k".
const CONSTANTS: [u32; 4] = [0x6170_7865, 0x3320_646e, 0x7962_2d32, 0x6b20_6574];

/// One array for each word, with its value in every block.
pub(super) type Words = [[u32; BLOCKS]; WORDS];

/// A stream for a key.
#[derive(Clone, Copy)]
pub(super) struct Stream {
    key: [u32; 8],
    number: u64,
}

impl Stream {
    /// Creates the stream from which [`Key::draws`] with this number draws. The first block is reserved for splits of
    /// the key.
    pub(super) fn new(key: Key, number: u64) -> Stream {
        Stream { key: key.words(), number }
    }

    /// Computes the words of blocks starting at number `first`: `[w][b]` is word w of block b.
    #[inline(always)]
    pub(super) fn blocks(self, first: u64) -> Words {
        let start = self.start(first);
        let mut words = start;
        for _ in 0..4 {
            double_round(&mut words);
        }
        for (words, start) in words.iter_mut().zip(&start) {
            words.iter_mut().zip(start).for_each(|(word, start)| *word = word.wrapping_add(*start));
        }
        words
    }

    #[inline(always)]
    #[expect(clippy::needless_range_loop, reason = "two rows are written side by side")]
    fn start(self, first: u64) -> Words {
        let [c0, c1, c2, c3] = CONSTANTS;
        let [k0, k1, k2, k3, k4, k5, k6, k7] = self.key;
        let [s0, s1] = halves(self.number);
        let mut words = [c0, c1, c2, c3, k0, k1, k2, k3, k4, k5, k6, k7, 0, 0, s0, s1].map(|word| [word; BLOCKS]);
        for block in 0..BLOCKS {
            [words[12][block], words[13][block]] = halves(first + block as u64);
        }
        words
    }
}

/// The lower half of a number, then the upper.
#[inline(always)]
fn halves(number: u64) -> [u32; 2] {
    [number as u32, (number >> 32) as u32]
}

/// Mixes columns, then diagonals.
#[inline(always)]
fn double_round(words: &mut Words) {
    quarter_round::<0, 4, 8, 12>(words);
    quarter_round::<1, 5, 9, 13>(words);
    quarter_round::<2, 6, 10, 14>(words);
    quarter_round::<3, 7, 11, 15>(words);
    quarter_round::<0, 5, 10, 15>(words);
    quarter_round::<1, 6, 11, 12>(words);
    quarter_round::<2, 7, 8, 13>(words);
    quarter_round::<3, 4, 9, 14>(words);
}

/// A quarter round in every block.
#[inline(always)]
#[expect(clippy::needless_range_loop, reason = "four rows are read and written side by side")]
fn quarter_round<const A: usize, const B: usize, const C: usize, const D: usize>(words: &mut Words) {
    for block in 0..BLOCKS {
        let [mut a, mut b, mut c, mut d] = [A, B, C, D].map(|w| words[w][block]);
        (a, d) = mixed(a, b, d, 16);
        (c, b) = mixed(c, d, b, 12);
        (a, d) = mixed(a, b, d, 8);
        (c, b) = mixed(c, d, b, 7);
        [words[A][block], words[B][block], words[C][block], words[D][block]] = [a, b, c, d];
    }
}

/// `x + y`, and `z` rotated after an exclusive or with it.
#[inline(always)]
fn mixed(x: u32, y: u32, z: u32, bits: u32) -> (u32, u32) {
    let sum = x.wrapping_add(y);
    (sum, (z ^ sum).rotate_left(bits))
}

#[cfg(test)]
mod tests {
    use super::*;
    use rand_chacha::ChaCha8Rng;
    use rand_chacha::rand_core::{RngCore, SeedableRng};

    /// Includes a block number that exceeds 32 bits.
    #[test]
    fn the_words_are_those_of_rand_chacha() {
        for (seed, first) in [(1, 0), (2, 1), (3, 17), (4, u64::from(u32::MAX) - 7)] {
            let (key, number) = (Key::from_seed(seed).split(seed), 0xdead_beef_0000_0005);
            let mut generator = ChaCha8Rng::from_seed(std::array::from_fn(|i| key.words()[i / 4].to_le_bytes()[i % 4]));
            generator.set_stream(number);
            generator.set_word_pos(u128::from(first) * WORDS as u128);
            let words = Stream::new(key, number).blocks(first);
            for b in 0..BLOCKS {
                for (w, word) in words.iter().enumerate() {
                    assert_eq!(word[b], generator.next_u32(), "word {w} of block {b} from {first} on");
                }
            }
        }
    }
}
