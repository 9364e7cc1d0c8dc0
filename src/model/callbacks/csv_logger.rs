//! A CSV file of the scores of each epoch, written during training.

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

/// Writes the scores of each epoch to a CSV file at the end of the epoch. `CSVLogger` in Keras.
///
/// The file has the format of Keras: a header, epochs counted from 0, columns in alphabetical order, `NA` for missing
/// validation scores, and lines that end in CR LF. Resumed training writes the earlier epochs again.
///
/// ```
/// # use gradus::{Compile, Fit, Progress, Sequential, data::Arrays, layers::Dense, losses::MeanSquaredError, optimizers::Sgd};
/// # let data = Arrays::new(ndarray::arr2(&[[0.0f32], [1.0]]), ndarray::arr2(&[[1.0f32], [3.0]]))?;
/// # let settings = Compile::new(Sgd::new(0.1), MeanSquaredError::new());
/// # let mut model = Sequential::new([1]).add(Dense::new(1)).compile(settings)?;
/// # let folder = tempfile::tempdir().unwrap();
/// # let path = folder.path().join("training.csv");
/// use gradus::callbacks::CsvLogger;
/// let mut logger = CsvLogger::new(&path).separator(';');
/// model.fit(&data, Fit::new().epochs(2).progress(Progress::Quiet).callback(&mut logger))?;
/// let lines = std::fs::read_to_string(&path).unwrap();
/// assert!(lines.starts_with("epoch;learning_rate;loss;") && lines.lines().count() == 3);
/// # Ok::<(), gradus::Error>(())
/// ```
///
/// # Errors
/// `fit` returns [`Error::Io`] if the file cannot be opened or written.
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
    /// Creates the callback for this file, which is overwritten, with commas as separators.
    pub fn new(path: impl AsRef<Path>) -> CsvLogger {
        let path = path.as_ref().to_owned();
        CsvLogger { path, separator: ',', append: false, file: None, columns: Vec::new() }
    }

    /// Sets the separator of cells. Defaults to `,`.
    pub fn separator(mut self, separator: char) -> CsvLogger {
        self.separator = separator;
        self
    }

    /// Sets whether lines are appended to an existing file, without another header. Resumed training overwrites the file
    /// in any case. Defaults to `false`.
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

/// The names of the columns in alphabetical order. Without validation, those of its scores follow.
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
