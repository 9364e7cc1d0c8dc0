//! A score that training reports.

use crate::metrics::Direction;

/// A score that each epoch reports.
#[derive(Clone, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub struct ReportedScore {
    /// Name of the score: `loss`, `accuracy`, `val_loss`, …
    pub name: String,
    /// Whether lower or higher values are better, or `None` if the metric does not state it.
    pub direction: Option<Direction>,
}
