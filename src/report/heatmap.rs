//! Heatmaps: colored tables of counts, such as a confusion matrix.

use super::svg::{Anchor, Svg};
use crate::error::Result;
use crate::files::write_whole;
use crate::metrics::ConfusionMatrix;
use std::path::Path;

/// A table of counts. The larger a cell's share of its row, the darker the cell.
///
/// ```
/// use gradus::report::Heatmap;
/// let map = Heatmap::new("Confusion", vec![vec![9, 1], vec![0, 10]]).axes("actual", "predicted");
/// assert!(map.to_svg().contains(">9</text>"));
/// ```
#[derive(Clone, Debug)]
#[must_use]
pub struct Heatmap {
    title: String,
    rows: Vec<Vec<u64>>,
    labels: Vec<String>,
    axes: [String; 2],
}

const CELL: f64 = 40.0;
/// Margins to the left of the cells and above them.
const LEFT: f64 = 60.0;
const TOP: f64 = 64.0;

impl Heatmap {
    /// Creates a heatmap from rows of counts. Rows and columns are numbered from 0 unless [`labels`](Heatmap::labels)
    /// names them.
    pub fn new(title: impl Into<String>, rows: Vec<Vec<u64>>) -> Heatmap {
        let count = rows.iter().map(Vec::len).max().unwrap_or(0).max(rows.len());
        let labels = (0..count).map(|label| label.to_string()).collect();
        Heatmap { title: title.into(), rows, labels, axes: [String::new(), String::new()] }
    }

    /// Creates the heatmap of a confusion matrix.
    pub fn of_confusion(confusion: &ConfusionMatrix) -> Heatmap {
        let rows = confusion.counts().outer_iter().map(|row| row.to_vec()).collect();
        Heatmap::new("Confusion matrix", rows).axes("actual", "predicted")
    }

    /// Names of the rows and columns.
    pub fn labels(mut self, labels: Vec<String>) -> Heatmap {
        self.labels = labels;
        self
    }

    /// Titles of the vertical and the horizontal axis, such as `actual` and `predicted`.
    pub fn axes(mut self, rows: impl Into<String>, columns: impl Into<String>) -> Heatmap {
        self.axes = [rows.into(), columns.into()];
        self
    }

    /// Renders the heatmap as SVG, for a page or a file. Its colors follow the reader's light or dark theme.
    pub fn to_svg(&self) -> String {
        let columns = self.rows.iter().map(Vec::len).max().unwrap_or(0);
        let size = |cells: usize, before: f64| before + CELL * cells.max(3) as f64 + 8.0;
        let mut svg = Svg::new(&self.title, size(columns, LEFT), size(self.rows.len(), TOP));
        svg.text(8.0, 18.0, Anchor::Start, &self.title);
        svg.text(8.0, TOP - 8.0, Anchor::Start, format!("{} ↓", self.axes[0]));
        svg.text(LEFT, TOP - 28.0, Anchor::Start, format!("{} →", self.axes[1]));
        let label = |at: usize| self.labels.get(at).map_or("", String::as_str);
        for column in 0..columns {
            svg.text(LEFT + CELL * (column as f64 + 0.5), TOP - 8.0, Anchor::Middle, label(column));
        }
        for (at, row) in self.rows.iter().enumerate() {
            let y = TOP + CELL * at as f64;
            svg.text(LEFT - 12.0, y + CELL / 2.0 + 4.0, Anchor::End, label(at));
            let total = row.iter().sum::<u64>().max(1);
            for (column, count) in row.iter().enumerate() {
                let x = LEFT + CELL * column as f64;
                // The square root keeps small shares visible; the limit keeps the count readable in both themes.
                let share = *count as f64 / total as f64;
                let opacity = if *count == 0 { 0.04 } else { 0.1 + 0.45 * share.sqrt() };
                let hint = format!("{} {}, {} {}: {count}", self.axes[0], label(at), self.axes[1], label(column));
                svg.bar(0, opacity, [x + 1.0, y + 1.0, CELL - 2.0, CELL - 2.0], &hint);
                svg.text(x + CELL / 2.0, y + CELL / 2.0 + 4.0, Anchor::Middle, count);
            }
        }
        svg.finish()
    }

    /// Writes [`to_svg`](Heatmap::to_svg) to a file atomically.
    ///
    /// # Errors
    /// Returns an error if the file cannot be written.
    pub fn write_svg(&self, path: impl AsRef<Path>) -> Result<()> {
        write_whole(path.as_ref(), self.to_svg().as_bytes())
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_cell_shows_its_count() {
        let ragged = vec![vec![1, 2], vec![u64::MAX / 2, 4], vec![]];
        for map in [Heatmap::new("<&>", ragged), Heatmap::new("", Vec::new()).labels(vec!["<".into()])] {
            let svg = map.to_svg();
            let document = roxmltree::Document::parse(&svg).unwrap();
            let cells = document.descendants().filter(|node| node.has_tag_name("rect")).count();
            assert_eq!(cells, map.rows.iter().map(Vec::len).sum::<usize>());
            assert!(map.rows.iter().flatten().all(|count| svg.contains(&format!(">{count}</text>"))));
        }
    }
}
