//! Progress on standard error: a progress bar in a terminal, otherwise a line for each epoch.

use super::callback::Callback;
use super::flow::Flow;
use super::moments::{EpochEnd, TrainBegin};
use crate::error::Result;
use crate::exchange;
use crate::metrics::Epoch;
use crate::model::Model;
use std::io::{self, Write};

/// The progress that `fit` writes to standard error. `verbose` in Keras.
///
/// ```
/// use gradus::{Fit, Progress};
/// let fit = Fit::new().epochs(10).progress(Progress::Quiet);
/// ```
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
#[non_exhaustive]
pub enum Progress {
    /// A line for each epoch, and a progress bar if standard error is a terminal and the feature `progress` is enabled. The
    /// default.
    #[default]
    Auto,
    /// A line for each epoch.
    Lines,
    /// No output.
    Quiet,
}

impl Progress {
    pub(crate) fn callback(self) -> Option<Box<dyn Callback>> {
        match self {
            Progress::Quiet => None,
            #[cfg(feature = "progress")]
            Progress::Auto if io::IsTerminal::is_terminal(&io::stderr()) => Some(Box::new(bar::Bar::default())),
            Progress::Auto | Progress::Lines => Some(Box::new(Lines)),
        }
    }
}

/// `Epoch 1/50 - 3s - loss: 2.3041 - accuracy: 0.1067 - val_loss: … - val_accuracy: …`
fn line(epoch: &Epoch, epochs: u64) -> String {
    let line = format!("Epoch {}/{epochs} - {}s - {}", epoch.number, epoch.seconds.round(), epoch.scores);
    match &epoch.validation {
        Some(scores) => {
            format!("{line} - {}", scores.to_string().replace(" - ", " - val_").replacen("loss", "val_loss", 1))
        }
        None => line,
    }
}

/// `Resuming in epoch 3/50, after 120 of its 469 batches`, or `Resuming before epoch 3/50`.
fn resuming(begin: &TrainBegin<'_>) -> Option<String> {
    let TrainBegin { epoch, epochs, batch, batches, .. } = begin;
    match batch {
        0 if begin.history.epochs.is_empty() || epoch > epochs => None,
        0 => Some(format!("Resuming before epoch {epoch}/{epochs}")),
        _ => Some(format!("Resuming in epoch {epoch}/{epochs}, after {batch} of its {batches} batches")),
    }
}

struct Lines;

impl Callback for Lines {
    fn train_begin(&mut self, _model: &mut Model, begin: &TrainBegin<'_>) -> Result<()> {
        let of_members = (begin.members > 1).then(|| exchange::report(begin.shards, begin.members));
        for line in of_members.into_iter().chain(resuming(begin)) {
            let _ = writeln!(io::stderr(), "{line}");
        }
        Ok(())
    }

    fn epoch_end(&mut self, _model: &mut Model, end: &EpochEnd<'_>) -> Result<Flow> {
        // A closed standard error is no reason to stop training.
        let _ = writeln!(io::stderr(), "{}", line(end.epoch, end.epochs));
        Ok(Flow::Continue(()))
    }
}

#[cfg(feature = "progress")]
mod bar {
    use super::*;
    use crate::model::{BatchEnd, TrainEnd};
    use indicatif::{ProgressBar, ProgressStyle};

    /// Redraws one line in place.
    #[derive(Default)]
    pub(super) struct Bar(Option<ProgressBar>);

    const TEMPLATE: &str = "{prefix} [{bar:20}] {pos}/{len} - {elapsed} - {wide_msg}";

    impl Callback for Bar {
        fn train_begin(&mut self, model: &mut Model, begin: &TrainBegin<'_>) -> Result<()> {
            Lines.train_begin(model, begin)
        }

        fn batch_end(&mut self, _model: &mut Model, end: &BatchEnd<'_>) -> Result<Flow> {
            let bar = self.0.get_or_insert_with(|| {
                let style = ProgressStyle::with_template(TEMPLATE).unwrap_or_else(|_| ProgressStyle::default_bar());
                let bar = ProgressBar::new(end.batches as u64).with_style(style.progress_chars("=>."));
                bar.with_prefix(format!("Epoch {}/{}", end.epoch, end.epochs))
            });
            bar.set_position(end.batch as u64);
            if end.batch.is_multiple_of(16) {
                bar.set_message(end.scores.to_string());
            }
            Ok(Flow::Continue(()))
        }

        fn epoch_end(&mut self, model: &mut Model, end: &EpochEnd<'_>) -> Result<Flow> {
            self.clear();
            Lines.epoch_end(model, end)
        }

        /// Removes the bar that remains if training stopped within an epoch.
        fn train_end(&mut self, _model: &mut Model, _end: &TrainEnd<'_>) -> Result<()> {
            self.clear();
            Ok(())
        }
    }

    impl Bar {
        fn clear(&mut self) {
            if let Some(bar) = self.0.take() {
                bar.finish_and_clear();
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::metrics::{History, Scores};

    #[test]
    fn lines_have_the_format_of_keras() {
        let scores = Scores { loss: 2.30411, metrics: vec![("accuracy".into(), 0.1067)] };
        let validation = Some(Scores { loss: 2.2, ..scores.clone() });
        let epoch = Epoch { number: 1, scores, validation, seconds: 2.9, learning_rate: 0.01 };
        let expected = "Epoch 1/50 - 3s - loss: 2.3041 - accuracy: 0.1067 - val_loss: 2.2000 - val_accuracy: 0.1067";
        assert_eq!(line(&epoch, 50), expected);
    }

    #[test]
    fn the_position_of_a_resumed_run_is_reported() {
        let scores = Scores { loss: 2.3, metrics: Vec::new() };
        let epoch = Epoch { number: 1, scores, validation: None, seconds: 2.9, learning_rate: 0.01 };
        let history = History { epochs: vec![epoch], unit: "epoch" };
        fn line_for(epoch: u64, batch: usize, history: &History) -> Option<String> {
            let (shards, members, sharded_optimizer_state) = (1, 1, false);
            let (epochs, batches, scores) = (5, 9, &[]);
            resuming(&TrainBegin {
                epoch,
                epochs,
                batch,
                batches,
                scores,
                history,
                shards,
                members,
                sharded_optimizer_state,
            })
        }
        assert_eq!(line_for(1, 0, &History::default()), None);
        assert_eq!(line_for(6, 0, &history), None);
        assert_eq!(line_for(2, 0, &history).unwrap(), "Resuming before epoch 2/5");
        assert_eq!(line_for(1, 3, &History::default()).unwrap(), "Resuming in epoch 1/5, after 3 of its 9 batches");
    }
}
