//! Elements common to all charts: escaped text, coordinates, colors for light and dark themes, and axes with round ticks.

use super::general;
use crate::kernels::math::ln;
use std::fmt::Display;
use std::fmt::Write;

/// Escapes text for XML and HTML. Characters that XML does not allow become `�`.
pub(super) fn escape(text: &str) -> String {
    let mut escaped = String::with_capacity(text.len());
    for letter in text.chars() {
        match letter {
            '&' => escaped.push_str("&amp;"),
            '<' => escaped.push_str("&lt;"),
            '>' => escaped.push_str("&gt;"),
            '"' => escaped.push_str("&quot;"),
            '\'' => escaped.push_str("&#39;"),
            '\n' | '\t' => escaped.push(letter),
            letter if letter.is_control() || matches!(letter, '\u{fffe}' | '\u{ffff}') => escaped.push('\u{fffd}'),
            letter => escaped.push(letter),
        }
    }
    escaped
}

/// Colors of the series: readable in both themes, and distinguishable with common color vision deficiencies.
const COLORS: [&str; 6] = ["#2f7fd6", "#d9772b", "#2a9d68", "#b065c4", "#c9a227", "#d4527a"];

/// An SVG to which elements are appended. Sizes are in units of its view box; it is as wide as its container.
pub(super) struct Svg {
    body: String,
    title: String,
    size: [f64; 2],
}

/// The point of a text that is at its coordinates.
#[derive(Clone, Copy)]
pub(super) enum Anchor {
    Start,
    Middle,
    End,
}

impl Svg {
    pub(super) fn new(title: &str, width: f64, height: f64) -> Svg {
        Svg { body: String::new(), title: escape(title), size: [width, height] }
    }

    /// Adds text in the text color of the theme.
    pub(super) fn text(&mut self, x: f64, y: f64, anchor: Anchor, text: impl Display) {
        let anchor = match anchor {
            Anchor::Start => "start",
            Anchor::Middle => "middle",
            Anchor::End => "end",
        };
        let text = escape(&text.to_string());
        self.add(format_args!("<text x=\"{}\" y=\"{}\" text-anchor=\"{anchor}\">{text}</text>", cut(x), cut(y)));
    }

    /// Adds a grid line.
    pub(super) fn grid(&mut self, [x1, y1]: [f64; 2], [x2, y2]: [f64; 2]) {
        let [x1, y1, x2, y2] = [x1, y1, x2, y2].map(cut);
        self.add(format_args!("<line class=\"gradus-grid\" x1=\"{x1}\" y1=\"{y1}\" x2=\"{x2}\" y2=\"{y2}\"/>"));
    }

    /// Adds a line through the points, or a dot if there is only one.
    pub(super) fn line(&mut self, series: usize, points: &[[f64; 2]]) {
        let color = color(series);
        if let [[x, y]] = points {
            self.add(format_args!("<circle cx=\"{}\" cy=\"{}\" r=\"3\" fill=\"{color}\"/>", cut(*x), cut(*y)));
            return;
        }
        let points: Vec<String> = points.iter().map(|[x, y]| format!("{},{}", cut(*x), cut(*y))).collect();
        let points = points.join(" ");
        self.add(format_args!("<polyline fill=\"none\" stroke=\"{color}\" stroke-width=\"2\" points=\"{points}\"/>"));
    }

    /// Adds a filled rectangle in the color of a series, with this opacity and a tooltip.
    pub(super) fn bar(&mut self, series: usize, opacity: f64, [x, y, width, height]: [f64; 4], hint: &str) {
        let [x, y, width, height, opacity] = [x, y, width, height, opacity].map(cut);
        let (color, hint) = (color(series), escape(hint));
        self.add(format_args!(
            "<rect x=\"{x}\" y=\"{y}\" width=\"{width}\" height=\"{height}\" fill=\"{color}\" \
             fill-opacity=\"{opacity}\"><title>{hint}</title></rect>"
        ));
    }

    pub(super) fn finish(self) -> String {
        let Svg { body, title, size: [width, height] } = self;
        format!(
            "<svg xmlns=\"http://www.w3.org/2000/svg\" class=\"gradus-chart\" viewBox=\"0 0 {} {}\" role=\"img\" \
             font-family=\"system-ui, sans-serif\" font-size=\"13\">\n<title>{title}</title>\n<style>\
             .gradus-chart text {{ fill: #1c1d21; }} .gradus-grid {{ stroke: #8888; stroke-width: 1; }} \
             @media (prefers-color-scheme: dark) {{ .gradus-chart text {{ fill: #e6e7ea; }} }}</style>\n{body}</svg>",
            cut(width),
            cut(height)
        )
    }

    fn add(&mut self, element: std::fmt::Arguments<'_>) {
        let _ = writeln!(self.body, "{element}"); // writing to a String cannot fail
    }
}

fn color(series: usize) -> &'static str {
    COLORS[series % COLORS.len()]
}

/// Formats a coordinate with at most two decimals.
fn cut(value: f64) -> String {
    general((value * 100.0).round() / 100.0)
}

/// A range of numbers with ticks at round values. On a linear axis the ticks are 1, 2 or 5 times a power of ten apart; on
/// a logarithmic axis they are at such values.
#[derive(Clone, Debug, PartialEq)]
pub(super) struct Axis {
    pub(super) low: f64,
    pub(super) high: f64,
    pub(super) marks: Vec<f64>,
    logarithmic: bool,
}

impl Axis {
    /// A linear axis over all finite values, with approximately `about` ticks, or from 0 to 1 without finite values.
    pub(super) fn over(values: impl Iterator<Item = f64>, about: usize) -> Axis {
        let (mut low, mut high) = (f64::INFINITY, f64::NEG_INFINITY);
        for value in values.filter(|value| value.is_finite() && value.abs() < 1e100) {
            (low, high) = (low.min(value), high.max(value));
        }
        if low > high {
            (low, high) = (0.0, 1.0);
        }
        if low == high {
            let margin = if low == 0.0 { 1.0 } else { low.abs() / 2.0 };
            (low, high) = (low - margin, high + margin);
        }
        let step = round_step((high - low) / about.max(1) as f64);
        let (first, last) = ((low / step).ceil() as i64, (high / step).floor() as i64);
        Axis { low, high, marks: (first..=last).map(|mark| mark as f64 * step).collect(), logarithmic: false }
    }

    /// A logarithmic axis over all positive values, with a tick at every power of ten.
    pub(super) fn logarithmic(values: impl Iterator<Item = f64>) -> Axis {
        let axis = Axis::over(values.filter(|value| *value >= 1e-100), 1);
        let (low, high) = if axis.low > 0.0 { (axis.low, axis.high) } else { (1.0, 10.0) };
        let factors: &[f64] = if high / low < 1e3 { &[1.0, 2.0, 5.0] } else { &[1.0] };
        let powers = std::iter::successors(Some(power_of_ten(low)), |power| Some(power * 10.0));
        let powers = powers.take_while(|power| *power <= high);
        let marks = powers.flat_map(|power| factors.iter().map(move |factor| factor * power));
        Axis { low, high, marks: marks.filter(|mark| (low..=high).contains(mark)).collect(), logarithmic: true }
    }

    /// Relative position of a value: 0 at the low end of the axis, 1 at the high end.
    pub(super) fn place(&self, value: f64) -> f64 {
        let [value, low, high] = [value, self.low, self.high].map(|x| if self.logarithmic { ln(x) } else { x });
        (value - low) / (high - low)
    }

    /// Whether a value can be drawn on this axis.
    pub(super) fn has(&self, value: f64) -> bool {
        value.is_finite() && value.abs() < 1e100 && (!self.logarithmic || value >= 1e-100)
    }
}

/// The largest power of ten that is at most `most`.
fn power_of_ten(most: f64) -> f64 {
    let mut power = 1.0;
    while power > most && power > 1e-300 {
        power /= 10.0;
    }
    while power * 10.0 <= most && power < 1e300 {
        power *= 10.0;
    }
    power
}

/// The smallest of 1, 2 and 5 times a power of ten that is at least `least`.
fn round_step(least: f64) -> f64 {
    let power = power_of_ten(least);
    [1.0, 2.0, 5.0, 10.0].map(|factor| factor * power).into_iter().find(|step| *step >= least).unwrap_or(power * 10.0)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn ticks_are_round_numbers_within_the_range() {
        assert_eq!(Axis::over([0.0, 1.0].into_iter(), 5).marks, [0.0, 0.2, 0.4, 0.6000000000000001, 0.8, 1.0]);
        assert_eq!(Axis::over([1.0, 50.0].into_iter(), 5).marks, [10.0, 20.0, 30.0, 40.0, 50.0]);
        for (low, high) in [(-3.0, 1e9), (0.97, 0.98), (1e-12, 3e-12), (-1e90, 1e90), (5.0, 5.0)] {
            let axis = Axis::over([low, f64::NAN, high].into_iter(), 5);
            assert!((2..=12).contains(&axis.marks.len()), "{axis:?}");
            assert!(axis.marks.iter().all(|mark| (-1e-9..=1.0 + 1e-9).contains(&axis.place(*mark))), "{axis:?}");
        }
        assert_eq!(Axis::over([f64::NAN].into_iter(), 2).low, 0.0);
    }

    #[test]
    fn logarithmic_axes_have_ticks_at_powers_of_ten_and_map_equal_ratios_to_equal_distances() {
        let axis = Axis::logarithmic([0.0, 0.5, -3.0, 2000.0, f64::INFINITY].into_iter());
        assert_eq!((axis.low, axis.high), (0.5, 2000.0));
        assert_eq!(axis.marks, [1.0, 10.0, 100.0, 1000.0]);
        let [one, ten, hundred] = [1.0, 10.0, 100.0].map(|value| axis.place(value));
        approx::assert_relative_eq!(ten - one, hundred - ten, max_relative = 1e-12);
        assert!(axis.has(1.0) && !axis.has(0.0) && !axis.has(-1.0) && !axis.has(f64::NAN));
        assert_eq!(Axis::logarithmic([4.0, 60.0].into_iter()).marks, [5.0, 10.0, 20.0, 50.0]);
        assert_eq!(Axis::logarithmic([-1.0].into_iter()).high, 10.0);
    }

    #[test]
    fn text_is_escaped() {
        assert_eq!(escape("<a b='\"&'>\u{7}ä\n"), "&lt;a b=&#39;&quot;&amp;&#39;&gt;\u{fffd}ä\n");
    }
}
