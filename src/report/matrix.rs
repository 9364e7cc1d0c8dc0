//! Matrix formatting like NumPy with two decimals.

use ndarray::{ArrayRef, Ix2};

/// Formats a matrix with two decimals as NumPy does: one line per row, aligned columns, trailing zeros replaced by spaces.
///
/// ```
/// use gradus::report::matrix;
/// let text = matrix(&ndarray::arr2(&[[0.0, 0.25], [1.0, -0.5]]));
/// assert_eq!(text, "[[ 0.    0.25]\n [ 1.   -0.5 ]]");
/// ```
pub fn matrix(values: &ArrayRef<f32, Ix2>) -> String {
    let width = values.iter().map(|value| cell(*value).len()).max().unwrap_or(0);
    let row = |row: ndarray::ArrayView1<'_, f32>| {
        let cells: Vec<String> = row.iter().map(|value| format!("{:>width$}", cell(*value))).collect();
        format!("[{}]", cells.join(" "))
    };
    let rows: Vec<String> = values.outer_iter().map(row).collect();
    format!("[{}]", rows.join("\n "))
}

/// Formats one element: `0.25`, `0.5 `, `1.  `.
fn cell(value: f32) -> String {
    let text = format!("{value:.2}");
    let significant = text.trim_end_matches('0').len();
    let (kept, zeros) = text.split_at(significant);
    format!("{kept}{}", " ".repeat(zeros.len()))
}
