//! Batches of constant size that continue across the end of an epoch.

use super::Batches;
use crate::error::{Result, check_setting};
use crate::random::Key;

/// An endless sequence of batches of constant size: when too few rows of an epoch remain, the batch is completed with rows of
/// the next epoch, which is shuffled again. It behaves like `next_batch` in TensorFlow's old MNIST tutorial
/// (`contrib/learn/datasets/mnist.py`).
///
/// ```
/// use gradus::Key;
/// use gradus::data::NextBatch;
///
/// let mut batches = NextBatch::new(5, 3, Key::from_seed(1))?;
/// let mut rows = batches.next_batch().to_vec();
/// rows.extend_from_slice(batches.next_batch());
/// rows[..5].sort();
/// assert_eq!(rows[..5], [0, 1, 2, 3, 4]);
/// assert_eq!(batches.epochs(), 1);
/// # Ok::<(), gradus::Error>(())
/// ```
#[derive(Clone, Debug)]
pub struct NextBatch {
    epoch: Batches,
    batch: Vec<usize>,
    key: Key,
    epochs: u64,
    start: usize,
    /// The number of the next batch.
    next: u64,
}

impl NextBatch {
    /// Creates batches of `batch_size` rows over rows 0, 1, … `rows` − 1. Epoch `e` is shuffled with `key.split(e)`.
    ///
    /// # Errors
    /// [`Error::Empty`](crate::Error::Empty) without rows, [`Error::Setting`](crate::Error::Setting) when `batch_size` is 0 or
    /// greater than `rows`, [`Error::TooLarge`](crate::Error::TooLarge) with 2³² rows or more.
    pub fn new(rows: usize, batch_size: usize, key: Key) -> Result<NextBatch> {
        let mut epoch = Batches::new(rows, batch_size)?;
        let fits = batch_size <= rows;
        check_setting(fits, "NextBatch", "batch_size", batch_size, "≥ 1 and ≤ the number of rows")?;
        epoch.shuffle(key.split(0));
        Ok(NextBatch { epoch, batch: vec![0; batch_size], key, epochs: 0, start: 0, next: 0 })
    }

    /// Returns the rows of the next batch. Does not allocate.
    pub fn next_batch(&mut self) -> &[usize] {
        let order = self.epoch.order();
        let rest = self.batch.len().min(order.len() - self.start);
        let (first, second) = self.batch.split_at_mut(rest);
        first.copy_from_slice(&order[self.start..self.start + rest]);
        self.start += rest;
        if !second.is_empty() {
            self.epochs += 1;
            self.epoch.shuffle(self.key.split(self.epochs));
            self.start = second.len();
            second.copy_from_slice(&self.epoch.order()[..self.start]);
        }
        self.next = self.next.wrapping_add(1);
        &self.batch
    }

    /// Returns the rows of batch `number`, from 0: those that [`next_batch`](NextBatch::next_batch) returns after `number`
    /// calls. Resumed training continues with the batch of its step. Does not allocate.
    ///
    /// ```
    /// use gradus::{Key, data::NextBatch};
    /// let mut batches = NextBatch::new(5, 3, Key::from_seed(1))?;
    /// let third = (0..3).map(|_| batches.next_batch().to_vec()).last();
    /// assert_eq!(Some(batches.batch(2).to_vec()), third);
    /// # Ok::<(), gradus::Error>(())
    /// ```
    pub fn batch(&mut self, number: u64) -> &[usize] {
        if number != self.next {
            self.seek(number);
        }
        self.next_batch()
    }

    /// Skips batches.
    pub fn skip(&mut self, batches: u64) {
        self.seek(self.next.saturating_add(batches));
    }

    /// Moves to the batch with this number.
    fn seek(&mut self, number: u64) {
        let rows = self.epoch.rows() as u128;
        let start = u128::from(number) * self.batch.len() as u128;
        // An epoch ends when the first row of the next one is returned.
        let epochs = start.saturating_sub(1) / rows;
        self.start = (start - epochs * rows) as usize;
        (self.next, self.epochs) = (number, epochs as u64);
        self.epoch.shuffle(self.key.split(self.epochs));
    }

    /// The number of finished epochs: all their rows were returned, and a row of a later one too.
    pub fn epochs(&self) -> u64 {
        self.epochs
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn epochs_follow_each_other_without_a_gap() {
        let key = Key::from_seed(6);
        let mut batches = NextBatch::new(7, 3, key).unwrap();
        let rows: Vec<usize> = (0..14).flat_map(|_| batches.next_batch().to_vec()).collect();
        assert_eq!(batches.epochs(), 5);
        let mut epoch = Batches::new(7, 7).unwrap();
        for (number, rows) in rows.chunks(7).enumerate() {
            epoch.shuffle(key.split(number as u64));
            assert_eq!(epoch.batch(0), rows);
        }
    }

    #[test]
    fn skipping_equals_discarding_batches() {
        for (rows, batch_size) in [(7, 3), (6, 3), (4, 4), (5, 1)] {
            let fresh = || NextBatch::new(rows, batch_size, Key::from_seed(6)).unwrap();
            for skipped in 0..12 {
                let (mut taken, mut skipping) = (fresh(), fresh());
                (0..skipped).for_each(|_| drop(taken.next_batch().to_vec()));
                skipping.skip(1.min(skipped));
                skipping.skip(skipped.saturating_sub(1));
                assert_eq!(skipping.epochs(), taken.epochs(), "{skipped} batches of {batch_size} of {rows}");
                assert_eq!(skipping.next_batch(), taken.next_batch(), "{skipped} batches of {batch_size} of {rows}");
            }
        }
    }

    #[test]
    fn a_whole_epoch_may_be_one_batch() {
        let mut batches = NextBatch::new(4, 4, Key::from_seed(6)).unwrap();
        assert_eq!(batches.next_batch().iter().sum::<usize>(), 6);
        assert_eq!(batches.epochs(), 0);
        assert_eq!(batches.next_batch().iter().sum::<usize>(), 6);
        assert_eq!(batches.epochs(), 1);
    }

    #[test]
    fn batches_larger_than_the_dataset_are_rejected() {
        let error = NextBatch::new(3, 4, Key::from_seed(1)).unwrap_err();
        assert_eq!(error.to_string(), "NextBatch: batch_size must be ≥ 1 and ≤ the number of rows, got 4");
        assert!(NextBatch::new(0, 1, Key::from_seed(1)).is_err());
        assert!(NextBatch::new(3, 0, Key::from_seed(1)).is_err());
    }
}
