//! Vectors at equal distances in a slice, whose bounds are checked once for all of them.

use std::marker::PhantomData;
use std::ops::Range;

/// Vectors of `L` lanes at equal distances, of which the first and the last ones may be missing.
///
/// A check for each vector takes as long as its multiply-adds, more so with debug assertions. Counts are constants of the
/// caller, so that the checks in [`Strided::get`] are compiled only where a vector may be missing.
#[derive(Clone, Copy)]
pub(crate) struct Strided<'a, const L: usize> {
    /// Where the first vector is, or would be.
    first: *const f32,
    stride: usize,
    count: usize,
    edge: usize,
    /// The number of the first vector that is there, and of the one after the last.
    start: usize,
    end: usize,
    values: PhantomData<&'a [f32]>,
}

impl<'a, const L: usize> Strided<'a, L> {
    /// `count` vectors at a distance of `stride`, the first of them at `values[at]`.
    ///
    /// # Panics
    /// When one of them is not inside the slice.
    #[inline(always)]
    pub(crate) fn new(values: &'a [f32], at: usize, stride: usize, count: usize) -> Self {
        Strided::with_missing(values, at, stride, count, 0, 0..count)
    }

    /// As many vectors, of which those with the numbers `present` are there, the first of them at `values[at]`. At most
    /// `edge` are missing on either side.
    ///
    /// # Panics
    /// When one of them is not inside the slice, or more are missing.
    #[inline(always)]
    pub(crate) fn with_missing(
        values: &'a [f32],
        at: usize,
        stride: usize,
        count: usize,
        edge: usize,
        present: Range<usize>,
    ) -> Self {
        let Range { start, end } = present;
        let reach = |vectors: usize| at.saturating_add((vectors - 1).saturating_mul(stride)).saturating_add(L);
        let inside = start >= end || reach(end - start) <= values.len();
        assert!(inside && start <= edge && end <= count && end.saturating_add(edge) >= count, "vectors inside a slice");
        let first = values.as_ptr().wrapping_add(at).wrapping_sub(start.wrapping_mul(stride));
        Strided { first, stride, count, edge, start, end, values: PhantomData }
    }

    /// The vector with this number, unless it is missing.
    #[inline(always)]
    pub(crate) fn get(&self, number: usize) -> Option<[f32; L]> {
        assert!(number < self.count, "one of the vectors");
        if (number < self.edge && number < self.start) || (self.count - number <= self.edge && number >= self.end) {
            return None;
        }
        let vector = self.first.wrapping_add(number.wrapping_mul(self.stride)).cast::<[f32; L]>();
        // SAFETY: the constructor has checked that the vectors from `start` to before `end` are inside the slice, which is
        // borrowed. The number is among them: it was compared with either end unless more than `edge` away from it.
        #[allow(unsafe_code)]
        #[expect(clippy::transmute_ptr_to_ref, reason = "a dereference is checked in builds with debug assertions")]
        let vector = unsafe { std::mem::transmute::<*const [f32; L], &'a [f32; L]>(vector) };
        Some(*vector)
    }

    /// The vector with this number where none may be missing.
    #[inline(always)]
    pub(crate) fn at(&self, number: usize) -> [f32; L] {
        self.get(number).expect("a vector that is there")
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn vectors_that_are_missing_are_none() {
        let values: Vec<f32> = (0u8..20).map(f32::from).collect();
        let all = Strided::<8>::with_missing(&values, 1, 3, 4, 1, 0..4);
        assert_eq!([0, 1, 2, 3].map(|i| all.get(i).map(|v| v[0])), [1.0, 4.0, 7.0, 10.0].map(Some));
        let some = Strided::<8>::with_missing(&values, 1, 3, 4, 1, 1..3);
        assert_eq!([0, 1, 2, 3].map(|i| some.get(i).map(|v| v[7])), [None, Some(8.0), Some(11.0), None]);
        let none = Strided::<8>::with_missing(&values, 99, 3, 4, 4, 3..2);
        assert_eq!([0, 1, 2, 3].map(|i| none.get(i)), [None; 4]);
    }

    #[test]
    fn vectors_outside_a_slice_are_rejected() {
        let rejected = |at: usize, stride: usize, present: Range<usize>| {
            let create = || Strided::<8>::with_missing(&[0.0; 20], at, stride, 4, 1, present.clone()).end;
            std::panic::catch_unwind(std::panic::AssertUnwindSafe(create)).is_err()
        };
        assert!(!rejected(0, 4, 0..4) && !rejected(12, 0, 0..4));
        assert!(rejected(1, 4, 0..4) && rejected(21, 0, 0..4) && rejected(0, usize::MAX / 2, 0..4));
        assert!(rejected(0, 1, 2..4) && rejected(0, 1, 0..2) && rejected(0, 1, 0..5) && rejected(usize::MAX, 0, 0..4));
    }
}
