//! Pictures in a terminal: two pixels per character in true color, or ASCII.

use super::Picture;
use std::io::{self, IsTerminal};

/// Width and color support of a terminal.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub struct Terminal {
    /// Width in characters.
    pub columns: usize,
    /// Supported colors.
    pub colors: Colors,
}

/// The colors that a terminal supports.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub enum Colors {
    /// 24-bit colors, selected by escape sequences.
    True,
    /// No colors.
    None,
}

/// Characters in order of increasing brightness.
const RAMP: &[u8] = b" .:-=+*#%@";

impl Terminal {
    /// A terminal of this many columns that supports these colors.
    pub fn new(columns: usize, colors: Colors) -> Terminal {
        Terminal { columns, colors }
    }

    /// Detects the terminal that standard output is connected to. Returns `None` if standard output is a file or a pipe.
    ///
    /// True color is used if the environment variable `COLORTERM` is `truecolor` or `24bit`, unless `NO_COLOR` is set or
    /// `TERM` is `dumb`.
    pub fn detect() -> Option<Terminal> {
        let terminal = io::stdout().is_terminal();
        terminal.then(|| Terminal::of(columns(), |name| std::env::var(name).unwrap_or_default()))
    }

    fn of(columns: usize, variable: impl Fn(&str) -> String) -> Terminal {
        let says_so = ["truecolor", "24bit"].contains(&variable("COLORTERM").as_str());
        let colors = says_so && variable("NO_COLOR").is_empty() && variable("TERM") != "dumb";
        Terminal { columns: columns.max(1), colors: if colors { Colors::True } else { Colors::None } }
    }
}

fn columns() -> usize {
    usize::from(console::Term::stdout().size().1)
}

impl Picture {
    /// Renders the picture as lines of text. Each character covers two pixels, one above the other. A picture
    /// that is wider than the terminal is downscaled by an integer factor. There is no newline at the end.
    pub fn to_terminal(&self, terminal: &Terminal) -> String {
        let picture = self.shrunk(self.width().div_ceil(terminal.columns.max(1)));
        let line = match terminal.colors {
            Colors::True => colored,
            Colors::None => plain,
        };
        (0..picture.height()).step_by(2).map(|row| line(&picture, row)).collect::<Vec<_>>().join("\n")
    }
}

/// Half blocks: the upper pixel is the foreground, the lower pixel the background. Below the last row the background stays
/// unset.
fn colored(picture: &Picture, row: usize) -> String {
    let mut line = String::new();
    let mut last = None;
    for column in 0..picture.width() {
        let above = picture.pixel(row, column);
        let below = (row + 1 < picture.height()).then(|| picture.pixel(row + 1, column));
        if last != Some((above, below)) {
            let [r, g, b] = above;
            line.push_str(&format!("\u{1b}[38;2;{r};{g};{b}m"));
            line.push_str(&below.map_or("\u{1b}[49m".into(), |[r, g, b]| format!("\u{1b}[48;2;{r};{g};{b}m")));
            last = Some((above, below));
        }
        line.push('▀');
    }
    line.push_str("\u{1b}[0m");
    line
}

/// A character for the mean brightness of both pixels.
fn plain(picture: &Picture, row: usize) -> String {
    let bright = |row: usize, column: usize| {
        let pixel = picture.pixel(row, column);
        pixel.map(usize::from).iter().sum::<usize>()
    };
    let character = |column: usize| {
        let rows = row..picture.height().min(row + 2);
        let (sum, most) = rows.fold((0, 0), |(sum, most), row| (sum + bright(row, column), most + 3 * 255));
        char::from(RAMP[(sum * (RAMP.len() - 1)).div_ceil(most)])
    };
    (0..picture.width()).map(character).collect::<String>().trim_end().to_owned()
}

#[cfg(test)]
mod tests {
    use super::*;
    use ndarray::arr2;

    fn terminal(columns: usize, variables: &[(&str, &str)]) -> Terminal {
        let value = |name: &str| variables.iter().find(|(known, _)| *known == name).map_or("", |(_, value)| value);
        Terminal::of(columns, |name| value(name).to_owned())
    }

    #[test]
    fn colors_are_used_if_the_terminal_announces_them() {
        assert_eq!(terminal(80, &[("COLORTERM", "truecolor")]).colors, Colors::True);
        assert_eq!(terminal(80, &[("COLORTERM", "24bit"), ("TERM", "xterm")]).colors, Colors::True);
        assert_eq!(terminal(80, &[("TERM", "xterm-256color")]).colors, Colors::None);
        assert_eq!(terminal(80, &[("COLORTERM", "truecolor"), ("NO_COLOR", "1")]).colors, Colors::None);
        assert_eq!(
            terminal(0, &[("COLORTERM", "truecolor"), ("TERM", "dumb")]),
            Terminal { columns: 1, colors: Colors::None }
        );
    }

    #[test]
    fn half_blocks_encode_two_pixels_and_repeat_no_escape_sequence() {
        let picture = Picture::new(&arr2(&[[0u8, 0, 9], [255, 255, 8], [7, 7, 7]])).unwrap();
        let expected = "\u{1b}[38;2;0;0;0m\u{1b}[48;2;255;255;255m▀▀\u{1b}[38;2;9;9;9m\u{1b}[48;2;8;8;8m▀\u{1b}[0m\n\
                        \u{1b}[38;2;7;7;7m\u{1b}[49m▀▀▀\u{1b}[0m";
        assert_eq!(picture.to_terminal(&Terminal { columns: 3, colors: Colors::True }), expected);
    }

    #[test]
    fn brighter_pixels_get_denser_characters() {
        let picture = Picture::new(&arr2(&[[0u8, 64, 255, 0], [0, 64, 255, 0], [255, 0, 1, 0]])).unwrap();
        let plain = |columns| picture.to_terminal(&Terminal { columns, colors: Colors::None });
        assert_eq!(plain(80), " -@\n@ .");
        assert_eq!(plain(2), "--", "shrunk to half");
        assert!(plain(80).chars().all(|letter| letter == '\n' || letter.is_ascii_graphic() || letter == ' '));
    }
}
