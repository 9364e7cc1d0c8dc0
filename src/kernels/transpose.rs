//! Squares of sixteen by sixteen, rows as columns, in registers: what a product reads or writes across its rows.

/// Rows and columns of a square.
pub(super) const SIDE: usize = 16;

pub(super) type Square = [[f32; SIDE]; SIDE];

/// Rows become columns: two rounds, each of which interleaves rows four apart, rotate the eight bits of an element's place
/// by two.
#[inline(always)]
pub(super) fn transpose(square: &mut Square) {
    let mut between = [[0.0; SIDE]; SIDE];
    interleave(square, &mut between);
    interleave(&between, square);
}

/// Rows `i`, `i + 4`, `i + 8` and `i + 12`, element by element in turn, become four rows.
#[inline(always)]
#[expect(clippy::needless_range_loop, reason = "as a loop over places it becomes shuffles of whole vectors")]
fn interleave(from: &Square, to: &mut Square) {
    for (i, to) in to.as_chunks_mut::<4>().0.iter_mut().enumerate() {
        let to = to.as_flattened_mut();
        for l in 0..SIDE {
            for j in 0..4 {
                to[4 * l + j] = from[i + 4 * j][l];
            }
        }
    }
}

/// Reads `width` columns, `stride` apart in `columns`, as rows of a panel; `seen` is shown each sixteen elements.
#[inline(always)]
pub(super) fn read_across<const N: usize>(
    columns: &[f32],
    stride: usize,
    width: usize,
    panel: &mut [[f32; N]],
    mut seen: impl FnMut(&[f32; SIDE]),
) {
    for l in (0..width).step_by(SIDE) {
        let columns = &columns[l * stride..];
        for (number, panel) in panel.chunks_mut(SIDE).enumerate() {
            let mut square = [[0.0; SIDE]; SIDE];
            for (values, column) in square.iter_mut().zip(columns.chunks(stride)).take(width - l) {
                let column = &column[number * SIDE..];
                match column.first_chunk() {
                    Some(column) if panel.len() == SIDE => *values = *column,
                    _ => values[..panel.len()].copy_from_slice(&column[..panel.len()]),
                }
            }
            transpose(&mut square);
            for (panel, row) in panel.iter_mut().zip(&square) {
                panel[l..l + SIDE].copy_from_slice(row);
                seen(row);
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn rows_become_columns() {
        let at = |row: usize, column: usize| (row * SIDE + column) as f32;
        let mut square = std::array::from_fn(|row| std::array::from_fn(|column| at(row, column)));
        transpose(&mut square);
        for (row, values) in square.iter().enumerate() {
            assert!(values.iter().enumerate().all(|(column, value)| *value == at(column, row)), "row {row}");
        }
    }
}
