//! Vectors at equal distances in a slice, whose bounds are checked once for all of them.

use std::marker::PhantomData;
use std::ops::Range;

/// The distance of vectors of `L` lanes in a slice, and how many there are. The first and the last ones may be missing.
///
/// A check for each vector takes as long as its multiply-adds, more so with debug assertions. Counts are constants of the
/// caller, so that the checks in [`Strided::get`] are compiled only where a vector may be missing.
#[derive(Clone, Copy)]
pub(crate) struct Strides<const L: usize> {
    stride: usize,
    count: usize,
    edge: usize,
    /// The number of the first vector that is there, and of the one after the last.
    start: usize,
    end: usize,
    /// From the beginning of the first vector that is there to the end of the last.
    reach: usize,
}

impl<const L: usize> Strides<L> {
    /// `count` vectors at a distance of `stride`.
    #[inline(always)]
    pub(crate) fn new(stride: usize, count: usize) -> Self {
        Strides::with_missing(stride, count, 0, 0..count)
    }

    /// `count` vectors at a distance of `stride`, of which those with the numbers `present` are there. At most `edge` are
    /// missing on either side.
    ///
    /// # Panics
    /// When more are missing.
    #[inline(always)]
    pub(crate) fn with_missing(stride: usize, count: usize, edge: usize, present: Range<usize>) -> Self {
        let Range { start, end } = present;
        assert!(
            start <= edge && end <= count && end.saturating_add(edge) >= count,
            "more vectors are missing than `edge`"
        );
        let reach = if start < end { (end - 1 - start).saturating_mul(stride).saturating_add(L) } else { 0 };
        Strides { stride, count, edge, start, end, reach }
    }

    /// The vectors of a slice, the first that is there at `values[at]`.
    ///
    /// # Panics
    /// When one of them is not inside the slice.
    #[inline(always)]
    pub(crate) fn of(self, values: &[f32], at: usize) -> Strided<'_, L> {
        assert!(self.reach == 0 || at.saturating_add(self.reach) <= values.len(), "vectors inside a slice");
        let first = values.as_ptr().wrapping_add(at).wrapping_sub(self.start.wrapping_mul(self.stride));
        Strided { first, strides: self, values: PhantomData }
    }

    /// The vectors of a slice to overwrite, the first that is there at `values[at]`.
    ///
    /// # Panics
    /// When one of them is not inside the slice.
    #[inline(always)]
    pub(crate) fn of_mut(self, values: &mut [f32], at: usize) -> StridedMut<'_, L> {
        assert!(self.reach == 0 || at.saturating_add(self.reach) <= values.len(), "vectors inside a slice");
        let first = values.as_mut_ptr().wrapping_add(at).wrapping_sub(self.start.wrapping_mul(self.stride));
        StridedMut { first, strides: self, values: PhantomData }
    }

    /// Whether the vector with this number is there, from `start` to before `end`. Either is at most `edge` away from its
    /// end of the vectors, so that the others need no comparison.
    #[inline(always)]
    fn has(&self, number: usize) -> bool {
        assert!(number < self.count, "one of the vectors");
        (number >= self.edge || number >= self.start) && (self.count - number > self.edge || number < self.end)
    }
}

/// Vectors of a slice to overwrite.
pub(crate) struct StridedMut<'a, const L: usize> {
    first: *mut f32,
    strides: Strides<L>,
    values: PhantomData<&'a mut [f32]>,
}

impl<const L: usize> StridedMut<'_, L> {
    /// Overwrites the vector with this number, unless it is missing.
    #[inline(always)]
    pub(crate) fn set(&mut self, number: usize, lanes: [f32; L]) {
        if self.strides.has(number) {
            let vector = self.first.wrapping_add(number.wrapping_mul(self.strides.stride)).cast::<[f32; L]>();
            // SAFETY: `Strides::of_mut` has checked that the vectors that are not missing are inside the slice, which is
            // borrowed for as long as `self` and only written to by way of it.
            #[allow(unsafe_code)]
            #[expect(clippy::transmute_ptr_to_ref, reason = "a dereference is checked in builds with debug assertions")]
            let vector = unsafe { std::mem::transmute::<*mut [f32; L], &mut [f32; L]>(vector) };
            *vector = lanes;
        }
    }
}

/// Vectors of a slice.
#[derive(Clone, Copy)]
pub(crate) struct Strided<'a, const L: usize> {
    /// Where the first vector is, or would be.
    first: *const f32,
    strides: Strides<L>,
    values: PhantomData<&'a [f32]>,
}

impl<'a, const L: usize> Strided<'a, L> {
    /// The vector with this number, unless it is missing.
    #[inline(always)]
    pub(crate) fn get(&self, number: usize) -> Option<[f32; L]> {
        if !self.strides.has(number) {
            return None;
        }
        let vector = self.first.wrapping_add(number.wrapping_mul(self.strides.stride)).cast::<[f32; L]>();
        // SAFETY: `Strides::of` has checked that the vectors that are not missing are inside the slice, which is borrowed.
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
        let all = Strides::<8>::with_missing(3, 4, 1, 0..4).of(&values, 1);
        assert_eq!([0, 1, 2, 3].map(|i| all.get(i).map(|v| v[0])), [1.0, 4.0, 7.0, 10.0].map(Some));
        let some = Strides::<8>::with_missing(3, 4, 1, 1..3).of(&values, 1);
        assert_eq!([0, 1, 2, 3].map(|i| some.get(i).map(|v| v[7])), [None, Some(8.0), Some(11.0), None]);
        let none = Strides::<8>::with_missing(3, 4, 4, 3..3).of(&values, 99);
        assert_eq!([0, 1, 2, 3].map(|i| none.get(i)), [None; 4]);
    }

    #[test]
    fn vectors_outside_a_slice_are_rejected() {
        let rejected = |at: usize, stride: usize, present: Range<usize>| {
            let create = || Strides::<8>::with_missing(stride, 4, 1, present.clone()).of(&[0.0; 20], at).strides.end;
            std::panic::catch_unwind(std::panic::AssertUnwindSafe(create)).is_err()
        };
        assert!(!rejected(0, 4, 0..4) && !rejected(12, 0, 0..4));
        assert!(rejected(1, 4, 0..4) && rejected(21, 0, 0..4) && rejected(0, usize::MAX / 2, 0..4));
        assert!(rejected(0, 1, 2..4) && rejected(0, 1, 0..2) && rejected(0, 1, 0..5) && rejected(usize::MAX, 0, 0..4));
    }
}
