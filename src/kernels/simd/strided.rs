//! Vectors at equal distances in a slice, with one bounds check for all of them.

use std::marker::PhantomData;
use std::ops::Range;

/// The positions of vectors of `L` lanes at equal distances in a slice. The first and the last ones may be missing.
///
/// A bounds check for each vector would take as long as its multiply-adds, or longer with debug assertions. If `count`,
/// `max_missing` and the indices are constants, checks remain in [`StridedView::get`] only for vectors that may be missing.
#[derive(Clone, Copy)]
pub(crate) struct StridedLayout<const L: usize> {
    stride: usize,
    count: usize,
    max_missing: usize,
    /// The index of the first vector that is present, and the index after the last one.
    start: usize,
    end: usize,
    /// The number of elements from the start of the first vector that is present to the end of the last one.
    span: usize,
}

impl<const L: usize> StridedLayout<L> {
    /// Creates the layout of `count` vectors at a distance of `stride` elements.
    #[inline(always)]
    pub(crate) fn new(stride: usize, count: usize) -> Self {
        StridedLayout::with_missing(stride, count, 0, 0..count)
    }

    /// Creates the layout of `count` vectors at a distance of `stride` elements, of which only those with indices in `present`
    /// exist. At most `max_missing` are missing on either side.
    ///
    /// # Panics
    /// If more are missing.
    #[inline(always)]
    pub(crate) fn with_missing(stride: usize, count: usize, max_missing: usize, present: Range<usize>) -> Self {
        let Range { start, end } = present;
        assert!(
            start <= max_missing && end <= count && end.saturating_add(max_missing) >= count,
            "more vectors are missing than `max_missing`"
        );
        let span = if start < end { (end - 1 - start).saturating_mul(stride).saturating_add(L) } else { 0 };
        StridedLayout { stride, count, max_missing, start, end, span }
    }

    /// A view of a slice, in which the first vector that is present starts at `values[at]`.
    ///
    /// # Panics
    /// If a vector is not inside the slice.
    #[inline(always)]
    pub(crate) fn view(self, values: &[f32], at: usize) -> StridedView<'_, L> {
        assert!(self.span == 0 || at.saturating_add(self.span) <= values.len(), "vectors inside a slice");
        let first = values.as_ptr().wrapping_add(at).wrapping_sub(self.start.wrapping_mul(self.stride));
        StridedView { first, layout: self, values: PhantomData }
    }

    /// A mutable view of a slice, in which the first vector that is present starts at `values[at]`.
    ///
    /// # Panics
    /// If a vector is not inside the slice.
    #[inline(always)]
    pub(crate) fn view_mut(self, values: &mut [f32], at: usize) -> StridedViewMut<'_, L> {
        assert!(self.span == 0 || at.saturating_add(self.span) <= values.len(), "vectors inside a slice");
        let first = values.as_mut_ptr().wrapping_add(at).wrapping_sub(self.start.wrapping_mul(self.stride));
        StridedViewMut { first, layout: self, values: PhantomData }
    }

    /// Whether the vector with this index is present: `start <= number < end`. Vectors that are at least `max_missing` away
    /// from both ends are present, so constant indices there need no comparison.
    #[inline(always)]
    fn is_present(&self, number: usize) -> bool {
        assert!(number < self.count, "an index less than the number of vectors");
        (number >= self.max_missing || number >= self.start)
            && (self.count - number > self.max_missing || number < self.end)
    }
}

/// Mutable vectors of a slice.
pub(crate) struct StridedViewMut<'a, const L: usize> {
    first: *mut f32,
    layout: StridedLayout<L>,
    values: PhantomData<&'a mut [f32]>,
}

impl<const L: usize> StridedViewMut<'_, L> {
    /// Overwrites the vector with this index, unless it is missing.
    #[inline(always)]
    pub(crate) fn set(&mut self, number: usize, lanes: [f32; L]) {
        if self.layout.is_present(number) {
            let vector = self.first.wrapping_add(number.wrapping_mul(self.layout.stride)).cast::<[f32; L]>();
            // SAFETY: `StridedLayout::view_mut` checked that the vectors that are present are inside the slice, which `self`
            // borrows exclusively.
            #[allow(unsafe_code)]
            #[expect(clippy::transmute_ptr_to_ref, reason = "a dereference is checked in builds with debug assertions")]
            let vector = unsafe { std::mem::transmute::<*mut [f32; L], &mut [f32; L]>(vector) };
            *vector = lanes;
        }
    }
}

/// Vectors of a slice.
#[derive(Clone, Copy)]
pub(crate) struct StridedView<'a, const L: usize> {
    /// The address of the first vector, even if it is missing.
    first: *const f32,
    layout: StridedLayout<L>,
    values: PhantomData<&'a [f32]>,
}

impl<'a, const L: usize> StridedView<'a, L> {
    /// Returns the vector with this index; `None` if it is missing.
    #[inline(always)]
    pub(crate) fn get(&self, number: usize) -> Option<[f32; L]> {
        if !self.layout.is_present(number) {
            return None;
        }
        let vector = self.first.wrapping_add(number.wrapping_mul(self.layout.stride)).cast::<[f32; L]>();
        // SAFETY: `StridedLayout::view` checked that the vectors that are present are inside the slice, which `self`
        // borrows.
        #[allow(unsafe_code)]
        #[expect(clippy::transmute_ptr_to_ref, reason = "a dereference is checked in builds with debug assertions")]
        let vector = unsafe { std::mem::transmute::<*const [f32; L], &'a [f32; L]>(vector) };
        Some(*vector)
    }

    /// Returns the vector with this index.
    ///
    /// # Panics
    /// If it is missing.
    #[inline(always)]
    pub(crate) fn at(&self, number: usize) -> [f32; L] {
        self.get(number).expect("no vector is missing")
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn vectors_that_are_missing_are_none() {
        let values: Vec<f32> = (0u8..20).map(f32::from).collect();
        let all = StridedLayout::<8>::with_missing(3, 4, 1, 0..4).view(&values, 1);
        assert_eq!([0, 1, 2, 3].map(|i| all.get(i).map(|v| v[0])), [1.0, 4.0, 7.0, 10.0].map(Some));
        let some = StridedLayout::<8>::with_missing(3, 4, 1, 1..3).view(&values, 1);
        assert_eq!([0, 1, 2, 3].map(|i| some.get(i).map(|v| v[7])), [None, Some(8.0), Some(11.0), None]);
        let none = StridedLayout::<8>::with_missing(3, 4, 4, 3..3).view(&values, 99);
        assert_eq!([0, 1, 2, 3].map(|i| none.get(i)), [None; 4]);
    }

    #[test]
    fn vectors_outside_a_slice_are_rejected() {
        let rejected = |at: usize, stride: usize, present: Range<usize>| {
            let create =
                || StridedLayout::<8>::with_missing(stride, 4, 1, present.clone()).view(&[0.0; 20], at).layout.end;
            std::panic::catch_unwind(std::panic::AssertUnwindSafe(create)).is_err()
        };
        assert!(!rejected(0, 4, 0..4) && !rejected(12, 0, 0..4));
        assert!(rejected(1, 4, 0..4) && rejected(21, 0, 0..4) && rejected(0, usize::MAX / 2, 0..4));
        assert!(rejected(0, 1, 2..4) && rejected(0, 1, 0..2) && rejected(0, 1, 0..5) && rejected(usize::MAX, 0, 0..4));
    }
}
