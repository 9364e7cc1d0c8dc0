//! The direction of scores: whether lower or higher values are better.

/// The direction of a score: whether lower or higher values are better.
///
/// ```
/// use gradus::metrics::Direction;
/// assert!(Direction::Lower.is_better(0.1, 0.2));
/// assert!(Direction::Higher.is_better(0.1, f64::NAN) && !Direction::Higher.is_better(0.2, 0.2));
/// ```
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Direction {
    /// Lower is better, as for a loss.
    Lower,
    /// Higher is better, as for an accuracy.
    Higher,
}

impl Direction {
    /// Whether a score is strictly better than another one. NaN is never better, and every number is better than NaN.
    pub fn is_better(self, score: f64, than: f64) -> bool {
        let better = match self {
            Direction::Lower => score < than,
            Direction::Higher => score > than,
        };
        better || (than.is_nan() && !score.is_nan())
    }

    /// Whether a score is better than another one by more than `distance`, which is ≥ 0.
    pub fn is_better_by(self, distance: f64, score: f64, than: f64) -> bool {
        let worse = match self {
            Direction::Lower => score + distance,
            Direction::Higher => score - distance,
        };
        self.is_better(worse, than)
    }
}
