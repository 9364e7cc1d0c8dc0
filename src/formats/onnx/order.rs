//! Axis orders: the order in which the axes of ONNX are stored in memory.

use crate::AxisOrder;

/// The storage order with the channels, axis 1 in ONNX, last.
pub(super) fn channels_last(rank: usize) -> Vec<usize> {
    let mut order: Vec<usize> = (0..rank).collect();
    if rank > 2 {
        order[1..].rotate_left(1);
    }
    order
}

/// The permutation that moves channels from the last axis to axis 1.
pub(super) fn channels_first(rank: usize) -> Vec<usize> {
    let mut order: Vec<usize> = (0..rank).collect();
    if rank > 2 {
        order[1..].rotate_right(1);
    }
    order
}

/// Converts a storage order that includes the rows to the axis order of samples; `None` if the rows are not first.
pub(super) fn axis_order(order: &[usize]) -> Option<AxisOrder> {
    let (0, sample) = order.split_first().map(|(rows, sample)| (*rows, sample))? else { return None };
    let place = |axis| sample.iter().position(|stored| *stored == axis + 1);
    AxisOrder::new(&(0..sample.len()).map(place).collect::<Option<Vec<_>>>()?).ok()
}

/// The place of each axis in a storage order.
pub(super) fn inverse(order: &[usize]) -> Vec<usize> {
    (0..order.len()).map(|axis| order.iter().position(|other| *other == axis).unwrap_or(axis)).collect()
}

/// A storage order with the rows, axis 0 in ONNX, moved to the front.
pub(super) fn rows_first(order: &[usize]) -> Vec<usize> {
    let others = order.iter().copied().filter(|axis| *axis != 0);
    if order.is_empty() { Vec::new() } else { std::iter::once(0).chain(others).collect() }
}

/// Whether `order` is a permutation of its indices.
pub(super) fn is_permutation(order: &[usize]) -> bool {
    (0..order.len()).all(|axis| order.contains(&axis))
}

/// A suffix that distinguishes the names of weights in several orders, such as `@2310`.
pub(super) fn name_suffix(order: &[usize]) -> String {
    format!("@{}", order.iter().map(usize::to_string).collect::<String>())
}

/// Resolves an axis, which counts from the end if it is negative.
pub(super) fn axis(number: i64, rank: usize) -> Result<usize, String> {
    let axis = if number < 0 { number.checked_add(rank as i64) } else { Some(number) };
    let axis = axis.and_then(|axis| usize::try_from(axis).ok()).filter(|axis| *axis < rank);
    axis.ok_or_else(|| format!("axis {number} is out of range for rank {rank}"))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn axes_count_from_either_end() {
        assert_eq!((axis(0, 2), axis(-1, 2), axis(-2, 2)), (Ok(0), Ok(1), Ok(0)));
        assert_eq!(axis(2, 2), Err("axis 2 is out of range for rank 2".into()));
        assert!(axis(-3, 2).is_err() && axis(0, 0).is_err() && axis(i64::MIN, 2).is_err());
    }

    #[test]
    fn orders_move_the_channels() {
        assert_eq!(channels_last(4), [0, 2, 3, 1]);
        assert_eq!(channels_last(2), [0, 1]);
        assert_eq!(channels_first(4), [0, 3, 1, 2]);
        assert!(is_permutation(&[1, 0]) && !is_permutation(&[1, 1]));
        assert_eq!(axis_order(&channels_last(4)), Some(AxisOrder::channels_first(3)));
        assert_eq!(axis_order(&[0, 1, 2, 3]), Some(AxisOrder::CHANNELS_LAST));
        assert_eq!(axis_order(&[0, 3, 1, 2]).unwrap().axes(), [1, 2, 0]);
        assert_eq!((axis_order(&[1, 0]), axis_order(&[])), (None, None));
        assert_eq!((rows_first(&[2, 1, 0]), rows_first(&[])), (vec![0, 2, 1], Vec::new()));
    }
}
