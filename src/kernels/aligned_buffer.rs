//! Arrays aligned to cache lines, so that no vector crosses one.
//!
//! Allocators align to 16 bytes. A vector of 64 bytes then usually crosses a cache line, so that each load and store
//! accesses two lines.

use std::fmt;
use std::ops::{Deref, DerefMut};

/// Size of a cache line in bytes, and in elements.
const BYTES: usize = 64;
const LINE: usize = BYTES / size_of::<f32>();

/// An array of fixed length that is aligned to a cache line.
#[derive(Default)]
pub(crate) struct AlignedBuffer {
    /// The elements start at `start`, with unused ones before and after them.
    storage: Vec<f32>,
    start: usize,
    length: usize,
}

impl AlignedBuffer {
    /// Creates an array of `length` equal elements.
    pub(crate) fn filled(value: f32, length: usize) -> AlignedBuffer {
        if length == 0 {
            return AlignedBuffer::default();
        }
        let storage = vec![value; length + LINE - 1];
        // `align_offset` may fail, which only affects speed.
        let start = storage.as_ptr().align_offset(BYTES).min(LINE - 1);
        AlignedBuffer { storage, start, length }
    }

    /// Creates an array of zeros.
    pub(crate) fn zeros(length: usize) -> AlignedBuffer {
        AlignedBuffer::filled(0.0, length)
    }
}

impl From<&[f32]> for AlignedBuffer {
    fn from(values: &[f32]) -> AlignedBuffer {
        let mut buffer = AlignedBuffer::zeros(values.len());
        buffer.copy_from_slice(values);
        buffer
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
        &self.storage[self.start..self.start + self.length]
    }
}

impl DerefMut for AlignedBuffer {
    fn deref_mut(&mut self) -> &mut [f32] {
        &mut self.storage[self.start..self.start + self.length]
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
    fn arrays_are_aligned_and_keep_their_elements() {
        for length in [1, 15, 16, 17, 1000] {
            let values: Vec<f32> = (0..length).map(|i| i as f32).collect();
            let buffer = AlignedBuffer::from(&*values);
            let mut other = AlignedBuffer::filled(7.0, length);
            assert!(other.iter().all(|value| *value == 7.0));
            other.clone_from(&buffer);
            for buffer in [&buffer, &buffer.clone(), &other] {
                assert_eq!((&**buffer, buffer.as_ptr() as usize % BYTES), (&*values, 0));
            }
        }
        assert!(AlignedBuffer::zeros(0).is_empty());
    }
}
