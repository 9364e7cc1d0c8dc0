//! A recorded tape for one batch size and mode, with the names of what goes in and comes out.

use super::network::Network;
use crate::data::Target;
use crate::error::Result;
use crate::losses::Loss;
use crate::metrics::{Mean, Metric, Scores};
use crate::random::Key;
use crate::shape::{Shape, View};
use crate::tape::{Id, Mode, Params, Recorder, Tape};
use std::sync::{Mutex, PoisonError};

/// What a plan was recorded for.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) struct Kind {
    pub(super) mode: Mode,
    pub(super) rows: usize,
    /// The shape of one target, where a loss is computed.
    pub(super) target: Option<Shape>,
}

/// A recorded forward pass, and where it is a training step or an evaluation also its loss.
#[derive(Debug)]
pub(super) struct Plan {
    pub(super) kind: Kind,
    pub(super) tape: Tape,
    pub(super) input: Id,
    pub(super) prediction: Id,
    /// The target and the loss.
    scored: Option<[Id; 2]>,
}

impl Plan {
    pub(super) fn record(network: &Network, params: &Params, loss: &dyn Loss, kind: Kind) -> Result<Plan> {
        let recorder = Recorder::new(kind.mode);
        let input = recorder.input(network.input.batch(kind.rows)?);
        let target = kind.target.map(|target| target.batch(kind.rows)).transpose()?.map(|shape| recorder.input(shape));
        let prediction = network.record(&recorder, params, input);
        let scored = target.map(|target| [target, recorder.scope("loss", || loss.record(prediction, target))]);
        if let (Some([_, loss]), Mode::Training) = (scored, kind.mode) {
            recorder.minimize(loss);
        }
        let (input, prediction) = (input.id(), prediction.id());
        let scored = scored.map(|vars| vars.map(|var| var.id()));
        Ok(Plan { kind, tape: recorder.finish()?, input, prediction, scored })
    }

    /// Where a batch is written: inputs and targets.
    pub(super) fn batch_mut(&mut self) -> [&mut [f32]; 2] {
        match self.scored {
            Some([target, _]) => self.tape.input_slices(self.input, target),
            None => [self.tape.input_slice(self.input), &mut []],
        }
    }

    pub(super) fn run(&mut self, params: &Params, key: Key) {
        self.tape.run(params, key);
    }

    pub(super) fn predictions(&self) -> View<'_> {
        self.tape.view(self.prediction)
    }

    /// Adds the batch's loss and metrics to the means, and returns its loss.
    pub(super) fn score(&self, metrics: &[Box<dyn Metric>], means: &mut Means) -> f64 {
        let Some([target, loss]) = self.scored else { return f64::NAN };
        let loss = f64::from(self.tape.view(loss)[0]);
        means.loss.add(loss, self.kind.rows);
        let (prediction, target) = (self.predictions(), self.tape.view(target));
        for (metric, mean) in metrics.iter().zip(&mut means.metrics) {
            mean.add_sum(metric.sum(prediction, target), self.kind.rows);
        }
        loss
    }
}

/// The shape of one row's target.
pub(super) fn target_shape(target: Target) -> Shape {
    match target {
        Target::Label => Shape::SCALAR,
        Target::Values(shape) => shape,
    }
}

/// A model whose loss leaves a parameter unreached is refused before anybody waits for it. Which targets there will be is
/// not known yet, so the two kinds are tried.
pub(super) fn check_loss(network: &Network, params: &Params, loss: &dyn Loss) -> Result<()> {
    let output = network.output();
    let targets = [output, Shape::new(&output.sizes()[..output.rank().saturating_sub(1)])?];
    let Some(target) = targets.into_iter().find(|target| loss.check(output, *target).is_ok()) else { return Ok(()) };
    Plan::record(network, params, loss, Kind { mode: Mode::Training, rows: 2, target: Some(target) }).map(|_| ())
}

/// Running means of the loss and of each metric.
#[derive(Clone, Debug)]
pub(super) struct Means {
    loss: Mean,
    metrics: Vec<Mean>,
}

impl Means {
    pub(super) fn new(metrics: &[Box<dyn Metric>]) -> Means {
        Means { loss: Mean::default(), metrics: vec![Mean::default(); metrics.len()] }
    }

    /// Starts again.
    pub(super) fn clear(&mut self) {
        self.loss = Mean::default();
        self.metrics.fill(Mean::default());
    }

    /// Each with a name of its own.
    pub(super) fn named(&self) -> impl Iterator<Item = (String, &Mean)> {
        std::iter::once(&self.loss).chain(&self.metrics).enumerate().map(|(at, mean)| (format!("mean {at}"), mean))
    }

    /// The same, to change.
    pub(super) fn named_mut(&mut self) -> impl Iterator<Item = (String, &mut Mean)> {
        let all = std::iter::once(&mut self.loss).chain(&mut self.metrics);
        all.enumerate().map(|(at, mean)| (format!("mean {at}"), mean))
    }

    /// Writes the values over those in `scores`.
    pub(super) fn write(&self, scores: &mut Scores) {
        scores.loss = self.loss.value();
        scores.metrics.iter_mut().zip(&self.metrics).for_each(|((_, value), mean)| *value = mean.value());
    }
}

/// Scores with every name and no value yet.
pub(super) fn blank_scores(metrics: &[Box<dyn Metric>]) -> Scores {
    let named = metrics.iter().map(|metric| (metric.name().to_owned(), f64::NAN)).collect();
    Scores { loss: f64::NAN, metrics: named }
}

/// Plans that are not in use. Shared by threads that predict on one model.
#[derive(Debug, Default)]
pub(super) struct Plans(Mutex<Vec<Plan>>);

/// How many unused plans are kept.
const MOST_PLANS: usize = 8;

impl Plans {
    /// A kept plan of this kind, or else one that `record` makes.
    pub(super) fn take(&self, kind: Kind, record: impl FnOnce() -> Result<Plan>) -> Result<Plan> {
        let mut plans = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        let kept = plans.iter().position(|plan| plan.kind == kind).map(|at| plans.remove(at));
        drop(plans);
        kept.map_or_else(record, Ok)
    }

    /// Keeps a plan for later; the oldest goes when there are too many.
    pub(super) fn keep(&self, plan: Plan) {
        let mut plans = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        if plans.len() == MOST_PLANS {
            plans.remove(0);
        }
        plans.push(plan);
    }
}
