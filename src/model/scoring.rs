//! Running scores of a model: its loss, the losses of its outputs if there are several, and its metrics.

use super::loss_means::{LossMeans, add_optional};
use super::reported_score::ReportedScore;
use super::trained_outputs::TrainedOutput;
use crate::architecture::Architecture;
use crate::metrics::{Count, Direction, Mean, Metric, ScoredBatch, Scores};
use crate::shape::View;

/// Running means of the losses, and the totals from which metrics are computed.
#[derive(Clone, Debug)]
pub(super) struct Means {
    pub(super) losses: LossMeans,
    /// All totals of all metrics, with their numbers of rows.
    totals: Vec<Mean>,
    /// The sums of sample weights of each trained output, if it has weighted metrics.
    weights: Vec<Mean>,
    /// The sums of the valid parts of rows of each trained output with a mask.
    valid: Vec<Option<Mean>>,
    /// Number of totals of each metric.
    counts: Vec<usize>,
    /// Buffer for the totals of one metric.
    buffer: Vec<f64>,
}

/// A metric of a trained output.
struct OutputMetric<'a> {
    metric: &'a dyn Metric,
    /// Index of its trained output.
    trained: usize,
    /// Whether it weights rows.
    weighted: bool,
}

/// The name of the mean of the valid parts of rows of a trained output.
fn valid_name(trained: usize) -> String {
    format!("valid {trained}")
}

/// All metrics in the order of Keras' reports: weighted ones last.
fn output_metrics(trained_outputs: &[TrainedOutput]) -> impl Iterator<Item = OutputMetric<'_>> {
    let of = |weighted: bool| {
        trained_outputs.iter().enumerate().flat_map(move |(number, trained)| {
            let metrics = if weighted { &trained.weighted_metrics } else { &trained.metrics };
            metrics.iter().map(move |metric| OutputMetric { metric: metric.as_ref(), trained: number, weighted })
        })
    };
    of(false).chain(of(true))
}

/// The outputs and targets of a batch that metrics read.
#[derive(Clone, Copy)]
pub(super) struct MetricInputs<'a> {
    pub(super) batch: ScoredBatch<'a>,
    /// The sample weights, if there are any.
    pub(super) weights: Option<View<'a>>,
    /// The mask of the outputs, if there is one.
    pub(super) mask: Option<View<'a>>,
}

impl MetricInputs<'_> {
    /// Adds a batch to the totals of a metric: row by row if the metric weights rows, and by the valid parts of rows if there
    /// is a mask. As in Keras, the parts of a row have together the weight of a row.
    fn add(self, metric: &dyn Metric, weighted: bool, buffer: &mut [f64], totals: &mut [Mean]) {
        let mut add = |batch: ScoredBatch<'_>, weight: f64| {
            buffer.fill(0.0);
            metric.add(&batch, buffer);
            totals.iter_mut().zip(&*buffer).for_each(|(mean, total)| mean.add_sum(weight * total, batch.rows()));
        };
        match (self.mask, self.weights) {
            (Some(mask), _) => {
                let parts = self.batch.each_part(mask.shape().rank()).enumerate().zip(mask.data());
                parts.for_each(|((at, part), valid)| add(part, f64::from(*valid) * self.share(mask, at, weighted)));
            }
            (None, Some(weights)) if weighted => {
                let rows = self.batch.each_row().zip(weights.data());
                rows.for_each(|(row, weight)| add(row, f64::from(*weight)));
            }
            _ => add(self.batch, 1.0),
        }
    }

    /// The weight of a valid element of the mask.
    fn share(self, mask: View<'_>, at: usize, weighted: bool) -> f64 {
        let parts = mask.len() / self.batch.rows();
        let weight = self.weights.filter(|_| weighted).map_or(1.0, |weights| f64::from(weights[at / parts]));
        weight / parts as f64
    }

    /// The sum of the weights of the batch's rows, or of the valid parts of rows if there is a mask.
    fn weight(self, weighted: bool) -> f64 {
        match (self.mask, self.weights) {
            (Some(mask), _) => {
                let valid = mask.iter().enumerate();
                valid.fold(0.0, |sum, (at, valid)| sum + f64::from(*valid) * self.share(mask, at, weighted))
            }
            (None, Some(weights)) if weighted => weights.iter().fold(0.0, |sum, weight| sum + f64::from(*weight)),
            _ => self.batch.rows() as f64,
        }
    }
}

impl Means {
    pub(super) fn new(architecture: &Architecture, trained_outputs: &[TrainedOutput]) -> Means {
        let weights =
            if output_metrics(trained_outputs).any(|asked| asked.weighted) { trained_outputs.len() } else { 0 };
        let count =
            |asked: OutputMetric<'_>| asked.metric.totals(architecture.output(trained_outputs[asked.trained].output));
        let counts: Vec<usize> = output_metrics(trained_outputs).map(count).collect();
        Means {
            losses: LossMeans::new(trained_outputs.len()),
            totals: vec![Mean::default(); counts.iter().sum()],
            weights: vec![Mean::default(); weights],
            valid: vec![None; trained_outputs.len()],
            buffer: vec![0.0; counts.iter().max().copied().unwrap_or(0)],
            counts,
        }
    }

    /// Resets all means.
    pub(super) fn clear(&mut self) {
        self.losses.clear();
        self.totals.fill(Mean::default());
        self.weights.fill(Mean::default());
        self.valid.fill(None);
    }

    /// The means that every model has, with unique names.
    pub(super) fn named(&self) -> impl Iterator<Item = (String, &Mean)> {
        let losses = std::iter::once(&self.losses.loss).chain(&self.losses.outputs);
        let all = losses.chain(&self.totals).chain(&self.weights);
        all.enumerate().map(|(at, mean)| (format!("mean {at}"), mean))
    }

    /// The means of [`named`](Means::named), mutably.
    pub(super) fn named_mut(&mut self) -> impl Iterator<Item = (String, &mut Mean)> {
        let losses = std::iter::once(&mut self.losses.loss).chain(&mut self.losses.outputs);
        let all = losses.chain(&mut self.totals).chain(&mut self.weights);
        all.enumerate().map(|(at, mean)| (format!("mean {at}"), mean))
    }

    /// The means that only outputs with invalid positions have, with unique names.
    pub(super) fn optional(&self) -> impl Iterator<Item = (String, Option<&Mean>)> {
        let valid = self.valid.iter().enumerate().map(|(at, mean)| (valid_name(at), mean.as_ref()));
        valid.chain(self.losses.optional())
    }

    /// The means of [`optional`](Means::optional), mutably.
    pub(super) fn optional_mut(&mut self) -> impl Iterator<Item = (String, &mut Option<Mean>)> {
        let valid = self.valid.iter_mut().enumerate().map(|(at, mean)| (valid_name(at), mean));
        valid.chain(self.losses.optional_mut())
    }

    /// Adds the means of other batches.
    pub(super) fn add(&mut self, other: &Means) {
        self.losses.add_means(&other.losses);
        let add = |(mean, other): (&mut Mean, &Mean)| mean.add_sum(other.sum(), other.rows());
        self.totals.iter_mut().zip(&other.totals).for_each(add);
        self.weights.iter_mut().zip(&other.weights).for_each(add);
        add_optional(&mut self.valid, &other.valid);
    }

    /// All means as numbers, for [`set_numbers`](Means::set_numbers) of another member.
    pub(super) fn numbers(&self) -> Vec<f64> {
        let named = self.named().map(|(_, mean)| Some(mean));
        let all = named.chain(self.optional().map(|(_, mean)| mean));
        all.flat_map(|mean| mean.map_or([0.0, -1.0], |mean| [mean.sum(), mean.rows() as f64])).collect()
    }

    /// Sets all means from the [`numbers`](Means::numbers) of another member.
    pub(super) fn set_numbers(&mut self, mut next: impl FnMut() -> f64) {
        let mut read = || {
            let (sum, rows) = (next(), next());
            let mut mean = Mean::default();
            mean.add_sum(sum, rows as usize);
            (rows >= 0.0).then_some(mean)
        };
        self.named_mut().for_each(|(_, mean)| *mean = read().unwrap_or_default());
        self.optional_mut().for_each(|(_, mean)| *mean = read());
    }

    /// Adds a batch to all metrics. `inputs` returns the outputs and targets of the trained output with this index.
    pub(super) fn add_metrics<'a>(
        &mut self,
        trained_outputs: &[TrainedOutput],
        inputs: impl Fn(usize) -> MetricInputs<'a>,
    ) {
        for (trained, sum) in self.weights.iter_mut().enumerate() {
            let inputs = inputs(trained);
            sum.add_sum(inputs.weight(true), inputs.batch.rows());
        }
        for (trained, sum) in self.valid.iter_mut().enumerate() {
            let inputs = inputs(trained);
            if inputs.mask.is_some() {
                sum.get_or_insert_default().add_sum(inputs.weight(false), inputs.batch.rows());
            }
        }
        let mut rest = &mut self.totals[..];
        for (asked, count) in output_metrics(trained_outputs).zip(&self.counts) {
            let (totals, later) = rest.split_at_mut(*count);
            inputs(asked.trained).add(asked.metric, asked.weighted, &mut self.buffer[..*count], totals);
            rest = later;
        }
    }

    /// Overwrites the values of `scores`.
    pub(super) fn write(&mut self, trained_outputs: &[TrainedOutput], scores: &mut Scores) {
        scores.loss = self.losses.value(trained_outputs);
        let (losses, metrics) = scores.metrics.split_at_mut(self.losses.outputs.len());
        losses.iter_mut().enumerate().for_each(|(number, (_, value))| *value = self.losses.output(number));
        let mut rest = &self.totals[..];
        for (((_, value), asked), count) in metrics.iter_mut().zip(output_metrics(trained_outputs)).zip(&self.counts) {
            let (totals, later) = rest.split_at(*count);
            let buffer = &mut self.buffer[..*count];
            buffer.iter_mut().zip(totals).for_each(|(buffer, mean)| *buffer = mean.sum());
            let rows = Count::of(self.losses.loss.rows());
            let weight = match self.valid[asked.trained] {
                _ if asked.weighted => self.weights[asked.trained].sum(),
                Some(valid) => valid.sum(),
                None => rows.weight,
            };
            *value = asked.metric.value(buffer, Count { weight, ..rows });
            rest = later;
        }
    }
}

/// Scores with all names, before any batch.
pub(super) fn blank_scores(architecture: &Architecture, trained_outputs: &[TrainedOutput]) -> Scores {
    let metrics =
        reported(architecture, trained_outputs).into_iter().skip(1).map(|score| (score.name, f64::NAN)).collect();
    Scores { loss: f64::NAN, metrics }
}

/// The scores that each epoch reports for the training rows: the loss, then the metrics. Names are the same as in Keras:
/// `a_loss` for each output if there are several losses, `a_accuracy` if there are several outputs, and
/// `weighted_accuracy` for a weighted metric whose name another metric has.
pub(super) fn reported(architecture: &Architecture, trained_outputs: &[TrainedOutput]) -> Vec<ReportedScore> {
    let outputs = architecture.output_names();
    let lower = |name| ReportedScore { name, direction: Some(Direction::Lower) };
    let losses = trained_outputs
        .iter()
        .filter(|_| trained_outputs.len() > 1)
        .map(|trained| format!("{}_loss", outputs[trained.output]));
    let mut scores: Vec<ReportedScore> = std::iter::once("loss".into()).chain(losses).map(lower).collect();
    for OutputMetric { metric, trained, weighted } in output_metrics(trained_outputs) {
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
