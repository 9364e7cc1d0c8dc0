//! Elements of an array in the order of other axes.

use ndarray::{ArrayView, Axis, IxDyn};

/// The elements of a row-major array after a permutation of its axes: axis `i` of the result is axis `order[i]`. Row by row,
/// because an iterator over all elements computes every index.
///
/// # Panics
/// If the number of elements does not match `sizes`, or `order` is not a permutation of its axes.
pub(super) fn permuted<T: Copy>(values: &[T], sizes: &[usize], order: &[usize]) -> Vec<T> {
    let view = ArrayView::from_shape(IxDyn(sizes), values).expect("the number of elements matches the sizes");
    let view = view.permuted_axes(order);
    let Some(last) = order.len().checked_sub(1) else { return values.to_vec() };
    let mut all = Vec::with_capacity(values.len());
    for row in view.lanes(Axis(last)) {
        all.extend(row.iter().copied());
    }
    all
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn elements_are_those_of_the_permuted_array() {
        let values: Vec<i32> = (0..24).collect();
        for order in [[0, 1, 2], [2, 0, 1], [1, 2, 0], [2, 1, 0]] {
            let view = ArrayView::from_shape(IxDyn(&[2, 3, 4]), &values).unwrap().permuted_axes(&order[..]);
            assert_eq!(permuted(&values, &[2, 3, 4], &order), view.iter().copied().collect::<Vec<_>>());
        }
        assert_eq!(permuted(&[7], &[], &[]), [7]);
        assert!(permuted::<f32>(&[], &[2, 0], &[1, 0]).is_empty());
    }
}
