//! Running means over the rows of an epoch.

/// The number of rows in the totals of a metric.
#[derive(Clone, Copy, Debug, PartialEq)]
#[non_exhaustive]
pub struct Count {
    /// The number of rows.
    pub rows: usize,
    /// The sum of the sample weights; without weights, the number of rows.
    pub weight: f64,
}

impl Count {
    /// Creates the count of rows without sample weights.
    pub fn of(rows: usize) -> Count {
        Count { rows, weight: rows as f64 }
    }
}

/// A running mean over rows. Each batch is weighted by its number of rows.
///
/// ```
/// use gradus::metrics::Mean;
/// let mut loss = Mean::default();
/// loss.add(1.0, 100); // a mean of 1 over 100 rows
/// loss.add(4.0, 50);
/// assert_eq!(loss.value(), 2.0);
/// ```
#[derive(Clone, Copy, Debug, Default, PartialEq)]
pub struct Mean {
    total: f64,
    rows: usize,
}

impl Mean {
    /// Adds the mean of a batch.
    pub fn add(&mut self, mean: f64, rows: usize) {
        self.add_sum(mean * rows as f64, rows);
    }

    /// Adds the sum of a batch.
    pub fn add_sum(&mut self, sum: f64, rows: usize) {
        self.total += sum;
        self.rows += rows;
    }

    /// The sum over the rows so far.
    pub fn sum(&self) -> f64 {
        self.total
    }

    /// The number of rows so far.
    pub fn rows(&self) -> usize {
        self.rows
    }

    /// The mean so far; NaN before the first row.
    pub fn value(&self) -> f64 {
        self.total / self.rows as f64
    }
}
