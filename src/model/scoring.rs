//! What a model reports: its loss, the losses of its outputs where there are several, and its metrics, as they stand so far.

use super::reported_score::ReportedScore;
use super::trained_outputs::TrainedOutput;
use crate::architecture::Architecture;
use crate::metrics::{Count, Direction, Mean, Metric, ScoredBatch, Scores};
use crate::shape::View;

/// Running means of the loss and of its parts, and the totals from which metrics follow.
#[derive(Clone, Debug)]
pub(super) struct Means {
    loss: Mean,
    /// The outputs' losses, where there are several.
    losses: Vec<Mean>,
    /// Every total of every metric, with the rows it is over.
    totals: Vec<Mean>,
    /// The sum of the rows' weights for each trained output, where there are metrics that count them.
    weights: Vec<Mean>,
    /// How many totals each metric has.
    counts: Vec<usize>,
    /// Room for the totals of one metric.
    room: Vec<f64>,
}

/// A metric as it was asked for.
struct Asked<'a> {
    metric: &'a dyn Metric,
    /// The number of its trained output.
    trained: usize,
    /// Whether it counts rows by their weights.
    weighted: bool,
}

/// Every metric in the order in which they are reported: Keras', which has those that count rows by their weights last.
fn asked(trained_outputs: &[TrainedOutput]) -> impl Iterator<Item = Asked<'_>> {
    let of = |weighted: bool| {
        trained_outputs.iter().enumerate().flat_map(move |(number, trained)| {
            let metrics = if weighted { &trained.weighted_metrics } else { &trained.metrics };
            metrics.iter().map(move |metric| Asked { metric: metric.as_ref(), trained: number, weighted })
        })
    };
    of(false).chain(of(true))
}

/// What the metrics of a trained output look at.
#[derive(Clone, Copy)]
pub(super) struct Seen<'a> {
    pub(super) batch: ScoredBatch<'a>,
    /// The rows' weights, where they have any.
    pub(super) weights: Option<View<'a>>,
}

impl Seen<'_> {
    /// Adds a batch to a metric's totals, row by row where it counts them by their weights.
    fn add(self, metric: &dyn Metric, weighted: bool, room: &mut [f64], totals: &mut [Mean]) {
        let mut add = |batch: ScoredBatch<'_>, weight: f64| {
            room.fill(0.0);
            metric.add(&batch, room);
            totals.iter_mut().zip(&*room).for_each(|(mean, total)| mean.add_sum(weight * total, batch.rows()));
        };
        match self.weights {
            Some(weights) if weighted => {
                let rows = self.batch.each_row().zip(weights.data());
                rows.for_each(|(row, weight)| add(row, f64::from(*weight)));
            }
            _ => add(self.batch, 1.0),
        }
    }

    /// What the batch's rows count together.
    fn weight(self) -> f64 {
        let rows = self.batch.rows() as f64;
        self.weights.map_or(rows, |weights| weights.iter().fold(0.0, |sum, weight| sum + f64::from(*weight)))
    }
}

impl Means {
    pub(super) fn new(architecture: &Architecture, trained_outputs: &[TrainedOutput]) -> Means {
        let losses = if trained_outputs.len() > 1 { trained_outputs.len() } else { 0 };
        let weights = if asked(trained_outputs).any(|asked| asked.weighted) { trained_outputs.len() } else { 0 };
        let count = |asked: Asked<'_>| asked.metric.totals(architecture.output(trained_outputs[asked.trained].output));
        let counts: Vec<usize> = asked(trained_outputs).map(count).collect();
        Means {
            loss: Mean::default(),
            losses: vec![Mean::default(); losses],
            totals: vec![Mean::default(); counts.iter().sum()],
            weights: vec![Mean::default(); weights],
            room: vec![0.0; counts.iter().max().copied().unwrap_or(0)],
            counts,
        }
    }

    /// Starts again.
    pub(super) fn clear(&mut self) {
        self.named_mut().for_each(|(_, mean)| *mean = Mean::default());
    }

    /// Each with a name of its own.
    pub(super) fn named(&self) -> impl Iterator<Item = (String, &Mean)> {
        let all = std::iter::once(&self.loss).chain(&self.losses).chain(&self.totals).chain(&self.weights);
        all.enumerate().map(|(at, mean)| (format!("mean {at}"), mean))
    }

    /// The same, to change.
    pub(super) fn named_mut(&mut self) -> impl Iterator<Item = (String, &mut Mean)> {
        self.all_mut().enumerate().map(|(at, mean)| (format!("mean {at}"), mean))
    }

    fn all_mut(&mut self) -> impl Iterator<Item = &mut Mean> {
        let (losses, totals) = (&mut self.losses, &mut self.totals);
        std::iter::once(&mut self.loss).chain(losses).chain(totals).chain(&mut self.weights)
    }

    /// Adds a batch's loss and those of its outputs.
    pub(super) fn add(&mut self, loss: f64, losses: impl Iterator<Item = f64>, rows: usize) {
        self.loss.add(loss, rows);
        self.losses.iter_mut().zip(losses).for_each(|(mean, loss)| mean.add(loss, rows));
    }

    /// Adds what a batch adds to every metric; `seen` is what those of the trained output with this number look at.
    pub(super) fn add_metrics<'a>(&mut self, trained_outputs: &[TrainedOutput], seen: impl Fn(usize) -> Seen<'a>) {
        for (trained, sum) in self.weights.iter_mut().enumerate() {
            let seen = seen(trained);
            sum.add_sum(seen.weight(), seen.batch.rows());
        }
        let mut rest = &mut self.totals[..];
        for (asked, count) in asked(trained_outputs).zip(&self.counts) {
            let (totals, later) = rest.split_at_mut(*count);
            seen(asked.trained).add(asked.metric, asked.weighted, &mut self.room[..*count], totals);
            rest = later;
        }
    }

    /// Writes the values over those in `scores`.
    pub(super) fn write(&mut self, trained_outputs: &[TrainedOutput], scores: &mut Scores) {
        scores.loss = self.loss.value();
        let (losses, metrics) = scores.metrics.split_at_mut(self.losses.len());
        losses.iter_mut().zip(&self.losses).for_each(|((_, value), mean)| *value = mean.value());
        let mut rest = &self.totals[..];
        for (((_, value), asked), count) in metrics.iter_mut().zip(asked(trained_outputs)).zip(&self.counts) {
            let (totals, later) = rest.split_at(*count);
            let room = &mut self.room[..*count];
            room.iter_mut().zip(totals).for_each(|(room, mean)| *room = mean.sum());
            let rows = Count::of(self.loss.rows());
            let weighted = asked.weighted.then(|| Count { weight: self.weights[asked.trained].sum(), ..rows });
            *value = asked.metric.value(room, weighted.unwrap_or(rows));
            rest = later;
        }
    }
}

/// Scores with every name and no value yet.
pub(super) fn blank_scores(architecture: &Architecture, trained_outputs: &[TrainedOutput]) -> Scores {
    let metrics =
        reported(architecture, trained_outputs).into_iter().skip(1).map(|score| (score.name, f64::NAN)).collect();
    Scores { loss: f64::NAN, metrics }
}

/// What each epoch reports of the training rows: the loss, and then every metric. Keras' names: with several losses
/// `a_loss` of each output, and with several outputs their metrics as `a_accuracy`; a metric that counts rows by their
/// weights is `weighted_accuracy` where another has its name.
pub(super) fn reported(architecture: &Architecture, trained_outputs: &[TrainedOutput]) -> Vec<ReportedScore> {
    let outputs = architecture.output_names();
    let lower = |name| ReportedScore { name, direction: Some(Direction::Lower) };
    let losses = trained_outputs
        .iter()
        .filter(|_| trained_outputs.len() > 1)
        .map(|trained| format!("{}_loss", outputs[trained.output]));
    let mut scores: Vec<ReportedScore> = std::iter::once("loss".into()).chain(losses).map(lower).collect();
    for Asked { metric, trained, weighted } in asked(trained_outputs) {
        let name = |prefix: &str| match outputs.len() {
            1 => format!("{prefix}{}", metric.name()),
            _ => format!("{}_{prefix}{}", outputs[trained_outputs[trained].output], metric.name()),
        };
        let is_taken = |name: &str| scores.iter().any(|score| score.name == name);
        let name = if weighted && is_taken(&name("")) { name("weighted_") } else { name("") };
        let numbered = (1..).map(|number| format!("{name}_{number}"));
        let own = std::iter::once(name.clone()).chain(numbered).find(|name| !is_taken(name)).unwrap_or(name);
        scores.push(ReportedScore { name: own, direction: metric.direction() });
    }
    scores
}
