//! Vectors at equal distances in a slice, with one bounds check for all of them.
//!
//! # Safety
//!
//! A view is made only by [`StridedLayout`], which checks that all `N` vectors are inside the slice. It borrows the slice, and
//! its methods check that an index is less than `N`.

use std::marker::PhantomData;

/// The positions of `N` vectors of `L` lanes at equal distances in a slice.
///
/// A bounds check for each vector would take as long as its multiply-adds, or longer with debug assertions. No check remains
/// for an index that is a constant.
#[derive(Clone, Copy)]
pub(crate) struct StridedLayout<const L: usize, const N: usize> {
    stride: usize,
    /// The number of elements from the start of the first vector to the end of the last one.
    span: usize,
}

impl<const L: usize, const N: usize> StridedLayout<L, N> {
    /// Creates the layout of `N` vectors, at least one, at a distance of `stride` elements.
    #[inline(always)]
    pub(crate) fn new(stride: usize) -> Self {
        const { assert!(N > 0, "at least one vector") };
        StridedLayout { stride, span: (N - 1).saturating_mul(stride).saturating_add(L) }
    }

    /// A view of a slice, in which the first vector starts at `values[at]`.
    ///
    /// # Panics
    /// If a vector is not inside the slice.
    #[inline(always)]
    pub(crate) fn view(self, values: &[f32], at: usize) -> StridedView<'_, L, N> {
        self.check(values.len(), at);
        StridedView { first: values.as_ptr().wrapping_add(at), stride: self.stride, values: PhantomData }
    }

    /// A mutable view of a slice, in which the first vector starts at `values[at]`.
    ///
    /// # Panics
    /// If a vector is not inside the slice.
    #[inline(always)]
    pub(crate) fn view_mut(self, values: &mut [f32], at: usize) -> StridedViewMut<'_, L, N> {
        self.check(values.len(), at);
        StridedViewMut { first: values.as_mut_ptr().wrapping_add(at), stride: self.stride, values: PhantomData }
    }

    #[inline(always)]
    fn check(self, length: usize, at: usize) {
        assert!(self.span <= length && at <= length - self.span, "vectors inside a slice");
    }
}

/// Vectors at equal distances in a slice.
#[derive(Clone, Copy)]
pub(crate) struct StridedView<'a, const L: usize, const N: usize> {
    first: *const f32,
    stride: usize,
    values: PhantomData<&'a [f32]>,
}

impl<'a, const L: usize, const N: usize> StridedView<'a, L, N> {
    /// The vector with this index.
    ///
    /// # Panics
    /// If `index` is not less than `N`.
    #[inline(always)]
    pub(crate) fn at(&self, index: usize) -> &'a [f32; L] {
        assert!(index < N, "one of the vectors");
        let vector = self.first.wrapping_add(index.wrapping_mul(self.stride)).cast::<[f32; L]>();
        // SAFETY: `StridedLayout::view` has checked that the vectors are inside the slice, which is borrowed.
        #[allow(unsafe_code)]
        #[expect(clippy::transmute_ptr_to_ref, reason = "a dereference is checked in builds with debug assertions")]
        unsafe {
            std::mem::transmute::<*const [f32; L], &'a [f32; L]>(vector)
        }
    }
}

/// Mutable vectors at equal distances in a slice.
pub(crate) struct StridedViewMut<'a, const L: usize, const N: usize> {
    first: *mut f32,
    stride: usize,
    values: PhantomData<&'a mut [f32]>,
}

impl<const L: usize, const N: usize> StridedViewMut<'_, L, N> {
    /// Overwrites the vector with this index.
    ///
    /// # Panics
    /// If `index` is not less than `N`.
    #[inline(always)]
    pub(crate) fn set(&mut self, index: usize, lanes: &[f32; L]) {
        assert!(index < N, "one of the vectors");
        let vector = self.first.wrapping_add(index.wrapping_mul(self.stride)).cast::<[f32; L]>();
        // SAFETY: `StridedLayout::view_mut` has checked that the vectors are inside the slice, which is borrowed for as long as
        // `self` and only written to through it.
        #[allow(unsafe_code)]
        #[expect(clippy::transmute_ptr_to_ref, reason = "a dereference is checked in builds with debug assertions")]
        let vector = unsafe { std::mem::transmute::<*mut [f32; L], &mut [f32; L]>(vector) };
        *vector = *lanes;
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::kernels::samples;
    use std::panic::{AssertUnwindSafe, catch_unwind};

    #[test]
    fn vectors_are_read_and_overwritten_at_their_distance() {
        let mut values: Vec<f32> = (0u8..20).map(f32::from).collect();
        let vectors = StridedLayout::<8, 4>::new(3);
        assert_eq!([0, 1, 2, 3].map(|index| vectors.view(&values, 1).at(index)[0]), [1.0, 4.0, 7.0, 10.0]);
        vectors.view_mut(&mut values, 2).set(3, &[-1.0; 8]);
        assert_eq!(values[10..], [10.0, -1.0, -1.0, -1.0, -1.0, -1.0, -1.0, -1.0, -1.0, 19.0]);
    }

    #[test]
    fn vectors_outside_a_slice_are_rejected() {
        let rejected = |at: usize, stride: usize| {
            let vectors = StridedLayout::<8, 4>::new(stride);
            let read = catch_unwind(|| *vectors.view(&[0.0; 20], at).at(0)).is_err();
            let write =
                catch_unwind(AssertUnwindSafe(|| vectors.view_mut(&mut [0.0; 20], at).set(0, &[0.0; 8]))).is_err();
            assert_eq!(read, write);
            read
        };
        assert!(!rejected(0, 4) && !rejected(12, 0));
        assert!(rejected(1, 4) && rejected(13, 0) && rejected(0, usize::MAX / 2) && rejected(usize::MAX, 0));
    }

    /// Compares views with slices for layouts of `N` vectors at all small distances and offsets.
    fn compare<const L: usize, const N: usize>() {
        for (length, stride, at) in samples::bits(N as u64, 3 * 2000)
            .as_chunks()
            .0
            .iter()
            .map(|[a, b, c]| ((a % 97) as usize, (b % 23) as usize, (c % 41) as usize))
        {
            let mut values = samples::values(7, length);
            let mut expected = values.clone();
            let layout = StridedLayout::<L, N>::new(stride);
            let places: Vec<_> = (0..N).map(|index| at + index * stride).collect();
            if places.iter().any(|place| place + L > length) {
                assert!(catch_unwind(|| layout.view(&values, at).at(0)[0]).is_err());
                continue;
            }
            for (index, place) in places.into_iter().enumerate() {
                assert_eq!(layout.view(&values, at).at(index)[..], values[place..place + L]);
                let lanes = [index as f32; L];
                layout.view_mut(&mut values, at).set(index, &lanes);
                expected[place..place + L].copy_from_slice(&lanes);
            }
            assert_eq!(values, expected);
        }
    }

    #[test]
    fn views_are_those_of_a_slice() {
        compare::<8, 1>();
        compare::<8, 5>();
        compare::<16, 3>();
        compare::<24, 2>();
    }

    #[test]
    fn a_vector_beyond_the_last_is_rejected() {
        assert!(catch_unwind(|| *StridedLayout::<8, 2>::new(1).view(&[0.0; 20], 0).at(2)).is_err());
    }
}
