//! Ranges of arrays that follow each other.

use std::ops::Range;

/// For each array, its elements in `range` of all arrays one after the other, and their positions in this range. Both are empty
/// for an array outside the range.
pub(crate) fn parts(
    lengths: impl Iterator<Item = usize>,
    range: Range<usize>,
) -> impl Iterator<Item = (Range<usize>, Range<usize>)> {
    let mut start = 0;
    lengths.map(move |length| {
        let before = start;
        start += length;
        let [from, to] = [before, start].map(|at| at.clamp(range.start, range.end));
        let of_array = from.max(before).min(start) - before..to.max(before).min(start) - before;
        (of_array, from - range.start..to - range.start)
    })
}

/// Appends the elements in `range` of all arrays to `to`.
pub(crate) fn append<'a>(arrays: impl Iterator<Item = &'a [f32]> + Clone, range: Range<usize>, to: &mut Vec<f32>) {
    for (array, (of_array, _)) in arrays.clone().zip(parts(arrays.map(<[f32]>::len), range)) {
        to.extend_from_slice(&array[of_array]);
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn ranges_are_those_of_one_long_array() {
        let arrays: [&[f32]; 5] = [&[0.0, 1.0, 2.0], &[], &[3.0], &[4.0, 5.0, 6.0, 7.0], &[8.0]];
        let whole = arrays.concat();
        for (start, end) in (0..=9).flat_map(|start| (start..=9).map(move |end| (start, end))) {
            let mut found = Vec::new();
            append(arrays.into_iter(), start..end, &mut found);
            assert_eq!(found, whole[start..end]);
            for (array, (of_array, of_range)) in arrays.iter().zip(parts(arrays.iter().map(|a| a.len()), start..end)) {
                assert_eq!(array[of_array], whole[start..end][of_range]);
            }
        }
    }
}
