//! Rows of equal length at equal distances in a slice: one step of a batch of sequences.

/// Rows at a distance of `stride`.
#[derive(Clone, Copy)]
pub(super) struct Rows<'a> {
    data: &'a [f32],
    stride: usize,
}

impl<'a> Rows<'a> {
    /// Rows in `data`, of which the first is at `start`. Without data, there are no rows.
    #[inline(always)]
    pub(super) fn new(data: &'a [f32], start: usize, stride: usize) -> Rows<'a> {
        Rows { data: data.get(start..).unwrap_or(&[]), stride }
    }

    /// The rows without their first elements.
    #[inline(always)]
    pub(super) fn after(self, column: usize) -> Rows<'a> {
        Rows { data: &self.data[column..], ..self }
    }

    /// The first `width` elements of a row.
    #[inline(always)]
    pub(super) fn row(&self, row: usize, width: usize) -> &'a [f32] {
        &self.data[row * self.stride..][..width]
    }

    /// Whether the rows are those of a mask, and the first element of this one is 0.
    #[inline(always)]
    pub(super) fn is_masked(&self, row: usize) -> bool {
        self.data.get(row * self.stride) == Some(&0.0)
    }
}

/// Rows at a distance of `stride`, to be written.
pub(super) struct RowsMut<'a> {
    data: &'a mut [f32],
    stride: usize,
}

impl<'a> RowsMut<'a> {
    /// Rows in `data`, of which the first is at `start`.
    #[inline(always)]
    pub(super) fn new(data: &'a mut [f32], start: usize, stride: usize) -> RowsMut<'a> {
        RowsMut { data: &mut data[start..], stride }
    }

    /// The rows without their first elements.
    #[inline(always)]
    pub(super) fn after(&mut self, column: usize) -> RowsMut<'_> {
        RowsMut { data: &mut self.data[column..], stride: self.stride }
    }

    /// The first `width` elements of a row.
    #[inline(always)]
    pub(super) fn row(&mut self, row: usize, width: usize) -> &mut [f32] {
        &mut self.data[row * self.stride..][..width]
    }
}
