//! The scores of a training loop or an evaluation loop on the tape.

use super::check::check_batch;
use super::metric::Metric;
use super::{Count, Mean, ScoredBatch, Scores};
use crate::error::{Error, Result};
use std::iter;

/// The mean loss and the metrics over the batches of an epoch or an evaluation, for a loop on the tape. Batches are weighted
/// by their number of rows.
///
/// ```
/// use gradus::metrics::{Accuracy, RunningScores, ScoredBatch};
/// use gradus::{Shape, View};
/// let batch = |outputs: &'static [f32], labels: &'static [f32]| {
///     let rows = labels.len();
///     ScoredBatch::labels(View::new(Shape::from([rows, 2]), outputs), View::new(Shape::from([rows]), labels))
/// };
/// let mut running = RunningScores::new().metric(Accuracy)?;
/// running.add(1.0, &batch(&[0.2, 0.8, 0.9, 0.1], &[1.0, 0.0]))?; // a mean loss of 1 over two rows
/// running.add(4.0, &batch(&[0.6, 0.4], &[1.0]))?;
/// assert_eq!(running.scores().to_string(), "loss: 2.0000 - accuracy: 0.6667");
/// # Ok::<(), gradus::Error>(())
/// ```
#[derive(Debug, Default)]
pub struct RunningScores {
    loss: Mean,
    metrics: Vec<Totals>,
}

/// A metric with its totals over the rows so far, which are empty before the first batch.
#[derive(Debug)]
struct Totals {
    metric: Box<dyn Metric>,
    sums: Vec<f64>,
}

impl RunningScores {
    /// Creates scores with the loss only, without rows.
    pub fn new() -> RunningScores {
        RunningScores::default()
    }

    /// Adds a metric.
    ///
    /// # Errors
    /// The metric's settings are out of range, or its name is `loss` or that of another metric.
    pub fn metric(mut self, metric: impl Metric + 'static) -> Result<RunningScores> {
        metric.check()?;
        let name = metric.name();
        if name == "loss" || self.metrics.iter().any(|other| other.metric.name() == name) {
            return Err(Error::other(format!("RunningScores: two scores are named \"{name}\"; remove one of them")));
        }
        self.metrics.push(Totals { metric: Box::new(metric), sums: Vec::new() });
        Ok(self)
    }

    /// Adds a batch with its mean loss.
    ///
    /// # Errors
    /// A metric does not accept the outputs or the targets, or the outputs of a row have a different shape than in earlier
    /// batches. Nothing is added then.
    pub fn add(&mut self, loss: f64, batch: &ScoredBatch<'_>) -> Result<()> {
        let output = batch.outputs().shape().sample();
        for Totals { metric, sums } in &self.metrics {
            check_batch(metric.accepts(output), metric.spec().class(), batch)?;
            if !sums.is_empty() && sums.len() != metric.totals(output) {
                let expected = "outputs of the batches before";
                return Err(Error::expected(expected).at(|| metric.name().into(), &[output]));
            }
        }
        self.loss.add(loss, batch.rows());
        for Totals { metric, sums } in &mut self.metrics {
            sums.resize(metric.totals(output), 0.0);
            metric.add(batch, sums);
        }
        Ok(())
    }

    /// The scores over all rows so far; NaN before the first row.
    pub fn scores(&self) -> Scores {
        let count = Count::of(self.loss.rows());
        let value = |Totals { metric, sums }: &Totals| match sums.is_empty() {
            true => (metric.name().to_owned(), f64::NAN),
            false => (metric.name().to_owned(), metric.value(sums, count)),
        };
        Scores { loss: self.loss.value(), metrics: self.metrics.iter().map(value).collect() }
    }

    /// Resets the scores to no rows.
    pub fn clear(&mut self) {
        self.loss = Mean::default();
        self.metrics.iter_mut().for_each(|totals| totals.sums.clear());
    }

    /// The state for [`restore`](Self::restore), by name.
    pub(crate) fn numbers(&self) -> Vec<(String, f64)> {
        let loss = [("loss/sum".into(), self.loss.sum()), ("loss/rows".into(), self.loss.rows() as f64)];
        let totals = self.metrics.iter().flat_map(|Totals { metric, sums }| {
            let count = (format!("{}/totals", metric.name()), sums.len() as f64);
            let sums = sums.iter().enumerate().map(|(at, sum)| (format!("{}/{at}", metric.name()), *sum));
            iter::once(count).chain(sums)
        });
        loss.into_iter().chain(totals).collect()
    }

    /// Restores the scores from [`numbers`](Self::numbers). Nothing changes if one of them is missing.
    pub(crate) fn restore(&mut self, number: impl Fn(&str) -> Result<f64>) -> Result<()> {
        let mut loss = Mean::default();
        loss.add_sum(number("loss/sum")?, number("loss/rows")? as usize);
        let sums = |Totals { metric, .. }: &Totals| {
            let count = number(&format!("{}/totals", metric.name()))? as usize;
            (0..count).map(|at| number(&format!("{}/{at}", metric.name()))).collect::<Result<Vec<f64>>>()
        };
        let all = self.metrics.iter().map(sums).collect::<Result<Vec<_>>>()?;
        self.loss = loss;
        self.metrics.iter_mut().zip(all).for_each(|(totals, sums)| totals.sums = sums);
        Ok(())
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::metrics::{Accuracy, F1Score};
    use crate::shape::{Shape, View};

    fn batch<'a>(outputs: &'a [f32], labels: &'a [f32]) -> ScoredBatch<'a> {
        let rows = labels.len();
        let outputs = View::new(Shape::from([rows, outputs.len() / rows]), outputs);
        ScoredBatch::labels(outputs, View::new(Shape::from([rows]), labels))
    }

    #[test]
    fn scores_over_batches_are_those_over_all_rows() {
        let (outputs, labels) = ([0.9, 0.1, 0.4, 0.6, 0.7, 0.3, 0.2, 0.8], [0.0, 1.0, 1.0, 1.0]);
        let running = || RunningScores::new().metric(Accuracy).unwrap().metric(F1Score::default()).unwrap();
        let (mut parts, mut whole, mut restored) = (running(), running(), running());
        parts.add(1.0, &batch(&outputs[..6], &labels[..3])).unwrap();
        let numbers = parts.numbers();
        let number = |name: &str| Ok(numbers.iter().find(|(other, _)| other == name).unwrap().1);
        restored.restore(number).unwrap();
        for running in [&mut parts, &mut restored] {
            running.add(5.0, &batch(&outputs[6..], &labels[3..])).unwrap();
        }
        whole.add(2.0, &batch(&outputs, &labels)).unwrap();
        assert_eq!((parts.scores(), restored.scores()), (whole.scores(), whole.scores()));
        parts.clear();
        assert_eq!(parts.numbers(), running().numbers());
    }

    #[test]
    fn mistakes_are_errors_before_anything_is_added() {
        let message = RunningScores::new().metric(Accuracy).unwrap().metric(Accuracy).unwrap_err().to_string();
        assert_eq!(message, "RunningScores: two scores are named \"accuracy\"; remove one of them");
        let mut running = RunningScores::new().metric(Accuracy).unwrap();
        running.add(1.0, &batch(&[0.9, 0.1, 0.2, 0.8], &[2.0, 1.0])).unwrap_err();
        assert_eq!(running.numbers(), RunningScores::new().metric(Accuracy).unwrap().numbers());
    }
}
