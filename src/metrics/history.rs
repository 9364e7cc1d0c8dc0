//! The scores of training by epoch.

use super::Scores;
use crate::error::Result;
use crate::files::write_whole;
use std::path::Path;

/// The scores of each epoch, as returned by `fit`.
///
/// ```
/// use gradus::{Compile, Fit, Progress, Sequential, data::Arrays, layers::Dense, losses::MeanSquaredError, optimizers::Sgd};
/// use ndarray::arr2;
/// let data = Arrays::new(arr2(&[[1.0f32], [2.0]]), arr2(&[[2.0f32], [4.0]]))?;
/// let compile = Compile::new(Sgd::new(0.1), MeanSquaredError::new());
/// let mut model = Sequential::new([1]).add(Dense::new(1)).compile(compile)?;
/// let history = model.fit(&data, Fit::new().epochs(3).progress(Progress::Quiet))?;
/// let losses = history.get("loss").unwrap(); // one per epoch
/// assert!(losses.len() == 3 && losses[2] < losses[0]);
/// assert!(history.get("val_loss").is_none()); // no validation
/// # Ok::<(), gradus::Error>(())
/// ```
#[derive(Clone, Debug, PartialEq)]
#[non_exhaustive]
pub struct History {
    /// The epochs, in order.
    pub epochs: Vec<Epoch>,
    /// The unit of the entries: `epoch`, or `step` in a custom training loop that reports steps.
    pub unit: &'static str,
}

impl Default for History {
    /// An empty history of epochs.
    fn default() -> History {
        History::new("epoch")
    }
}

/// The scores of one epoch.
#[derive(Clone, Debug, PartialEq)]
#[non_exhaustive]
pub struct Epoch {
    /// The number of the epoch, from 1. It continues over several calls of `fit`.
    pub number: u64,
    /// Means over the training rows, computed in each step before its update.
    pub scores: Scores,
    /// Means over the validation rows after the epoch, if there are any.
    pub validation: Option<Scores>,
    /// The time of the training steps in seconds, without validation.
    pub seconds: f64,
    /// The learning rate of the last step.
    pub learning_rate: f32,
}

impl Epoch {
    /// Creates an entry with this number and these training scores. It has no validation scores, and its seconds and learning
    /// rate are 0; these fields can be set afterwards.
    pub fn new(number: u64, scores: Scores) -> Epoch {
        Epoch { number, scores, validation: None, seconds: 0.0, learning_rate: 0.0 }
    }

    /// Returns a score by its name in Keras: `loss`, `accuracy`, `val_loss`, `val_accuracy`, ….
    pub fn get(&self, name: &str) -> Option<f64> {
        match name.strip_prefix("val_") {
            Some(name) => self.validation.as_ref()?.get(name),
            None => self.scores.get(name),
        }
    }
}

impl History {
    /// Creates an empty history with the unit `epoch` or `step`.
    pub fn new(unit: &'static str) -> History {
        History { epochs: Vec::new(), unit }
    }

    /// Returns one score of all epochs by its name in Keras: `loss`, `val_accuracy`, …. Epochs without it are omitted;
    /// `None` if no epoch has it.
    pub fn get(&self, name: &str) -> Option<Vec<f64>> {
        let values: Vec<f64> = self.epochs.iter().filter_map(|epoch| epoch.get(name)).collect();
        (!values.is_empty()).then_some(values)
    }

    /// The names for [`get`](History::get): the loss and the metrics, then those of the validation rows.
    pub fn names(&self) -> Vec<String> {
        let Some(first) = self.epochs.first() else { return Vec::new() };
        let names: Vec<String> = first.scores.names().map(str::to_owned).collect();
        let validation = names.iter().map(|name| format!("val_{name}"));
        let known = validation.filter(|name| self.epochs.iter().any(|epoch| epoch.get(name).is_some()));
        names.iter().cloned().chain(known).collect()
    }

    /// The history as CSV: the number, the scores, the validation scores, seconds, learning rate. Missing values are empty.
    pub fn to_csv(&self) -> String {
        let names: Vec<&str> = self.epochs.first().map_or(vec!["loss"], |epoch| epoch.scores.names().collect());
        let validation: Vec<String> = names.iter().map(|name| format!("val_{name}")).collect();
        let (unit, scores) = (self.unit, [names.join(","), validation.join(",")].join(","));
        let mut csv = format!("{unit},{scores},seconds,learning_rate\n");
        for epoch in &self.epochs {
            let names = names.iter().copied().chain(validation.iter().map(String::as_str));
            let cells: Vec<String> =
                names.map(|name| epoch.get(name).map_or(String::new(), |v| v.to_string())).collect();
            let (number, seconds, rate) = (epoch.number, epoch.seconds, epoch.learning_rate);
            csv.push_str(&format!("{number},{},{seconds:.3},{rate}\n", cells.join(",")));
        }
        csv
    }

    /// Writes [`to_csv`](History::to_csv) to a file, atomically.
    ///
    /// # Errors
    /// [`Error::Io`](crate::Error::Io) when the file cannot be written.
    pub fn write_csv(&self, path: impl AsRef<Path>) -> Result<()> {
        write_whole(path.as_ref(), self.to_csv().as_bytes())
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn cells_without_a_value_are_empty() {
        let scores = Scores { loss: 0.5, metrics: vec![("accuracy".into(), 0.25)] };
        let epoch = Epoch { number: 1, scores, validation: None, seconds: 1.5, learning_rate: 0.01 };
        let second = Epoch { number: 2, validation: Some(epoch.scores.clone()), ..epoch.clone() };
        let mut history = History { epochs: vec![epoch, second], unit: "epoch" };
        let expected = "epoch,loss,accuracy,val_loss,val_accuracy,seconds,learning_rate\n\
                        1,0.5,0.25,,,1.500,0.01\n2,0.5,0.25,0.5,0.25,1.500,0.01\n";
        assert_eq!(history.to_csv(), expected);
        assert_eq!(history.get("val_accuracy"), Some(vec![0.25]));
        assert_eq!((history.get("accuracy"), history.get("acc")), (Some(vec![0.25, 0.25]), None));
        assert_eq!(history.names(), ["loss", "accuracy", "val_loss", "val_accuracy"]);
        history.unit = "step";
        assert!(history.to_csv().starts_with("step,loss,"));
    }
}
