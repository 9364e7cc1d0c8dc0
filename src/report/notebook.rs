//! A run that is printed on standard output and collected on an HTML page.

use super::{Chart, Heatmap, Page, Picture, Predictions, Terminal};
use crate::error::Result;
use crate::metrics::{ConfusionMatrix, History};
use std::fmt::Display;
use std::io::{self, Write};
use std::path::Path;

/// A report of a run, in the order in which its parts are added.
///
/// Texts and tables are printed on standard output and added to the page. Pictures and charts are added to the page, and
/// printed only if standard output is a terminal.
///
/// ```no_run
/// use gradus::report::{Notebook, Picture};
/// let mut notebook = Notebook::new("Digits");
/// notebook.heading("The data").text("a picture of 2 × 2 pixels");
/// notebook.pictures(&[(Picture::new(&ndarray::arr2(&[[0.0, 1.0], [0.5, 0.2]]))?, "5".into())]);
/// notebook.page().write("report.html")?;
/// # Ok::<(), gradus::Error>(())
/// ```
#[derive(Debug)]
pub struct Notebook {
    page: Page,
    terminal: Option<Terminal>,
}

/// Maximum number of misclassified pictures on the page.
const MOST_MISTAKES: usize = 200;

/// Maximum number of misclassified pictures in a terminal.
const MOST_IN_TERMINAL: usize = 10;

/// Pixels between adjacent pictures.
const GAP: usize = 2;

/// Maximum width and height of a chart in a terminal, in characters.
const CHART: [usize; 2] = [80, 12];

impl Notebook {
    /// Creates an empty report with this page title. Detects whether standard output is a terminal.
    pub fn new(title: impl Display) -> Notebook {
        Notebook { page: Page::new(title), terminal: Terminal::detect() }
    }

    /// The page, to add elements that are not printed.
    pub fn page(&mut self) -> &mut Page {
        &mut self.page
    }

    /// Begins a section.
    pub fn heading(&mut self, text: impl Display) -> &mut Notebook {
        let text = text.to_string();
        let columns = self.terminal.map_or(usize::MAX, |terminal| terminal.columns);
        print(&format!("\n{text}\n{}", "-".repeat(text.chars().count().min(columns))));
        self.page.heading(text);
        self
    }

    /// Adds a paragraph.
    pub fn text(&mut self, text: impl Display) -> &mut Notebook {
        let text = text.to_string();
        print(&text);
        self.page.text(text);
        self
    }

    /// Adds preformatted text, such as an array or a model summary.
    pub fn show(&mut self, text: impl Display) -> &mut Notebook {
        let text = text.to_string();
        print(&text);
        self.page.preformatted(text);
        self
    }

    /// Adds pictures side by side, each with a caption.
    pub fn pictures(&mut self, pictures: &[(Picture, String)]) -> &mut Notebook {
        if let Some(terminal) = &self.terminal {
            print(&strips(pictures, terminal));
        }
        self.page.pictures(pictures);
        self
    }

    /// Adds a line chart.
    pub fn chart(&mut self, chart: &Chart) -> &mut Notebook {
        if let Some(terminal) = &self.terminal {
            print(&chart.to_text(terminal.columns.min(CHART[0]), CHART[1]));
        }
        self.page.svg(&chart.to_svg());
        self
    }

    /// Adds one chart per score of a history, with the training values and, if recorded, the validation values.
    pub fn history(&mut self, history: &History) -> &mut Notebook {
        for (_, chart) in Chart::of_history(history) {
            self.chart(&chart);
        }
        self
    }

    /// Adds a picture next to the predicted probability of each class.
    pub fn prediction(&mut self, picture: &Picture, predictions: &Predictions, row: usize) -> &mut Notebook {
        let bars = predictions.bars(row);
        let caption = format!("Actual: {} Predicted: {}", predictions.label(row), predictions.predicted(row));
        print(&caption);
        if let Some(terminal) = &self.terminal {
            print(&picture.to_terminal(terminal));
            print(&bars.to_text(terminal.columns.min(CHART[0])));
        }
        self.page.picture_beside(picture, &caption, &bars.to_svg());
        self
    }

    /// Adds the confusion matrix, and a table of precision, recall and F1 by class.
    ///
    /// # Errors
    /// Returns an error if `predictions` is empty.
    pub fn confusion(&mut self, predictions: &Predictions) -> Result<&mut Notebook> {
        let confusion = predictions.confusion()?;
        print(&confusion.to_string());
        self.page.svg(&Heatmap::of_confusion(&confusion).to_svg());
        let rows: Vec<[String; 5]> = (0..confusion.classes()).map(|class| class_row(&confusion, class)).collect();
        self.page.table(&["class", "precision", "recall", "F1", "support"], &rows);
        Ok(self)
    }

    /// Adds the misclassified pictures, most confident first. `pictures` holds one picture per row of `predictions`.
    pub fn mistakes(&mut self, predictions: &Predictions, pictures: &[Picture]) -> &mut Notebook {
        let mistakes = predictions.mistakes();
        let shown = mistakes.len().min(MOST_MISTAKES);
        let caption = |row: usize| {
            let (predicted, confidence) = (predictions.predicted(row), 100.0 * predictions.confidence(row));
            format!("#{row}: {} as {predicted} ({confidence:.1} %)", predictions.label(row))
        };
        let with_picture = |row: &usize| Some((pictures.get(*row)?.clone(), caption(*row)));
        let figures: Vec<(Picture, String)> = mistakes[..shown].iter().filter_map(with_picture).collect();
        self.text(misclassified(mistakes.len(), predictions.len(), shown));
        if let Some(terminal) = &self.terminal {
            print(&strips(&figures[..figures.len().min(MOST_IN_TERMINAL)], terminal));
        }
        self.page.pictures(&figures);
        self
    }

    /// Writes the page atomically.
    ///
    /// # Errors
    /// Returns an error if the file cannot be written.
    pub fn write(&self, path: impl AsRef<Path>) -> Result<()> {
        self.page.write(path)
    }
}

/// Prints a line. A closed standard output is ignored, because it should not end a run.
fn print(text: &str) {
    let _ = writeln!(io::stdout(), "{text}");
}

/// Renders pictures in rows that fit the terminal, with the captions below each row.
fn strips(pictures: &[(Picture, String)], terminal: &Terminal) -> String {
    let widest = pictures.iter().map(|(picture, _)| picture.width()).max().unwrap_or(1);
    let each = (terminal.columns + GAP) / (widest + GAP);
    let strip = |strip: &[(Picture, String)]| {
        let pictures: Vec<Picture> = strip.iter().map(|(picture, _)| picture.clone()).collect();
        let caption = |(_, caption): &(Picture, String)| {
            let cut: String = caption.chars().take(widest).collect();
            format!("{cut:<width$}", width = widest + GAP)
        };
        let captions: String = strip.iter().map(caption).collect();
        let picture = Picture::side_by_side(&pictures, pictures.len(), GAP).to_terminal(terminal);
        format!("{picture}\n{}", captions.trim_end())
    };
    pictures.chunks(each.max(1)).map(strip).collect::<Vec<_>>().join("\n")
}

/// A sentence about the misclassified rows, of which `shown` follow.
fn misclassified(count: usize, rows: usize, shown: usize) -> String {
    let order = match count {
        0 => String::new(),
        _ if shown < count => format!("; showing the {shown} most confident"),
        _ => ", most confident first".into(),
    };
    format!("Misclassified: {count} of {rows}{order}")
}

fn class_row(confusion: &ConfusionMatrix, class: usize) -> [String; 5] {
    let share = |value: f64| format!("{value:.4}");
    let (precision, recall) = (share(confusion.precision(class)), share(confusion.recall(class)));
    [class.to_string(), precision, recall, share(confusion.f1(class)), confusion.support(class).to_string()]
}
