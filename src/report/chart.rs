//! Line charts: one or more series over a common axis, as SVG or as text.

use super::general;
use super::svg::{Anchor, Axis, Svg};
use crate::error::Result;
use crate::files::write_whole;
use crate::metrics::History;
use std::path::Path;

/// A line chart, such as the loss by epoch.
///
/// ```
/// use gradus::report::Chart;
/// let chart = Chart::new("loss").x_label("epoch").series("training", &[2.0, 1.0, 0.5]);
/// assert!(chart.to_svg().starts_with("<svg"));
/// let text = chart.to_text(30, 3);
/// assert_eq!(text, "loss: * training
///        2 |*
///          |          *
///      0.5 |                   *
///          +--------------------
///           1      epoch       3");
/// # assert!(chart.to_text(0, 0).len() > 0);
/// ```
#[derive(Clone, Debug)]
#[must_use]
pub struct Chart {
    title: String,
    x_label: String,
    y_label: String,
    logarithmic: bool,
    series: Vec<(String, Vec<(f64, f64)>)>,
}

/// Width and height of the SVG's view box, and the margins around the plot: left, top, right, bottom.
const SIZE: [f64; 2] = [480.0, 280.0];
const MARGIN: [f64; 4] = [56.0, 44.0, 16.0, 44.0];

/// Characters that mark the series of a text chart.
const MARKS: [char; 6] = ['*', 'o', '+', 'x', '#', '@'];

/// Columns reserved for the axis labels of a text chart.
const LABELS: usize = 10;

impl Chart {
    /// Creates a chart without series.
    pub fn new(title: impl Into<String>) -> Chart {
        Chart {
            title: title.into(),
            x_label: String::new(),
            y_label: String::new(),
            logarithmic: false,
            series: Vec::new(),
        }
    }

    /// Label of the horizontal axis.
    pub fn x_label(mut self, label: impl Into<String>) -> Chart {
        self.x_label = label.into();
        self
    }

    /// Label of the vertical axis.
    pub fn y_label(mut self, label: impl Into<String>) -> Chart {
        self.y_label = label.into();
        self
    }

    /// Uses logarithmic scales for both axes, so that a power law is a straight line. Points that are not positive leave a gap.
    pub fn logarithmic(mut self) -> Chart {
        self.logarithmic = true;
        self
    }

    /// Adds a series whose values are plotted over 1, 2, 3, … Values that are not finite leave a gap.
    pub fn series(self, name: impl Into<String>, values: &[f64]) -> Chart {
        let points: Vec<(f64, f64)> = values.iter().enumerate().map(|(at, value)| (at as f64 + 1.0, *value)).collect();
        self.points(name, &points)
    }

    /// Adds a series of points (x, y), ordered by x.
    pub fn points(mut self, name: impl Into<String>, points: &[(f64, f64)]) -> Chart {
        self.series.push((name.into(), points.to_vec()));
        self
    }

    /// Creates one chart per score of a history, paired with the score's name. Each shows the training values and, if
    /// recorded, the validation values.
    pub fn of_history(history: &History) -> Vec<(String, Chart)> {
        let points = |name: &str| -> Vec<(f64, f64)> {
            let entries = history.epochs.iter();
            entries.filter_map(|entry| Some((entry.number as f64, entry.get(name)?))).collect()
        };
        let chart = |name: String| {
            let training = Chart::new(&*name).x_label(history.unit).points("training", &points(&name));
            let validation = points(&format!("val_{name}"));
            let chart = if validation.is_empty() { training } else { training.points("validation", &validation) };
            (name, chart)
        };
        history.names().into_iter().filter(|name| !name.starts_with("val_")).map(chart).collect()
    }

    fn axes(&self, about: [usize; 2]) -> [Axis; 2] {
        let points = || self.series.iter().flat_map(|(_, points)| points);
        if self.logarithmic {
            return [Axis::logarithmic(points().map(|(x, _)| *x)), Axis::logarithmic(points().map(|(_, y)| *y))];
        }
        let mut x_axis = Axis::over(points().map(|(x, _)| *x), about[0]);
        if points().all(|(x, _)| x.fract() == 0.0) {
            x_axis.marks.retain(|mark| mark.fract() == 0.0); // epochs are integers
        }
        [x_axis, Axis::over(points().map(|(_, y)| *y), about[1])]
    }

    /// Renders the chart as SVG, for a page or a file. Its colors follow the reader's light or dark theme.
    pub fn to_svg(&self) -> String {
        let mut svg = Svg::new(&self.title, SIZE[0], SIZE[1]);
        let [x_axis, y_axis] = self.axes([8, 5]);
        let [left, top, right, bottom] = MARGIN;
        let (width, height) = (SIZE[0] - left - right, SIZE[1] - top - bottom);
        let place = |(x, y): (f64, f64)| [left + width * x_axis.place(x), top + height * (1.0 - y_axis.place(y))];
        for mark in &y_axis.marks {
            let [_, y] = place((x_axis.low, *mark));
            svg.grid([left, y], [left + width, y]);
            svg.text(left - 8.0, y + 4.0, Anchor::End, general(*mark));
        }
        for mark in &x_axis.marks {
            let [x, _] = place((*mark, y_axis.low));
            svg.grid([x, top + height], [x, top + height + 4.0]);
            svg.text(x, top + height + 18.0, Anchor::Middle, general(*mark));
        }
        svg.text(left + width / 2.0, SIZE[1] - 8.0, Anchor::Middle, &self.x_label);
        svg.text(8.0, top - 12.0, Anchor::Start, &self.y_label);
        let drawable = |(x, y): &(f64, f64)| x_axis.has(*x) && y_axis.has(*y);
        self.draw(&mut svg, drawable, place);
        svg.finish()
    }

    /// Draws the lines and the legend above them.
    fn draw(&self, svg: &mut Svg, drawable: impl Fn(&(f64, f64)) -> bool, place: impl Fn((f64, f64)) -> [f64; 2]) {
        let mut legend = SIZE[0] - MARGIN[2];
        for (number, (name, points)) in self.series.iter().enumerate().rev() {
            legend -= 7.0 * name.chars().count() as f64 + 12.0;
            svg.text(legend + 8.0, 20.0, Anchor::Start, name);
            svg.line(number, &[[legend - 16.0, 16.0], [legend + 2.0, 16.0]]);
            legend -= 22.0;
            for run in points.split(|point| !drawable(point)).filter(|run| !run.is_empty()) {
                svg.line(number, &run.iter().map(|point| place(*point)).collect::<Vec<_>>());
            }
        }
        svg.text(8.0, 20.0, Anchor::Start, &self.title);
    }

    /// Writes [`to_svg`](Chart::to_svg) to a file atomically.
    ///
    /// # Errors
    /// Returns an error if the file cannot be written.
    pub fn write_svg(&self, path: impl AsRef<Path>) -> Result<()> {
        write_whole(path.as_ref(), self.to_svg().as_bytes())
    }

    /// Renders the chart as ASCII text, `columns` characters wide, with `rows` lines for the plot itself.
    pub fn to_text(&self, columns: usize, rows: usize) -> String {
        let (width, height) = (columns.saturating_sub(LABELS).max(2), rows.max(2));
        let [x_axis, y_axis] = self.axes([1, 1]);
        let mut cells = vec![vec![' '; width]; height];
        for (number, (_, points)) in self.series.iter().enumerate() {
            for (x, y) in points.iter().filter(|(x, y)| x_axis.has(*x) && y_axis.has(*y)) {
                let column = (x_axis.place(*x).clamp(0.0, 1.0) * (width - 1) as f64).round() as usize;
                let row = ((1.0 - y_axis.place(*y).clamp(0.0, 1.0)) * (height - 1) as f64).round() as usize;
                cells[row][column] = MARKS[number % MARKS.len()];
            }
        }
        let mut lines = vec![self.legend()];
        for (row, cells) in cells.iter().enumerate() {
            let label = match row {
                0 => general(y_axis.high),
                row if row == height - 1 => general(y_axis.low),
                _ => String::new(),
            };
            let cells: String = cells.iter().collect();
            lines.push(format!("{label:>8} |{cells}").trim_end().to_owned());
        }
        lines.push(format!("{:>LABELS$}{}", "+", "-".repeat(width)));
        let (low, high) = (general(x_axis.low), general(x_axis.high));
        let between = width.saturating_sub(low.len() + high.len() + self.x_label.len()) / 2;
        let line = format!("{:LABELS$}{low}{:between$}{}", "", "", self.x_label);
        lines.push(format!("{line}{high:>rest$}", rest = (LABELS + width).saturating_sub(line.len())));
        lines.join("\n")
    }

    fn legend(&self) -> String {
        let mark = |(number, (name, _)): (usize, &(String, _))| format!("{} {name}", MARKS[number % MARKS.len()]);
        let names: Vec<String> = self.series.iter().enumerate().map(mark).collect();
        format!("{}: {}", self.title, names.join(", "))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn svg_is_well_formed_for_hostile_titles_and_values() {
        let hostile = "</svg><a href='x'>&\u{0}";
        let few = Chart::new(hostile).x_label(hostile).y_label(hostile);
        let charts = [
            few.clone(),
            few.clone().series(hostile, &[]),
            few.clone().series("one", &[3.0]),
            few.clone().series("equal", &[2.0, 2.0]).series("gap", &[1.0, f64::NAN, f64::INFINITY, 2.0, 1e308]),
            few.clone().points("points", &[(0.5, -1e-9), (0.7, 1e9)]),
            few.clone().logarithmic().points("gap", &[(0.0, 1.0), (0.5, -1.0), (0.7, 1e9), (1e99, 1e-99)]),
            few.logarithmic(),
        ];
        for chart in charts {
            let svg = chart.to_svg();
            roxmltree::Document::parse(&svg).unwrap();
            assert!(!svg.contains("NaN") && !svg.contains("inf") && !svg.contains("nan"), "{svg}");
            let text = chart.to_text(40, 5);
            assert_eq!(text.lines().count(), 8, "{text}");
        }
    }

    #[test]
    fn values_that_are_not_finite_split_a_line() {
        let svg = Chart::new("t").series("a", &[1.0, 2.0, f64::NAN, 4.0, 5.0]).to_svg();
        let document = roxmltree::Document::parse(&svg).unwrap();
        let lines = document.descendants().filter(|node| node.has_tag_name("polyline"));
        let points: Vec<usize> = lines.map(|node| node.attribute("points").unwrap().split(' ').count()).collect();
        assert_eq!(points, [2, 2, 2], "the legend and the two segments");
    }
}
