//! Predictions as CSV: what a spreadsheet or another program reads.

use crate::error::{Error, Result};
use crate::files::write_whole;
use crate::metrics::argmax;
use ndarray::{ArrayRef, Dimension};
use std::path::Path;

/// Writes a line for each row: index, label, predicted class, and the probability of each class with seven significant
/// digits. The file is written whole or not at all.
///
/// `probabilities` are rows × classes.
///
/// # Errors
/// Another number of labels than of rows, or a file that cannot be written.
pub fn write_predictions<D: Dimension>(
    path: impl AsRef<Path>,
    labels: &[usize],
    probabilities: &ArrayRef<f32, D>,
) -> Result<()> {
    let (rows, classes) = (probabilities.shape().first().copied().unwrap_or(0), probabilities.shape().last().copied());
    if labels.len() != rows {
        return Err(Error::Rows { first: ("labels", labels.len()), second: ("predictions", rows) });
    }
    let values: Vec<f32> = probabilities.iter().copied().collect();
    write_whole(path.as_ref(), csv(labels, &values, classes.unwrap_or(1)).as_bytes())
}

fn csv(labels: &[usize], values: &[f32], classes: usize) -> String {
    let mut csv = String::from("index,label,predicted");
    csv.extend((0..classes).map(|class| format!(",p{class}")));
    csv.push('\n');
    for (index, (label, row)) in labels.iter().zip(values.chunks_exact(classes.max(1))).enumerate() {
        csv.push_str(&format!("{index},{label},{}", argmax(row)));
        csv.extend(row.iter().map(|p| format!(",{p:.6e}")));
        csv.push('\n');
    }
    csv
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn lines_hold_index_label_class_and_probabilities() {
        let expected = "index,label,predicted,p0,p1\n0,1,0,7.500000e-1,2.500000e-1\n1,1,1,0.000000e0,1.000000e0\n";
        assert_eq!(csv(&[1, 1], &[0.75, 0.25, 0.0, 1.0], 2), expected);
    }

    #[test]
    fn a_label_for_each_row_is_needed() {
        let error = write_predictions("never.csv", &[1], &ndarray::arr2(&[[0.5, 0.5], [0.5, 0.5]])).unwrap_err();
        assert_eq!(
            error.to_string(),
            "labels have 1 rows and predictions have 2; each row of the one needs its row of the other"
        );
    }
}
