//! A run shown twice: line by line on standard output, and as a page that stays.

use super::{Chart, Heatmap, Page, Picture, Predictions, Terminal};
use crate::error::Result;
use crate::metrics::{ConfusionMatrix, History};
use std::fmt::Display;
use std::io::{self, Write};
use std::path::Path;

/// What a notebook shows cell by cell. Texts and tables go to standard output and to the page; pictures and charts to the
/// page, and to standard output where it is a terminal.
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

/// The most mistakes that a page shows.
const MOST_MISTAKES: usize = 200;

/// The most mistakes that a terminal shows.
const MOST_IN_TERMINAL: usize = 10;

/// Pixels between pictures that stand side by side.
const GAP: usize = 2;

/// The widest and the highest that a chart gets in a terminal.
const CHART: [usize; 2] = [80, 12];

impl Notebook {
    /// With this title on its page, on the terminal that standard output may be.
    pub fn new(title: impl Display) -> Notebook {
        Notebook { page: Page::new(title), terminal: Terminal::detect() }
    }

    /// The page so far, to add to or to write.
    pub fn page(&mut self) -> &mut Page {
        &mut self.page
    }

    /// Begins a section.
    pub fn heading(&mut self, text: impl Display) -> &mut Notebook {
        let text = text.to_string();
        let room = self.terminal.map_or(usize::MAX, |terminal| terminal.columns);
        print(&format!("\n{text}\n{}", "-".repeat(text.chars().count().min(room))));
        self.page.heading(text);
        self
    }

    /// Adds a sentence or a few.
    pub fn text(&mut self, text: impl Display) -> &mut Notebook {
        let text = text.to_string();
        print(&text);
        self.page.text(text);
        self
    }

    /// Adds text whose spaces and lines stay as they are: arrays, summaries.
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

    /// Adds a chart for each score of a history: training and, where there is any, validation.
    pub fn history(&mut self, history: &History) -> &mut Notebook {
        for (_, chart) in Chart::of_history(history) {
            self.chart(&chart);
        }
        self
    }

    /// Adds a picture and, beside it, the probability of each class that it may belong to.
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

    /// Adds how well each class is told from the others: the confusion matrix, and precision, recall and F1 of each class.
    ///
    /// # Errors
    /// There is no prediction.
    pub fn confusion(&mut self, predictions: &Predictions) -> Result<&mut Notebook> {
        let confusion = predictions.confusion()?;
        print(&confusion.to_string());
        self.page.svg(&Heatmap::of_confusion(&confusion).to_svg());
        let rows: Vec<[String; 5]> = (0..confusion.classes()).map(|class| class_row(&confusion, class)).collect();
        self.page.table(&["class", "precision", "recall", "F1", "rows"], &rows);
        Ok(self)
    }

    /// Adds what was classified wrongly, the surest first, with its pictures: the picture of each row in order.
    pub fn mistakes(&mut self, predictions: &Predictions, pictures: &[Picture]) -> &mut Notebook {
        let mistakes = predictions.mistakes();
        let shown = mistakes.len().min(MOST_MISTAKES);
        let caption = |row: usize| {
            let (predicted, sure) = (predictions.predicted(row), 100.0 * predictions.confidence(row));
            format!("{row}: {predicted} for a {} ({sure:.1} %)", predictions.label(row))
        };
        let with_picture = |row: &usize| Some((pictures.get(*row)?.clone(), caption(*row)));
        let figures: Vec<(Picture, String)> = mistakes[..shown].iter().filter_map(with_picture).collect();
        let text = format!("{} of {} are wrong; the {shown} surest come first", mistakes.len(), predictions.len());
        self.text(text);
        if let Some(terminal) = &self.terminal {
            print(&strips(&figures[..figures.len().min(MOST_IN_TERMINAL)], terminal));
        }
        self.page.pictures(&figures);
        self
    }

    /// Writes the page, whole or not at all.
    ///
    /// # Errors
    /// The file cannot be written.
    pub fn write(&self, path: impl AsRef<Path>) -> Result<()> {
        self.page.write(path)
    }
}

/// A closed standard output is no reason to stop.
fn print(text: &str) {
    let _ = writeln!(io::stdout(), "{text}");
}

/// Rows of as many pictures as fit the terminal, each row with its captions below.
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

fn class_row(confusion: &ConfusionMatrix, class: usize) -> [String; 5] {
    let share = |value: f64| format!("{value:.4}");
    let (precision, recall) = (share(confusion.precision(class)), share(confusion.recall(class)));
    [class.to_string(), precision, recall, share(confusion.f1(class)), confusion.support(class).to_string()]
}
