//! The loss and the metrics of an epoch or an evaluation.

use std::fmt;

/// The mean loss and the mean of each metric, by name, as returned by `evaluate`.
///
/// ```
/// use gradus::metrics::Scores;
/// let scores = Scores::new(0.25, vec![("accuracy".into(), 0.9)]);
/// assert_eq!(scores.get("accuracy"), Some(0.9));
/// assert_eq!(scores.to_string(), "loss: 0.2500 - accuracy: 0.9000");
/// ```
#[derive(Clone, Debug, PartialEq)]
#[non_exhaustive]
pub struct Scores {
    /// The mean loss over the rows.
    pub loss: f64,
    /// The name and mean of each metric, in the order of `compile`.
    pub metrics: Vec<(String, f64)>,
}

impl Scores {
    /// Creates scores from the loss and the metrics by name.
    pub fn new(loss: f64, metrics: Vec<(String, f64)>) -> Scores {
        Scores { loss, metrics }
    }

    /// Returns the value of `loss` or of a metric by name.
    pub fn get(&self, name: &str) -> Option<f64> {
        if name == "loss" {
            return Some(self.loss);
        }
        self.metrics.iter().find(|(metric, _)| metric == name).map(|(_, value)| *value)
    }

    /// The loss and then each metric, as `evaluate` returns them in Keras.
    pub fn values(&self) -> Vec<f64> {
        std::iter::once(self.loss).chain(self.metrics.iter().map(|(_, value)| *value)).collect()
    }

    /// `loss` and the metrics' names.
    pub fn names(&self) -> impl Iterator<Item = &str> {
        std::iter::once("loss").chain(self.metrics.iter().map(|(name, _)| name.as_str()))
    }
}

impl fmt::Display for Scores {
    /// Writes `loss: 0.0981 - accuracy: 0.9702`.
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "loss: {:.4}", self.loss)?;
        self.metrics.iter().try_for_each(|(name, value)| write!(f, " - {name}: {value:.4}"))
    }
}
