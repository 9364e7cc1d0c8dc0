//! Arrays aligned to cache lines, so that no vector crosses one.
//!
//! Allocators align to sixteen bytes, with which every vector of sixty-four bytes crosses a line: each load and store then
//! accesses two.

use std::fmt;
use std::ops::{Deref, DerefMut};

/// The size of a cache line, in bytes and in numbers.
const BYTES: usize = 64;
const LINE: usize = BYTES / size_of::<f32>();

/// An array of fixed length that is aligned to a cache line.
#[derive(Default)]
pub(crate) struct AlignedBuffer {
    /// The numbers from `start` on, with unused ones before and after them.
    room: Vec<f32>,
    start: usize,
    length: usize,
}

impl AlignedBuffer {
    /// An array of `length` equal numbers.
    pub(crate) fn filled(value: f32, length: usize) -> AlignedBuffer {
        if length == 0 {
            return AlignedBuffer::default();
        }
        let room = vec![value; length + LINE - 1];
        // `align_offset` may fail, which costs only time.
        let start = room.as_ptr().align_offset(BYTES).min(LINE - 1);
        AlignedBuffer { room, start, length }
    }

    /// An array of zeros.
    pub(crate) fn zeros(length: usize) -> AlignedBuffer {
        AlignedBuffer::filled(0.0, length)
    }
}

impl From<&[f32]> for AlignedBuffer {
    fn from(values: &[f32]) -> AlignedBuffer {
        let mut lines = AlignedBuffer::zeros(values.len());
        lines.copy_from_slice(values);
        lines
    }
}

impl Clone for AlignedBuffer {
    fn clone(&self) -> AlignedBuffer {
        AlignedBuffer::from(&**self)
    }

    fn clone_from(&mut self, other: &AlignedBuffer) {
        if self.length == other.length {
            self.copy_from_slice(other);
        } else {
            *self = other.clone();
        }
    }
}

impl Deref for AlignedBuffer {
    type Target = [f32];

    fn deref(&self) -> &[f32] {
        &self.room[self.start..self.start + self.length]
    }
}

impl DerefMut for AlignedBuffer {
    fn deref_mut(&mut self) -> &mut [f32] {
        &mut self.room[self.start..self.start + self.length]
    }
}

impl fmt::Debug for AlignedBuffer {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        fmt::Debug::fmt(&**self, f)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_array_begins_at_a_line_and_keeps_its_numbers() {
        for length in [1, 15, 16, 17, 1000] {
            let values: Vec<f32> = (0..length).map(|i| i as f32).collect();
            let lines = AlignedBuffer::from(&*values);
            let mut other = AlignedBuffer::filled(7.0, length);
            assert!(other.iter().all(|value| *value == 7.0));
            other.clone_from(&lines);
            for lines in [&lines, &lines.clone(), &other] {
                assert_eq!((&**lines, lines.as_ptr() as usize % BYTES), (&*values, 0));
            }
        }
        assert!(AlignedBuffer::zeros(0).is_empty());
    }
}
