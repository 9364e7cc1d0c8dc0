//! Running means of the loss and of the losses of the outputs.
//!
//! The loss of an output with a mask or an ignored label is a mean over the valid positions of a batch, so its batches are
//! weighted by their numbers of valid positions. The result then depends neither on the order of the rows nor on how they
//! form batches. Other losses are weighted by rows.

use super::trained_outputs::TrainedOutput;
use crate::metrics::Mean;

/// The loss of a trained output in a batch.
#[derive(Clone, Copy, Debug)]
pub(super) struct OutputLoss {
    pub(super) loss: f64,
    /// The number of valid positions if the loss is a mean over them.
    pub(super) valid: Option<usize>,
}

/// The loss of a batch: the weighted sum of the losses of its outputs, and penalties on weights.
#[derive(Clone, Copy, Debug)]
pub(super) struct BatchLoss {
    pub(super) loss: f64,
    pub(super) penalty: f64,
    pub(super) rows: usize,
}

/// Running means of the losses.
#[derive(Clone, Debug)]
pub(super) struct LossMeans {
    /// The whole loss, weighted by rows.
    pub(super) loss: Mean,
    /// The losses of the outputs, if there are several, weighted by rows.
    pub(super) outputs: Vec<Mean>,
    /// The losses of the outputs with invalid positions, weighted by valid positions.
    valid: Vec<Option<Mean>>,
    /// The penalties, weighted by rows, if an output has invalid positions.
    penalty: Option<Mean>,
}

impl LossMeans {
    pub(super) fn new(trained_outputs: usize) -> LossMeans {
        let outputs = if trained_outputs > 1 { trained_outputs } else { 0 };
        LossMeans {
            loss: Mean::default(),
            outputs: vec![Mean::default(); outputs],
            valid: vec![None; trained_outputs],
            penalty: None,
        }
    }

    /// Resets all means.
    pub(super) fn clear(&mut self) {
        self.loss = Mean::default();
        self.outputs.fill(Mean::default());
        self.valid.fill(None);
        self.penalty = None;
    }

    /// Adds the loss of a batch and the losses of its outputs.
    pub(super) fn add(&mut self, batch: BatchLoss, outputs: impl Iterator<Item = OutputLoss>) {
        self.loss.add(batch.loss, batch.rows);
        for (number, OutputLoss { loss, valid }) in outputs.enumerate() {
            if let Some(mean) = self.outputs.get_mut(number) {
                mean.add(loss, batch.rows);
            }
            if let Some(valid) = valid {
                self.valid[number].get_or_insert_default().add(loss, valid);
            }
        }
        if self.valid.iter().any(Option::is_some) {
            self.penalty.get_or_insert_default().add(batch.penalty, batch.rows);
        }
    }

    /// Adds the means of other batches.
    pub(super) fn add_means(&mut self, other: &LossMeans) {
        self.loss.add_sum(other.loss.sum(), other.loss.rows());
        for (mean, other) in self.outputs.iter_mut().zip(&other.outputs) {
            mean.add_sum(other.sum(), other.rows());
        }
        add_optional(&mut self.valid, &other.valid);
        add_optional(std::slice::from_mut(&mut self.penalty), &[other.penalty]);
    }

    /// The whole loss.
    pub(super) fn value(&self, trained_outputs: &[TrainedOutput]) -> f64 {
        let Some(penalty) = self.penalty else { return self.loss.value() };
        let outputs = trained_outputs.iter().enumerate();
        outputs.fold(penalty.value(), |sum, (number, trained)| sum + f64::from(trained.weight) * self.output(number))
    }

    /// The loss of a trained output, 0 if no position is valid.
    pub(super) fn output(&self, number: usize) -> f64 {
        match self.valid[number] {
            None => self.outputs.get(number).unwrap_or(&self.loss).value(),
            Some(mean) if mean.rows() == 0 => 0.0,
            Some(mean) => mean.value(),
        }
    }

    /// The means that only outputs with invalid positions have, with unique names.
    pub(super) fn optional(&self) -> impl Iterator<Item = (String, Option<&Mean>)> {
        let penalty = std::iter::once(("penalty".to_owned(), self.penalty.as_ref()));
        penalty.chain(self.valid.iter().enumerate().map(|(number, mean)| (name(number), mean.as_ref())))
    }

    /// The means of [`optional`](LossMeans::optional), mutably.
    pub(super) fn optional_mut(&mut self) -> impl Iterator<Item = (String, &mut Option<Mean>)> {
        let penalty = std::iter::once(("penalty".to_owned(), &mut self.penalty));
        penalty.chain(self.valid.iter_mut().enumerate().map(|(number, mean)| (name(number), mean)))
    }
}

/// Adds means that only some batches have.
pub(super) fn add_optional(means: &mut [Option<Mean>], others: &[Option<Mean>]) {
    for (mean, other) in means.iter_mut().zip(others) {
        if let Some(other) = other {
            mean.get_or_insert_default().add_sum(other.sum(), other.rows());
        }
    }
}

/// The name of the mean of the loss of a trained output over its valid positions.
fn name(trained: usize) -> String {
    format!("valid loss {trained}")
}
