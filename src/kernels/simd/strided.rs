//! Vectors at equal distances in a slice, whose bounds are checked once for all of them.

use std::marker::PhantomData;

/// The distance of `N` vectors of `L` lanes in a slice.
///
/// Checking each vector takes as long as its multiply-adds, and longer with debug assertions.
#[derive(Clone, Copy)]
pub(crate) struct Strides<const L: usize, const N: usize> {
    stride: usize,
    /// From the beginning of the first vector to the end of the last.
    reach: usize,
}

impl<const L: usize, const N: usize> Strides<L, N> {
    /// Vectors at a distance of `stride`.
    #[inline(always)]
    pub(crate) fn new(stride: usize) -> Self {
        const { assert!(N > 0, "at least one vector") };
        Strides { stride, reach: (N - 1).saturating_mul(stride).saturating_add(L) }
    }

    /// The vectors of a slice, the first at `values[at]`.
    ///
    /// # Panics
    /// When one of them is not inside the slice.
    #[inline(always)]
    pub(crate) fn of(self, values: &[f32], at: usize) -> Strided<'_, L, N> {
        self.check(values.len(), at);
        Strided { first: values.as_ptr().wrapping_add(at), stride: self.stride, values: PhantomData }
    }

    /// The vectors of a slice to overwrite, the first at `values[at]`.
    ///
    /// # Panics
    /// When one of them is not inside the slice.
    #[inline(always)]
    pub(crate) fn of_mut(self, values: &mut [f32], at: usize) -> StridedMut<'_, L, N> {
        self.check(values.len(), at);
        StridedMut { first: values.as_mut_ptr().wrapping_add(at), stride: self.stride, values: PhantomData }
    }

    #[inline(always)]
    fn check(self, length: usize, at: usize) {
        assert!(self.reach <= length && at <= length - self.reach, "vectors inside a slice");
    }
}

/// Vectors of a slice.
#[derive(Clone, Copy)]
pub(crate) struct Strided<'a, const L: usize, const N: usize> {
    first: *const f32,
    stride: usize,
    values: PhantomData<&'a [f32]>,
}

impl<'a, const L: usize, const N: usize> Strided<'a, L, N> {
    /// The vector with this number.
    ///
    /// # Panics
    /// When there are not that many.
    #[inline(always)]
    pub(crate) fn at(&self, number: usize) -> &'a [f32; L] {
        assert!(number < N, "one of the vectors");
        let vector = self.first.wrapping_add(number.wrapping_mul(self.stride)).cast::<[f32; L]>();
        // SAFETY: `Strides::of` has checked that the vectors are inside the slice, which is borrowed.
        #[allow(unsafe_code)]
        #[expect(clippy::transmute_ptr_to_ref, reason = "a dereference is checked in builds with debug assertions")]
        unsafe {
            std::mem::transmute::<*const [f32; L], &'a [f32; L]>(vector)
        }
    }
}

/// Vectors of a slice to overwrite.
pub(crate) struct StridedMut<'a, const L: usize, const N: usize> {
    first: *mut f32,
    stride: usize,
    values: PhantomData<&'a mut [f32]>,
}

impl<const L: usize, const N: usize> StridedMut<'_, L, N> {
    /// Overwrites the vector with this number.
    ///
    /// # Panics
    /// When there are not that many.
    #[inline(always)]
    pub(crate) fn set(&mut self, number: usize, lanes: &[f32; L]) {
        assert!(number < N, "one of the vectors");
        let vector = self.first.wrapping_add(number.wrapping_mul(self.stride)).cast::<[f32; L]>();
        // SAFETY: `Strides::of_mut` has checked that the vectors are inside the slice, which is borrowed for as long as
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
    use std::panic::{AssertUnwindSafe, catch_unwind};

    #[test]
    fn vectors_are_read_and_overwritten_at_their_distance() {
        let mut values: Vec<f32> = (0u8..20).map(f32::from).collect();
        let vectors = Strides::<8, 4>::new(3);
        assert_eq!([0, 1, 2, 3].map(|number| vectors.of(&values, 1).at(number)[0]), [1.0, 4.0, 7.0, 10.0]);
        vectors.of_mut(&mut values, 2).set(3, &[-1.0; 8]);
        assert_eq!(values[10..], [10.0, -1.0, -1.0, -1.0, -1.0, -1.0, -1.0, -1.0, -1.0, 19.0]);
    }

    #[test]
    fn vectors_outside_a_slice_are_rejected() {
        let rejected = |at: usize, stride: usize| {
            let vectors = Strides::<8, 4>::new(stride);
            let read = catch_unwind(|| *vectors.of(&[0.0; 20], at).at(0)).is_err();
            let write =
                catch_unwind(AssertUnwindSafe(|| vectors.of_mut(&mut [0.0; 20], at).set(0, &[0.0; 8]))).is_err();
            assert_eq!(read, write);
            read
        };
        assert!(!rejected(0, 4) && !rejected(12, 0));
        assert!(rejected(1, 4) && rejected(13, 0) && rejected(0, usize::MAX / 2) && rejected(usize::MAX, 0));
    }

    #[test]
    fn a_vector_beyond_the_last_is_rejected() {
        assert!(catch_unwind(|| *Strides::<8, 2>::new(1).of(&[0.0; 20], 0).at(2)).is_err());
    }
}
