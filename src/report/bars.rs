//! Bar charts of named values, such as the probabilities of ten classes.

use super::general;
use super::svg::{Anchor, Svg};
use crate::error::Result;
use crate::files::write_whole;
use std::path::Path;

/// A bar chart of non-negative values.
///
/// ```
/// use gradus::report::Bars;
/// let bars = Bars::new("Actual: 1").bar("0", 0.25).bar("1", 0.75).highlight("1");
/// assert_eq!(bars.to_text(30), "Actual: 1\n 0  |#####            0.25\n 1 >|################ 0.75");
/// ```
#[derive(Clone, Debug)]
#[must_use]
pub struct Bars {
    title: String,
    bars: Vec<(String, f64)>,
    highlight: Option<String>,
}

/// Height of the chart, and the margins above and below the bars, in units of the view box.
const HEIGHT: f64 = 240.0;
const TOP: f64 = 44.0;
const BOTTOM: f64 = 28.0;
/// Width of a bar including the gap to the next one.
const STEP: f64 = 44.0;

impl Bars {
    /// Creates a chart without bars.
    pub fn new(title: impl Into<String>) -> Bars {
        Bars { title: title.into(), bars: Vec::new(), highlight: None }
    }

    /// Adds a bar. A value below 0 or not finite is drawn as 0.
    pub fn bar(mut self, label: impl Into<String>, value: f64) -> Bars {
        self.bars.push((label.into(), value));
        self
    }

    /// Draws the bar with this label in another color, for example the correct class.
    pub fn highlight(mut self, label: impl Into<String>) -> Bars {
        self.highlight = Some(label.into());
        self
    }

    /// Length of each bar relative to the longest, from 0 to 1.
    fn lengths(&self) -> Vec<f64> {
        let length = |value: f64| if value.is_finite() { value.max(0.0) } else { 0.0 };
        let longest = self.bars.iter().map(|(_, value)| length(*value)).fold(f64::MIN_POSITIVE, f64::max);
        self.bars.iter().map(|(_, value)| length(*value) / longest).collect()
    }

    fn is_highlighted(&self, label: &str) -> bool {
        self.highlight.as_deref() == Some(label)
    }

    /// Renders the chart as SVG, for a page or a file. Its colors follow the reader's light or dark theme.
    pub fn to_svg(&self) -> String {
        let width = STEP * self.bars.len().max(4) as f64;
        let mut svg = Svg::new(&self.title, width, HEIGHT);
        svg.text(8.0, 18.0, Anchor::Start, &self.title);
        let tallest = HEIGHT - TOP - BOTTOM;
        for (at, ((label, value), length)) in self.bars.iter().zip(self.lengths()).enumerate() {
            let (x, height) = (STEP * at as f64, tallest * length);
            let series = usize::from(self.is_highlighted(label));
            let hint = format!("{label}: {}", general(*value));
            svg.bar(series, 1.0, [x + 6.0, TOP + tallest - height, STEP - 12.0, height], &hint);
            svg.text(x + STEP / 2.0, TOP + tallest - height - 5.0, Anchor::Middle, short(*value));
            svg.text(x + STEP / 2.0, HEIGHT - 10.0, Anchor::Middle, label);
        }
        svg.grid([0.0, TOP + tallest], [width, TOP + tallest]);
        svg.finish()
    }

    /// Writes [`to_svg`](Bars::to_svg) to a file atomically.
    ///
    /// # Errors
    /// Returns an error if the file cannot be written.
    pub fn write_svg(&self, path: impl AsRef<Path>) -> Result<()> {
        write_whole(path.as_ref(), self.to_svg().as_bytes())
    }

    /// Renders the chart as ASCII text, `columns` characters wide, one line per bar. `>` marks the highlighted bar.
    pub fn to_text(&self, columns: usize) -> String {
        let widest = self.bars.iter().map(|(label, _)| label.chars().count()).max().unwrap_or(0);
        let longest = columns.saturating_sub(widest + 13).max(1);
        let mut lines = vec![self.title.clone()];
        for ((label, value), length) in self.bars.iter().zip(self.lengths()) {
            let mark = if self.is_highlighted(label) { '>' } else { ' ' };
            let bar = "#".repeat((length * longest as f64).round() as usize);
            lines.push(format!(" {label:<widest$} {mark}|{bar:<longest$} {}", short(*value)));
        }
        lines.join("\n")
    }
}

/// Formats a value for the label of its bar.
fn short(value: f64) -> String {
    if value == 0.0 || (0.005..1000.0).contains(&value) { format!("{value:.2}") } else { format!("{value:.0e}") }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn svg_is_well_formed_for_hostile_titles_and_values() {
        let hostile = "<\"&'\u{1}";
        let empty = Bars::new(hostile);
        let odd = [f64::NAN, -1.0, 0.0, 1e-300, 1e300]
            .into_iter()
            .fold(empty.clone(), |bars, value| bars.bar(hostile, value));
        for bars in [empty, odd.highlight(hostile)] {
            let svg = bars.to_svg();
            let document = roxmltree::Document::parse(&svg).unwrap();
            for rect in document.descendants().filter(|node| node.has_tag_name("rect")) {
                let height: f64 = rect.attribute("height").unwrap().parse().unwrap();
                assert!((0.0..=HEIGHT).contains(&height));
            }
            assert_eq!(bars.to_text(5).lines().count(), 1 + bars.bars.len());
        }
    }
}
