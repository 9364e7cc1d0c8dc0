//! A score that callbacks watch, and which way is better.

use crate::error::{Error, Result};

/// A score by its name in [`Epoch::get`](crate::metrics::Epoch::get), such as `val_loss`, and whether it should fall or
/// rise.
///
/// ```
/// use gradus::Monitor;
/// assert!(Monitor::new("val_loss").is_better(0.1, 0.2)); // what is called a loss or an error should fall
/// assert!(Monitor::new("val_accuracy").is_better(0.2, 0.1));
/// assert!(Monitor::new("distance").lower().is_better(0.1, 0.2));
/// ```
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Monitor {
    name: String,
    lower: bool,
}

impl Monitor {
    /// A score that should fall where its name speaks of a loss or an error, and otherwise rise.
    pub fn new(name: impl Into<String>) -> Monitor {
        let name = name.into();
        Monitor { lower: name.contains("loss") || name.contains("error"), name }
    }

    /// Lower is better.
    pub fn lower(self) -> Monitor {
        Monitor { lower: true, ..self }
    }

    /// Higher is better.
    pub fn higher(self) -> Monitor {
        Monitor { lower: false, ..self }
    }

    /// The score's name.
    pub fn name(&self) -> &str {
        &self.name
    }

    /// Whether a score is better than another one, and not the same. What is not a number is never better, and a number
    /// always better than it.
    pub fn is_better(&self, score: f64, than: f64) -> bool {
        let better = if self.lower { score < than } else { score > than };
        better || (than.is_nan() && !score.is_nan())
    }

    /// The same where a score has to be better by some distance, which is at least 0.
    pub fn is_better_by(&self, distance: f64, score: f64, than: f64) -> bool {
        let distance = if self.lower { distance } else { -distance };
        self.is_better(score + distance, than)
    }

    /// Whether an epoch will report it.
    ///
    /// # Errors
    /// It is not among these names; the error lists them.
    pub fn check(&self, names: &[String]) -> Result<()> {
        if names.contains(&self.name) {
            return Ok(());
        }
        Err(Error::Unknown { kind: "score", name: self.name.clone(), known: names.to_vec() })
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
    fn what_is_not_a_number_is_never_better() {
        let loss = Monitor::new("val_loss");
        assert!(!loss.is_better(f64::NAN, 1.0) && !loss.is_better(f64::NAN, f64::NAN) && !loss.is_better(1.0, 1.0));
        assert!(loss.is_better(f64::INFINITY, f64::NAN));
    }

    #[test]
    fn a_name_that_no_epoch_reports_is_told_with_those_there_are() {
        let message = Monitor::new("val_loss").check(&["loss".into(), "accuracy".into()]).unwrap_err().to_string();
        assert_eq!(message, "there is no score \"val_loss\"; there is loss and accuracy");
    }
}
