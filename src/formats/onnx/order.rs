//! Orders of axes: where each of ONNX' axes lies in memory.

use crate::AxisOrder;

/// The order in which the channels, ONNX' axis 1, lie last.
pub(super) fn channels_last(rank: usize) -> Vec<usize> {
    let mut order: Vec<usize> = (0..rank).collect();
    if rank > 2 {
        order[1..].rotate_left(1);
    }
    order
}

/// The order that turns channels that lie last into ONNX' own.
pub(super) fn channels_first(rank: usize) -> Vec<usize> {
    let mut order: Vec<usize> = (0..rank).collect();
    if rank > 2 {
        order[1..].rotate_right(1);
    }
    order
}

/// The axis order of samples that lie in this order, the rows included; `None` where the rows do not come first.
pub(super) fn axis_order(order: &[usize]) -> Option<AxisOrder> {
    let (0, sample) = order.split_first().map(|(rows, sample)| (*rows, sample))? else { return None };
    let place = |axis| sample.iter().position(|lying| *lying == axis + 1);
    AxisOrder::new(&(0..sample.len()).map(place).collect::<Option<Vec<_>>>()?).ok()
}

/// Whether `order` names each axis of as many once.
pub(super) fn is_permutation(order: &[usize]) -> bool {
    (0..order.len()).all(|axis| order.contains(&axis))
}

/// What distinguishes weights that lie in several orders: `@2310`.
pub(super) fn name(order: &[usize]) -> String {
    format!("@{}", order.iter().map(usize::to_string).collect::<String>())
}

/// The axis that a number means, which counts from the end where it is negative.
pub(super) fn axis(number: i64, rank: usize) -> Result<usize, String> {
    let axis = if number < 0 { number.checked_add(rank as i64) } else { Some(number) };
    let axis = axis.and_then(|axis| usize::try_from(axis).ok()).filter(|axis| *axis < rank);
    axis.ok_or_else(|| format!("axis {number} of {rank}"))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn axes_count_from_either_end() {
        assert_eq!((axis(0, 2), axis(-1, 2), axis(-2, 2)), (Ok(0), Ok(1), Ok(0)));
        assert_eq!(axis(2, 2), Err("axis 2 of 2".into()));
        assert!(axis(-3, 2).is_err() && axis(0, 0).is_err() && axis(i64::MIN, 2).is_err());
    }

    #[test]
    fn channels_go_last() {
        assert_eq!(channels_last(4), [0, 2, 3, 1]);
        assert_eq!(channels_last(2), [0, 1]);
        assert_eq!(channels_first(4), [0, 3, 1, 2]);
        assert!(is_permutation(&[1, 0]) && !is_permutation(&[1, 1]));
        assert_eq!(axis_order(&channels_last(4)), Some(AxisOrder::channels_first(3)));
        assert_eq!(axis_order(&[0, 1, 2, 3]), Some(AxisOrder::CHANNELS_LAST));
        assert_eq!(axis_order(&[0, 3, 1, 2]).unwrap().axes(), [1, 2, 0]);
        assert_eq!((axis_order(&[1, 0]), axis_order(&[])), (None, None));
    }
}
