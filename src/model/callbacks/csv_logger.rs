//! A callback that writes the scores of each epoch to a CSV file.

use super::callback::Callback;
use super::flow::Flow;
use super::moments::{EpochEnd, TrainBegin, TrainEnd};
use crate::error::{Error, Result};
use crate::metrics::Epoch;
use crate::model::Model;
use crate::model::reported_score::ReportedScore;
use std::fs::{File, OpenOptions};
use std::io::Write;
use std::path::{Path, PathBuf};

/// Writes the scores of each epoch to a CSV file, as soon as the epoch has ended. Keras' `CSVLogger`: epochs count from
/// 0, columns are in alphabetical order, validation columns hold `NA` without validation, and lines end with CR LF.
///
/// ```
/// use gradus::callbacks::CsvLogger;
/// let logger = CsvLogger::new("runs/training.csv").separator(';').append(true);
/// ```
#[derive(Debug)]
#[must_use]
pub struct CsvLogger {
    path: PathBuf,
    separator: char,
    append: bool,
    file: Option<File>,
    columns: Vec<String>,
}

impl CsvLogger {
    /// Creates a logger that overwrites the file and separates cells with commas.
    pub fn new(path: impl AsRef<Path>) -> CsvLogger {
        let path = path.as_ref().to_owned();
        CsvLogger { path, separator: ',', append: false, file: None, columns: Vec::new() }
    }

    /// Sets the separator between cells. Default: `,`.
    pub fn separator(mut self, separator: char) -> CsvLogger {
        self.separator = separator;
        self
    }

    /// Sets whether lines are appended to an existing file, whose header is kept. Default: `false`. When training
    /// resumes, its earlier epochs are written again in either case.
    pub fn append(mut self, append: bool) -> CsvLogger {
        self.append = append;
        self
    }

    fn line(&mut self, cells: impl Iterator<Item = String>) -> Result<()> {
        let Some(file) = &mut self.file else { return Ok(()) };
        let mut line = cells.collect::<Vec<_>>().join(&self.separator.to_string());
        line.push_str("\r\n");
        file.write_all(line.as_bytes()).map_err(|source| Error::Io { path: self.path.clone(), source })
    }

    fn epoch(&mut self, number: usize, epoch: &Epoch) -> Result<()> {
        let cell = |name: &String| match name.as_str() {
            "learning_rate" => epoch.learning_rate.to_string(),
            name => epoch.get(name).map_or("NA".into(), |value| value.to_string()),
        };
        let cells: Vec<String> = std::iter::once(number.to_string()).chain(self.columns.iter().map(cell)).collect();
        self.line(cells.into_iter())
    }
}

/// The score names in alphabetical order. Without validation, they are followed by the names of the validation columns.
fn columns(scores: &[ReportedScore]) -> Vec<String> {
    let mut columns: Vec<String> = scores.iter().map(|score| score.name.clone()).collect();
    columns.push("learning_rate".into());
    columns.sort();
    if !scores.iter().any(|score| score.name.starts_with("val_")) {
        let missing: Vec<String> = columns.iter().map(|name| format!("val_{name}")).collect();
        columns.extend(missing);
    }
    columns
}

impl Callback for CsvLogger {
    fn train_begin(&mut self, _model: &mut Model, begin: &TrainBegin<'_>) -> Result<()> {
        let append = self.append && begin.history.epochs.is_empty();
        let mut options = OpenOptions::new();
        options.create(true).write(true).append(append).truncate(!append);
        let file = options.open(&self.path).and_then(|file| Ok((file.metadata()?.len(), file)));
        let (length, file) = file.map_err(|source| Error::Io { path: self.path.clone(), source })?;
        (self.file, self.columns) = (Some(file), columns(begin.scores));
        if length == 0 {
            let header: Vec<String> = std::iter::once("epoch".into()).chain(self.columns.iter().cloned()).collect();
            self.line(header.into_iter())?;
        }
        begin.history.epochs.iter().enumerate().try_for_each(|(number, epoch)| self.epoch(number, epoch))
    }

    fn epoch_end(&mut self, _model: &mut Model, end: &EpochEnd<'_>) -> Result<Flow> {
        self.epoch(end.history.epochs.len() - 1, end.epoch)?;
        Ok(Flow::Continue(()))
    }

    fn train_end(&mut self, _model: &mut Model, _end: &TrainEnd<'_>) -> Result<()> {
        self.file = None;
        Ok(())
    }
}

#[cfg(test)]
pub(super) mod tests {
    use super::*;

    thread_local! {
        // Removed when the thread of the test ends.
        static FOLDER: tempfile::TempDir = tempfile::tempdir().unwrap();
    }

    pub(crate) fn samples() -> Vec<Box<dyn Callback>> {
        vec![Box::new(CsvLogger::new(FOLDER.with(|folder| folder.path().join("epochs.csv"))))]
    }
}
