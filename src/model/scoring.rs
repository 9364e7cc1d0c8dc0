//! What a model reports: its loss, the losses of its outputs where there are several, and its metrics, as they stand so far.

use super::heads::Head;
use super::network::Network;
use crate::metrics::{Mean, Scores};

/// Running means of the loss and of its parts, and the totals from which metrics follow.
#[derive(Clone, Debug)]
pub(super) struct Means {
    loss: Mean,
    /// The outputs' losses, where there are several.
    losses: Vec<Mean>,
    /// Every total of every metric, with the rows it is over.
    totals: Vec<Mean>,
    /// How many totals each metric has.
    counts: Vec<usize>,
    /// Room for the totals of one metric.
    room: Vec<f64>,
}

impl Means {
    pub(super) fn new(network: &Network, heads: &[Head]) -> Means {
        let losses = if heads.len() > 1 { heads.len() } else { 0 };
        let count = |head: &Head| {
            let output = network.output(head.output);
            head.metrics.iter().map(|metric| metric.totals(output)).collect::<Vec<usize>>()
        };
        let counts: Vec<usize> = heads.iter().flat_map(count).collect();
        Means {
            loss: Mean::default(),
            losses: vec![Mean::default(); losses],
            totals: vec![Mean::default(); counts.iter().sum()],
            room: vec![0.0; counts.iter().max().copied().unwrap_or(0)],
            counts,
        }
    }

    /// Starts again.
    pub(super) fn clear(&mut self) {
        self.loss = Mean::default();
        self.losses.fill(Mean::default());
        self.totals.fill(Mean::default());
    }

    /// Each with a name of its own.
    pub(super) fn named(&self) -> impl Iterator<Item = (String, &Mean)> {
        let all = std::iter::once(&self.loss).chain(&self.losses).chain(&self.totals);
        all.enumerate().map(|(at, mean)| (format!("mean {at}"), mean))
    }

    /// The same, to change.
    pub(super) fn named_mut(&mut self) -> impl Iterator<Item = (String, &mut Mean)> {
        let all = std::iter::once(&mut self.loss).chain(&mut self.losses).chain(&mut self.totals);
        all.enumerate().map(|(at, mean)| (format!("mean {at}"), mean))
    }

    /// Adds a batch's loss and those of its outputs.
    pub(super) fn add(&mut self, loss: f64, losses: impl Iterator<Item = f64>, rows: usize) {
        self.loss.add(loss, rows);
        self.losses.iter_mut().zip(losses).for_each(|(mean, loss)| mean.add(loss, rows));
    }

    /// Adds a batch's totals of every metric, in the heads' order; `add` adds those of one.
    pub(super) fn add_totals<M>(&mut self, metrics: impl Iterator<Item = M>, add: impl Fn(M, &mut [f64]), rows: usize) {
        let mut rest = &mut self.totals[..];
        for (metric, count) in metrics.zip(&self.counts) {
            let (totals, later) = rest.split_at_mut(*count);
            let room = &mut self.room[..*count];
            room.fill(0.0);
            add(metric, room);
            totals.iter_mut().zip(room).for_each(|(mean, total)| mean.add_sum(*total, rows));
            rest = later;
        }
    }

    /// Writes the values over those in `scores`.
    pub(super) fn write(&mut self, heads: &[Head], scores: &mut Scores) {
        scores.loss = self.loss.value();
        let (losses, metrics) = scores.metrics.split_at_mut(self.losses.len());
        losses.iter_mut().zip(&self.losses).for_each(|((_, value), mean)| *value = mean.value());
        let mut rest = &self.totals[..];
        let all = heads.iter().flat_map(|head| &head.metrics);
        for (((_, value), metric), count) in metrics.iter_mut().zip(all).zip(&self.counts) {
            let (totals, later) = rest.split_at(*count);
            let room = &mut self.room[..*count];
            room.iter_mut().zip(totals).for_each(|(room, mean)| *room = mean.sum());
            *value = metric.value(room, self.loss.rows());
            rest = later;
        }
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
