//! A monitored score and its direction.

use crate::error::{Error, Result};
use crate::metrics::Direction;
use crate::model::reported_score::ReportedScore;

/// The score that a callback monitors, by its name for [`Epoch::get`](crate::metrics::Epoch::get), such as `val_loss`.
///
/// Losses are better if they are lower. Each metric has a [direction](crate::metrics::Metric::direction); one without
/// direction needs [`lower`](Monitor::lower) or [`higher`](Monitor::higher). Parameters of type `impl Into<Monitor>` accept a
/// name:
///
/// ```
/// use gradus::Monitor;
/// use gradus::callbacks::EarlyStopping;
/// let stopping = EarlyStopping::new("val_accuracy").patience(3);
/// let monitor = Monitor::new("val_share_of_zeros").lower();
/// assert_eq!(monitor.name(), "val_share_of_zeros");
/// let stopping = EarlyStopping::new(monitor).patience(3);
/// ```
#[derive(Clone, Debug, PartialEq, Eq)]
#[must_use]
pub struct Monitor {
    name: String,
    direction: Option<Direction>,
}

impl Monitor {
    /// Creates a monitor of a score, with the direction of its loss or metric.
    pub fn new(name: impl Into<String>) -> Monitor {
        Monitor { name: name.into(), direction: None }
    }

    /// Sets the direction: lower is better.
    pub fn lower(self) -> Monitor {
        Monitor { direction: Some(Direction::Lower), ..self }
    }

    /// Sets the direction: higher is better.
    pub fn higher(self) -> Monitor {
        Monitor { direction: Some(Direction::Higher), ..self }
    }

    /// The name of the score.
    pub fn name(&self) -> &str {
        &self.name
    }

    /// The direction of the monitored score, which is one of `scores`. `place` is the callback, for messages.
    ///
    /// # Errors
    /// [`Error::UnknownScore`] when `scores` does not contain the score, and [`Error::Undirected`] when neither the monitor nor
    /// the score has a direction.
    pub fn direction(&self, place: &str, scores: &[ReportedScore]) -> Result<Direction> {
        let Some(score) = scores.iter().find(|score| score.name == self.name) else {
            let known = scores.iter().map(|score| score.name.clone()).collect();
            return Err(Error::UnknownScore { place: place.into(), score: self.name.clone(), known });
        };
        let direction = self.direction.or(score.direction);
        direction.ok_or_else(|| self.undirected(place))
    }

    fn undirected(&self, place: &str) -> Error {
        Error::Undirected { place: place.into(), score: self.name.clone() }
    }

    /// The direction if only the names of scores are known, as in a training loop on the tape: losses should decrease.
    pub(in crate::model) fn direction_by_name(&self, place: &str) -> Result<Direction> {
        let is_loss = self.name == "loss" || self.name == "val_loss";
        let direction = self.direction.or(is_loss.then_some(Direction::Lower));
        direction.ok_or_else(|| self.undirected(place))
    }
}

impl From<&str> for Monitor {
    fn from(name: &str) -> Monitor {
        Monitor::new(name)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn an_unknown_score_is_an_error_that_lists_the_reported_ones() {
        let score = |name: &str, direction| ReportedScore { name: name.into(), direction };
        let scores = [score("loss", Some(Direction::Lower)), score("share", None)];
        let message = Monitor::new("val_loss").direction("EarlyStopping", &scores).unwrap_err().to_string();
        let expected = "EarlyStopping: unknown score \"val_loss\"; available: loss, share; validation scores need Fit::validation or \
                        Fit::validation_split";
        assert_eq!(message, expected);
        assert_eq!(Monitor::new("loss").direction("EarlyStopping", &scores).unwrap(), Direction::Lower);
        assert_eq!(Monitor::new("loss").higher().direction("EarlyStopping", &scores).unwrap(), Direction::Higher);
        let message = Monitor::new("share").direction("EarlyStopping", &scores).unwrap_err().to_string();
        let expected = "EarlyStopping: score \"share\": unknown whether lower or higher is better; use \
                        Monitor::new(\"share\").lower() or .higher()";
        assert_eq!(message, expected);
        assert_eq!(Monitor::new("share").lower().direction("EarlyStopping", &scores).unwrap(), Direction::Lower);
    }
}
