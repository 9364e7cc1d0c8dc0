//! A score that training reports.

use crate::metrics::Direction;

/// A score that each epoch reports.
#[derive(Clone, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub struct ReportedScore {
    /// The score's name: `loss`, `accuracy`, `val_loss`, …
    pub name: String,
    /// Whether lower or higher values are better; `None` where the metric states neither.
    pub direction: Option<Direction>,
}
