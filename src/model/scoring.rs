//! What a model reports: its loss, the losses of its outputs where there are several, and its metrics, as running means.

use super::heads::Head;
use super::network::Network;
use crate::metrics::{Mean, Scores};

/// Running means of the loss and of everything else that is reported.
#[derive(Clone, Debug)]
pub(super) struct Means {
    loss: Mean,
    /// The outputs' losses where there are several, then every metric.
    others: Vec<Mean>,
    losses: usize,
}

impl Means {
    pub(super) fn new(heads: &[Head]) -> Means {
        let losses = if heads.len() > 1 { heads.len() } else { 0 };
        let metrics: usize = heads.iter().map(|head| head.metrics.len()).sum();
        Means { loss: Mean::default(), others: vec![Mean::default(); losses + metrics], losses }
    }

    /// Starts again.
    pub(super) fn clear(&mut self) {
        self.loss = Mean::default();
        self.others.fill(Mean::default());
    }

    /// Each with a name of its own.
    pub(super) fn named(&self) -> impl Iterator<Item = (String, &Mean)> {
        std::iter::once(&self.loss).chain(&self.others).enumerate().map(|(at, mean)| (format!("mean {at}"), mean))
    }

    /// The same, to change.
    pub(super) fn named_mut(&mut self) -> impl Iterator<Item = (String, &mut Mean)> {
        let all = std::iter::once(&mut self.loss).chain(&mut self.others);
        all.enumerate().map(|(at, mean)| (format!("mean {at}"), mean))
    }

    /// Adds a batch's loss and those of its outputs.
    pub(super) fn add(&mut self, loss: f64, losses: impl Iterator<Item = f64>, rows: usize) {
        self.loss.add(loss, rows);
        self.others[..self.losses].iter_mut().zip(losses).for_each(|(mean, loss)| mean.add(loss, rows));
    }

    /// Adds the metrics' sums over a batch's rows.
    pub(super) fn add_sums(&mut self, sums: impl Iterator<Item = f64>, rows: usize) {
        self.others[self.losses..].iter_mut().zip(sums).for_each(|(mean, sum)| mean.add_sum(sum, rows));
    }

    /// Writes the values over those in `scores`.
    pub(super) fn write(&self, scores: &mut Scores) {
        scores.loss = self.loss.value();
        scores.metrics.iter_mut().zip(&self.others).for_each(|((_, value), mean)| *value = mean.value());
    }
}

/// Scores with every name and no value yet. Keras' names: with several losses `a_loss` of each output, and with several
/// outputs their metrics as `a_accuracy`.
pub(super) fn blank_scores(network: &Network, heads: &[Head]) -> Scores {
    let names = network.output_names();
    let losses = heads.iter().filter(|_| heads.len() > 1).map(|head| format!("{}_loss", names[head.output]));
    let metrics = heads.iter().flat_map(|head| {
        let name = |metric: &str| match names.len() {
            1 => metric.to_owned(),
            _ => format!("{}_{metric}", names[head.output]),
        };
        head.metrics.iter().map(move |metric| name(metric.name())).collect::<Vec<_>>()
    });
    Scores { loss: f64::NAN, metrics: losses.chain(metrics).map(|name| (name, f64::NAN)).collect() }
}
