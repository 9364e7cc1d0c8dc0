//! Evaluation: the loss and the metrics over a dataset, without learning.

use super::plan::{Kind, Means, Plan, blank_scores, target_shape};
use super::{Model, plan};
use crate::data::{Batches, Dataset};
use crate::error::{Error, Result};
use crate::metrics::Scores;
use crate::random::Key;
use crate::shape::Shape;
use crate::tape::Mode;

/// Rows in a batch while inferring. A row's prediction does not depend on it.
pub(super) const ROWS: usize = 128;

impl Model {
    /// The mean loss and metrics over all rows of a dataset.
    ///
    /// # Errors
    /// Inputs or targets that do not fit the model, labels that are not classes, an empty dataset.
    pub fn evaluate(&self, data: &dyn Dataset) -> Result<Scores> {
        let mut evaluation = self.evaluation(data)?;
        self.threads.run(|| evaluation.run(self, data));
        let scores = evaluation.scores.clone();
        evaluation.plans.into_iter().for_each(|plan| self.plans.keep(plan));
        Ok(scores)
    }

    /// Checks the dataset and records or takes the plans for it.
    pub(super) fn evaluation(&self, data: &dyn Dataset) -> Result<Evaluation> {
        self.check_data(data)?;
        let batches = Batches::new(data.len(), ROWS)?;
        let plans = self.take_plans(Mode::Inference, &batches, target_shape(data.target()))?;
        Ok(Evaluation { batches, plans, means: Means::new(&self.metrics), scores: blank_scores(&self.metrics) })
    }

    /// Plans for the full batches and, if its size differs, for the last one.
    pub(super) fn take_plans(&self, mode: Mode, batches: &Batches, target: Shape) -> Result<Vec<Plan>> {
        let mut sizes = vec![batches.batch(0).len(), batches.batch(batches.len() - 1).len()];
        sizes.dedup();
        let plan = |rows: usize| {
            let kind = Kind { mode, rows, target: Some(target) };
            self.plans.take(kind, || Plan::record(&self.network, &self.params, self.loss.as_ref(), kind))
        };
        sizes.into_iter().map(plan).collect()
    }

    /// Whether a dataset's rows fit the model.
    pub(super) fn check_data(&self, data: &dyn Dataset) -> Result<()> {
        if data.is_empty() {
            return Err(Error::Empty { what: "the dataset".into() });
        }
        check_input(data.input_shape(), self.network.input)?;
        let (output, target) = (self.network.output(), target_shape(data.target()));
        self.loss.check(output, target).map_err(|error| error.at(|| "targets".into(), &[target, output]))?;
        data.check(output.last())
    }
}

/// Equal shapes, or ones that differ only by a last axis of 1, which is added or taken away as in Keras.
pub(super) fn check_input(found: Shape, model: Shape) -> Result<()> {
    let trimmed = |shape: Shape| {
        let sizes = shape.sizes();
        Shape::new(sizes.strip_suffix(&[1]).unwrap_or(sizes))
    };
    if found == model || (trimmed(found)? == trimmed(model)? && found.rank().abs_diff(model.rank()) == 1) {
        return Ok(());
    }
    let expected = format!("{model}, the model's input; reshape the dataset or put Reshape first");
    Err(Error::expected(expected).at(|| "inputs per sample".into(), &[found]))
}

/// An evaluation that can be run again.
pub(super) struct Evaluation {
    batches: Batches,
    plans: Vec<Plan>,
    means: plan::Means,
    pub(super) scores: Scores,
}

impl Evaluation {
    pub(super) fn run(&mut self, model: &Model, data: &dyn Dataset) {
        self.means.clear();
        for rows in self.batches.iter() {
            let plan = select(&mut self.plans, rows.len());
            let [inputs, targets] = plan.batch_mut();
            data.gather(rows, inputs, targets);
            plan.run(&model.params, Key::from_seed(0));
            plan.score(&model.metrics, &mut self.means);
        }
        self.means.write(&mut self.scores);
    }

    pub(super) fn into_plans(self) -> Vec<Plan> {
        self.plans
    }
}

/// The plan for a batch of so many rows.
pub(super) fn select(plans: &mut [Plan], rows: usize) -> &mut Plan {
    let at = plans.iter().position(|plan| plan.kind.rows == rows);
    &mut plans[at.expect("a plan was recorded for each size of batch")]
}
