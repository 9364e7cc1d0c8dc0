//! The rows of each training step of an epoch.

use crate::error::{Error, Result, check_setting};
use crate::random::Key;
use crate::shape::Shape;

/// The rows of an epoch as batches, in order or shuffled. The last batch may be smaller.
///
/// ```
/// use gradus::data::Batches;
///
/// let batches = Batches::new(5, 2)?;
/// assert_eq!(batches.len(), 3);
/// assert_eq!(batches.batch(0), [0, 1]);
/// assert_eq!(batches.batch(2), [4]);
/// # Ok::<(), gradus::Error>(())
/// ```
#[derive(Clone, Debug)]
pub struct Batches {
    order: Vec<usize>,
    batch_size: usize,
}

impl Batches {
    /// Creates batches of `batch_size` rows over rows 0, 1, … `rows` − 1, in this order.
    ///
    /// # Errors
    /// [`Error::Empty`] without rows, [`Error::Setting`] when `batch_size` is 0, [`Error::TooLarge`] with 2³² rows or
    /// more.
    pub fn new(rows: usize, batch_size: usize) -> Result<Batches> {
        if rows == 0 {
            return Err(Error::Empty { what: "the dataset".into() });
        }
        check_setting(batch_size > 0, "Batches", "batch_size", 0, "at least 1")?;
        Ok(Batches { order: order(rows)?, batch_size })
    }

    /// Shuffles the rows. The order depends only on `key`. Does not allocate.
    pub fn shuffle(&mut self, key: Key) {
        self.sequential();
        key.draws(0).shuffle(&mut self.order);
    }

    /// Shuffles the rows so that each batch has rows of similar lengths, such as numbers of steps, which a dataset with an
    /// [open axis](super::Dataset::open_axes) pads to the longest. The shuffled rows are sorted by length in groups of
    /// `batches` batches, and the full batches are shuffled. The order depends only on `key` and the lengths. With more
    /// batches in a group, lengths in a batch differ less, and batches repeat more from epoch to epoch. Does not allocate.
    ///
    /// ```
    /// use gradus::{Key, data::Batches};
    /// let lengths = [9, 1, 8, 2, 7, 1];
    /// let mut batches = Batches::new(6, 2)?;
    /// batches.shuffle_by_length(Key::from_seed(0), 3, |row| lengths[row]);
    /// let longest = |rows: &[usize]| rows.iter().map(|row| lengths[*row]).max().unwrap();
    /// let mut sizes: Vec<usize> = batches.iter().map(longest).collect();
    /// sizes.sort();
    /// assert_eq!(sizes, [1, 7, 9]);
    /// # Ok::<(), gradus::Error>(())
    /// ```
    pub fn shuffle_by_length(&mut self, key: Key, batches: usize, length: impl Fn(usize) -> usize) {
        self.shuffle(key);
        let (size, mut draws) = (self.batch_size, key.split(1).draws(0));
        // Rows of equal lengths stay in an order that differs between keys.
        let mix = u64::from(draws.below(u32::MAX));
        let rank = |row: usize| (row as u64 ^ mix).wrapping_mul(0x9E37_79B9_7F4A_7C15).rotate_left(32);
        for group in self.order.chunks_mut(size.saturating_mul(batches.max(1))) {
            group.sort_unstable_by_key(|row| (length(*row), rank(*row)));
        }
        let full = self.order.len() / size;
        for last in (1..full).rev() {
            let other = draws.below(last as u32 + 1) as usize;
            if other != last {
                let (start, end) = self.order.split_at_mut(last * size);
                start[other * size..][..size].swap_with_slice(&mut end[..size]);
            }
        }
    }

    /// Restores the order 0, 1, 2, ….
    pub fn sequential(&mut self) {
        self.order.iter_mut().enumerate().for_each(|(place, row)| *row = place);
    }

    /// The number of batches in an epoch: rows / batch size, rounded up.
    pub fn len(&self) -> usize {
        self.order.len().div_ceil(self.batch_size)
    }

    /// Always `false`, as there is at least one row.
    pub fn is_empty(&self) -> bool {
        self.order.is_empty()
    }

    /// The number of rows in an epoch.
    pub fn rows(&self) -> usize {
        self.order.len()
    }

    /// The number of rows in every batch but the last.
    pub fn batch_size(&self) -> usize {
        self.batch_size
    }

    /// The rows of batch `index`, from 0.
    ///
    /// # Panics
    /// When `index` is not less than [`len`](Batches::len).
    pub fn batch(&self, index: usize) -> &[usize] {
        assert!(index < self.len(), "batch {index} of {}", self.len());
        let start = index * self.batch_size;
        &self.order[start..self.order.len().min(start.saturating_add(self.batch_size))]
    }

    /// The rows of the epoch in their current order.
    pub(super) fn order(&self) -> &[usize] {
        &self.order
    }

    /// Iterates over the rows of each batch.
    pub fn iter(&self) -> std::slice::Chunks<'_, usize> {
        self.order.chunks(self.batch_size)
    }
}

impl<'a> IntoIterator for &'a Batches {
    type Item = &'a [usize];
    type IntoIter = std::slice::Chunks<'a, usize>;

    fn into_iter(self) -> Self::IntoIter {
        self.iter()
    }
}

/// The numbers 0, 1, … `rows` − 1, if they can be shuffled.
pub(super) fn order(rows: usize) -> Result<Vec<usize>> {
    let too_large = || Error::TooLarge { place: "the order of rows".into(), shape: Shape::from([rows]) };
    let mut order = Vec::new();
    u32::try_from(rows).map_err(|_| too_large())?;
    order.try_reserve_exact(rows).map_err(|_| too_large())?;
    order.extend(0..rows);
    Ok(order)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_order_is_a_function_of_the_key_alone() {
        let mut batches = Batches::new(100, 32).unwrap();
        batches.shuffle(Key::from_seed(1).split(0));
        let first = batches.order.clone();
        batches.shuffle(Key::from_seed(1).split(1));
        assert_ne!(batches.order, first);
        batches.shuffle(Key::from_seed(1).split(0));
        assert_eq!(batches.order, first);
        batches.sequential();
        assert_eq!(batches.order, (0..100).collect::<Vec<_>>());
    }

    #[test]
    fn batches_by_length_have_similar_lengths_and_differ_between_keys() {
        let length = |row: usize| row * 7 % 5;
        let ordered = |seed: u64, batches: usize| {
            let mut all = Batches::new(103, 10).unwrap();
            all.shuffle_by_length(Key::from_seed(seed), batches, length);
            all.order
        };
        for batches in [0, 1, 3, usize::MAX] {
            let mut rows = ordered(1, batches);
            assert_eq!(rows, ordered(1, batches));
            assert_ne!(rows, ordered(2, batches));
            rows.sort_unstable();
            assert!(rows.into_iter().eq(0..103));
        }
        let spread: usize = ordered(1, usize::MAX)
            .chunks(10)
            .map(|rows| rows.iter().map(|row| length(*row)))
            .map(|lengths| lengths.clone().max().unwrap() - lengths.min().unwrap())
            .sum();
        assert!(spread <= 4, "{spread}");
    }

    #[test]
    fn the_order_of_a_key_is_unchanged() {
        let mut batches = Batches::new(8, 8).unwrap();
        batches.shuffle(Key::from_seed(12345));
        assert_eq!(batches.batch(0), [1, 0, 5, 2, 6, 7, 3, 4]);
    }

    #[test]
    fn every_row_occurs_once_and_the_last_batch_is_included() {
        for (rows, batch_size, sizes) in
            [(7, 3, vec![3, 3, 1]), (6, 3, vec![3, 3]), (2, 5, vec![2]), (1, usize::MAX, vec![1])]
        {
            let mut batches = Batches::new(rows, batch_size).unwrap();
            batches.shuffle(Key::from_seed(4));
            assert_eq!(batches.iter().map(<[usize]>::len).collect::<Vec<_>>(), sizes);
            assert_eq!((batches.len(), batches.rows(), batches.batch_size()), (sizes.len(), rows, batch_size));
            let mut all: Vec<usize> = (0..batches.len()).flat_map(|index| batches.batch(index)).copied().collect();
            assert!((&batches).into_iter().flatten().eq(&all));
            all.sort_unstable();
            assert_eq!(all, (0..rows).collect::<Vec<_>>());
        }
    }

    #[test]
    fn empty_datasets_and_batches_are_rejected() {
        let message = |rows, batch_size| Batches::new(rows, batch_size).unwrap_err().to_string();
        assert_eq!(message(0, 3), "the dataset is empty; it needs at least one row");
        assert_eq!(message(3, 0), "Batches: batch_size must be at least 1, got 0");
        assert!(message(1 << 40, 3).starts_with("the order of rows: an array of shape 1099511627776 has more"));
    }
}
