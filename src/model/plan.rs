//! A recorded tape for one batch size, sizes of open axes and mode, with the ids of its inputs and outputs.

use super::constraints::ConstraintTape;
use super::loss_means::{BatchLoss, OutputLoss};
use super::scoring::{Means, MetricInputs};
use super::trained_outputs::TrainedOutput;
use crate::accepts::{self, TargetKind};
use crate::architecture::Architecture;
use crate::data::Target;
use crate::error::{Error, Result};
use crate::metrics::{Metric, ScoredBatch};
use crate::optimizers::{OptimizerState, Step};
use crate::random::Key;
use crate::shape::{Shape, View};
use crate::tape::{Mode, Origin, ParamGradients, Params, Recorder, Tape, ValueId, Var};

/// The properties for which a plan is recorded.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) struct Kind {
    pub(super) mode: Mode,
    /// Whether the rows are one of several shards of a batch, so that the loss has factors.
    pub(super) is_shard: bool,
    pub(super) rows: usize,
    /// The shape of one sample of each input.
    pub(super) inputs: Vec<Shape>,
    /// The target of one row for each trained output, as its loss reads it. Empty if no loss is computed.
    pub(super) targets: Vec<Target>,
    /// The target of one row for each trained output, as the dataset has it.
    pub(super) gathered: Vec<Target>,
    /// Whether rows have weights in the loss of each trained output.
    pub(super) weighted: Vec<bool>,
}

impl Kind {
    /// The forward pass without a loss for `rows` rows of inputs of these shapes.
    pub(super) fn forward(rows: usize, inputs: Vec<Shape>) -> Kind {
        let (targets, gathered) = (Vec::new(), Vec::new());
        Kind { mode: Mode::Inference, is_shard: false, rows, inputs, targets, gathered, weighted: Vec::new() }
    }
}

/// A recorded forward pass, with the loss in plans for training and evaluation.
#[derive(Debug)]
pub(super) struct Plan {
    pub(super) kind: Kind,
    pub(super) tape: Tape,
    inputs: Vec<ValueId>,
    /// The outputs in the model's order.
    outputs: Vec<ValueId>,
    /// The mask of each output, if it has one.
    pub(super) masks: Vec<Option<ValueId>>,
    targets: Vec<ValueId>,
    /// The label that the loss of each trained output ignores, if it has labels.
    pub(super) ignored: Vec<Option<f32>>,
    /// The sample weights of each trained output, if it has any.
    weights: Vec<Option<ValueId>>,
    /// The unweighted loss of each trained output, and the weighted sum with penalties.
    losses: Vec<ValueId>,
    loss: Option<ValueId>,
    /// The constraints on weights, in plans for training.
    constraints: Option<ConstraintTape>,
    /// The penalties on weights, if there are any.
    penalty: Option<ValueId>,
    /// The factors of the losses that a shard minimizes: of each trained output, of the losses that layers add, and of the
    /// penalties on weights.
    pub(super) factors: Vec<ValueId>,
    /// The steps that compute the masks of a shard.
    pub(super) mask_steps: Vec<usize>,
}

impl Plan {
    pub(super) fn record(architecture: &Architecture, trained_outputs: &[TrainedOutput], kind: Kind) -> Result<Plan> {
        let recorder = Recorder::new(kind.mode);
        let fresh = |shape: Shape| shape.batch(kind.rows).map(|shape| recorder.input(shape));
        let inputs = kind.inputs.iter().map(|input| fresh(*input)).collect::<Result<Vec<Var<'_>>>>()?;
        let targets = kind.targets.iter().map(|target| fresh(target.shape())).collect::<Result<Vec<Var<'_>>>>()?;
        // With the number of axes of the output, so that they broadcast along the other axes.
        let fresh_weights = |trained: &TrainedOutput| {
            let axes = vec![1; architecture.output(trained.output).rank()];
            fresh(Shape::new(&axes)?).map(|weights| weights.with_origin(Origin::SampleWeights))
        };
        let weighted = trained_outputs.iter().zip(&kind.weighted);
        let weights = weighted.map(|(trained, weighted)| weighted.then(|| fresh_weights(trained)).transpose());
        let weights = weights.collect::<Result<Vec<Option<Var<'_>>>>>()?;
        let outputs = architecture.record(&recorder, &inputs)?;
        let trained = trained_outputs.iter().zip(&targets).zip(&weights);
        let losses: Vec<Var<'_>> =
            trained.map(|((trained, target), weights)| trained.record(&outputs, *target, *weights)).collect();
        let penalties = if losses.is_empty() { Vec::new() } else { architecture.record_penalties(&recorder) };
        let added = if losses.is_empty() { Vec::new() } else { recorder.added_losses() };
        let penalty = sum(penalties.iter().chain(&added).copied());
        let loss = sum(total(trained_outputs, &losses).into_iter().chain(penalty));
        let mut factors = Vec::new();
        let mut minimized = loss.filter(|_| kind.mode == Mode::Training);
        if kind.is_shard {
            let losses = trained_outputs.iter().zip(&losses).map(|(trained, loss)| Some(trained.weighted(*loss)));
            let parts: Vec<Option<Var<'_>>> = losses.chain([sum(added), sum(penalties)]).collect();
            (factors, minimized) = with_factors(&recorder, &parts);
        }
        minimized.into_iter().for_each(|loss| recorder.minimize(loss));
        let masks: Vec<Option<Var<'_>>> = outputs.iter().map(|output| output.mask()).collect();
        let ids = |vars: &[Var<'_>]| vars.iter().map(Var::id).collect();
        let [inputs, outputs, targets, losses] = [&inputs, &outputs, &targets, &losses].map(|vars| ids(vars));
        let id = |var: Option<Var<'_>>| var.map(|var| var.id());
        let masks: Vec<Option<ValueId>> = masks.into_iter().map(id).collect();
        let (weights, loss, penalty) = (weights.into_iter().map(id).collect(), id(loss), id(penalty));
        let ignored_label = |(trained, target): (&TrainedOutput, &Target)| match target {
            Target::Labels(_) => trained.loss.accepts(architecture.output(trained.output)).ignored,
            Target::Values(_) => None,
        };
        let ignored = trained_outputs.iter().zip(&kind.targets).map(ignored_label);
        let ignored = ignored.map(|label| label.map(|label| label as f32)).collect();
        let tape = match kind.mode {
            Mode::Training => recorder.finish()?,
            Mode::Inference => recorder.finish_with_shared_values()?,
        };
        let constraints = match kind.mode {
            Mode::Training if !kind.is_shard => ConstraintTape::record(architecture)?,
            _ => None,
        };
        let masks_of_losses = trained_outputs.iter().filter_map(|trained| masks[trained.output]);
        let mask_steps = if kind.is_shard { tape.steps_to(masks_of_losses) } else { Vec::new() };
        Ok(Plan {
            kind,
            tape,
            inputs,
            outputs,
            masks,
            targets,
            ignored,
            weights,
            losses,
            loss,
            penalty,
            factors,
            mask_steps,
            constraints,
        })
    }

    /// The properties for which the plan was recorded.
    pub(super) fn kind(&self) -> &Kind {
        &self.kind
    }

    pub(super) fn mode(&self) -> Mode {
        self.kind.mode
    }

    /// The approximate number of bytes of the values and gradients.
    pub(super) fn bytes(&self) -> usize {
        self.tape.bytes() + self.constraints.as_ref().map_or(0, ConstraintTape::bytes)
    }

    /// The batch of the input with this number, mutably.
    pub(super) fn input_mut(&mut self, input: usize) -> &mut [f32] {
        let [values] = self.tape.input_slices([self.inputs[input]]);
        values
    }

    /// The targets of a trained output, mutably.
    pub(super) fn targets_mut(&mut self, trained: usize) -> &mut [f32] {
        let [values] = self.tape.input_slices([self.targets[trained]]);
        values
    }

    /// The first input and the targets of the first trained output, mutably.
    pub(super) fn batch_mut(&mut self) -> [&mut [f32]; 2] {
        self.tape.input_slices([self.inputs[0], self.targets[0]])
    }

    /// The targets and sample weights of a trained output, mutably, or `None` without sample weights.
    pub(super) fn targets_and_weights_mut(&mut self, trained: usize) -> Option<[&mut [f32]; 2]> {
        let weights = self.weights[trained]?;
        Some(self.tape.input_slices([self.targets[trained], weights]))
    }

    pub(super) fn run(&mut self, params: &Params, key: Key) -> Result<()> {
        self.tape.run(params, key)
    }

    /// Writes the states that the last run computed to the parameters.
    pub(super) fn commit(&mut self, params: &mut Params) {
        self.tape.commit(params);
    }

    /// Updates the parameters after a run: trainable ones by the optimizer and then by their constraints, running statistics
    /// with the values that the run computed. `key` is that of the run.
    ///
    /// # Errors
    /// An operation of a constraint encounters an invalid value.
    pub(super) fn update(
        &mut self,
        step: Step,
        optimizer: &mut OptimizerState,
        params: &mut Params,
        gradients: &mut ParamGradients,
        key: Key,
    ) -> Result<()> {
        if self.tape.has_gradients() {
            optimizer.backward_and_update(step, &mut self.tape, params, gradients);
        }
        self.tape.commit(params);
        self.constraints.as_mut().map_or(Ok(()), |constraints| constraints.apply(params, key))
    }

    /// The source of the first NaN or infinite value if the loss of the last run is not finite. It must be called before the
    /// parameters change.
    pub(super) fn not_finite(&self, params: &Params) -> Option<String> {
        let broken = self.loss.is_some_and(|loss| !self.tape.view(loss)[0].is_finite());
        if broken { self.tape.first_not_finite(params) } else { None }
    }

    /// Whether the plan was recorded with these parameters. Freezing a layer replaces the parameters of a model.
    pub(super) fn is_of(&self, params: &Params) -> bool {
        self.tape.is_of(params)
    }

    pub(super) fn output(&self, output: usize) -> View<'_> {
        self.tape.view(self.outputs[output])
    }

    /// The mask of an output; `None` if it has none.
    pub(super) fn mask(&self, output: usize) -> Option<View<'_>> {
        self.masks[output].map(|mask| self.tape.view(mask))
    }

    /// The number of positions over which the loss of a trained output is a mean: those that its mask marks as valid and
    /// whose label is not ignored. `None` if it has no mask and ignores no label.
    pub(super) fn valid_positions(&self, number: usize, trained: &TrainedOutput) -> Option<usize> {
        let (output, mask) = (self.output(trained.output), self.mask(trained.output));
        let ignored = self.ignored[number];
        if mask.is_none() && ignored.is_none() {
            return None;
        }
        let positions = output.len() / output.shape().last();
        let labels = self.tape.view(self.targets[number]);
        let part = mask.map_or(1, |mask| positions / mask.len());
        let valid = |at: &usize| mask.is_none_or(|mask| mask[at / part] != 0.0);
        Some((0..positions).filter(valid).filter(|at| ignored.is_none_or(|label| labels[*at] != label)).count())
    }

    /// Adds the loss and the metrics of the batch to the means.
    pub(super) fn score(&self, trained_outputs: &[TrainedOutput], means: &mut Means) {
        let Some(loss) = self.loss else { return };
        let number = |id: ValueId| f64::from(self.tape.view(id)[0]);
        let batch = BatchLoss { loss: number(loss), penalty: self.penalty.map_or(0.0, number), rows: self.kind.rows };
        let losses = trained_outputs.iter().zip(&self.losses).enumerate();
        let losses = losses
            .map(|(at, (trained, loss))| OutputLoss { loss: number(*loss), valid: self.valid_positions(at, trained) });
        means.losses.add(batch, losses);
        means.add_metrics(trained_outputs, |trained| {
            let (outputs, targets) =
                (self.output(trained_outputs[trained].output), self.tape.view(self.targets[trained]));
            let batch = match self.kind.targets[trained] {
                Target::Labels(_) => ScoredBatch::labels(outputs, targets),
                Target::Values(_) => ScoredBatch::values(outputs, targets),
            };
            let weights = self.weights[trained].map(|id| self.tape.view(id));
            let mask = self.mask(trained_outputs[trained].output);
            MetricInputs { batch: batch.scale(trained_outputs[trained].loss.output_scale()), weights, mask }
        });
    }
}

impl TrainedOutput {
    /// The loss of the output times its loss weight.
    fn weighted<'r>(&self, loss: Var<'r>) -> Var<'r> {
        if self.weight == 1.0 { loss } else { loss * self.weight }
    }

    /// Records the loss of the output, which ignores the padding that a mask of the output marks.
    pub(super) fn record<'r>(&self, outputs: &[Var<'r>], target: Var<'r>, weights: Option<Var<'r>>) -> Var<'r> {
        let output = outputs[self.output];
        if is_softmax_of_one(output) {
            let expected = "an output that depends on the inputs: a softmax over a single output is always 1; take a sigmoid \
                            with BinaryCrossentropy, or two outputs or more";
            output.recorder().fail(Error::expected(expected).at(|| "output".into(), &[output.shape().sample()]));
        }
        let loss = output.recorder().scope("loss", || {
            let weights = match output.mask() {
                None => weights,
                Some(mask) => Some(self.valid_weights([output, target], mask, weights)),
            };
            match weights {
                None => self.loss.record(output, target),
                Some(weights) => self.loss.record_weighted(output, target, weights),
            }
        });
        if loss.shape().len() != 1 {
            let expected = Error::expected("a scalar; apply mean to the errors of the rows");
            output.recorder().fail(expected.at(|| format!("loss {}", self.loss.spec().class()), &[loss.shape()]));
        }
        loss
    }

    /// The weights of the elements of the mask of an output, with the number of axes of the output. As in Keras, valid ones
    /// have the number of all elements divided by that of valid ones, times the sample weight of their row, and the others 0.
    fn valid_weights<'r>(&self, [output, target]: [Var<'r>; 2], mask: Var<'r>, weights: Option<Var<'r>>) -> Var<'r> {
        let (recorder, shape, axes) = (output.recorder(), output.shape(), mask.shape().rank());
        let has_steps = target.shape().sizes().starts_with(mask.shape().sizes());
        let part = shape.without_sizes(axes).sample();
        let scores_parts = |metric: &dyn Metric| has_steps && metric.totals(part) == metric.totals(shape.sample());
        if axes >= shape.rank() {
            let expected =
                Error::expected("a mask without the last axis of the output, since a loss is a mean over it");
            recorder.fail(expected.at(|| "output".into(), &[mask.shape()]));
        } else if let Some(metric) = self.all_metrics().find(|metric| !scores_parts(*metric)) {
            let problem = "it has totals or targets for whole rows only, so it cannot ignore the padding that the mask of the \
                           output marks; remove the metric";
            let place = format!("metric {}", metric.spec().class());
            recorder.fail(Error::Graph { place, problem: problem.into() });
        }
        let positions = (axes..shape.rank()).fold(shape, |positions, axis| positions.with_axis(axis, 1));
        let share = mask.shape().len() as f32 / mask.sum().clip(1.0, f32::MAX);
        let valid = recorder.alias(mask, "mask", Ok(positions)) * share;
        weights.map_or(valid, |weights| weights * valid).with_origin(Origin::SampleWeights)
    }
}

/// Whether a value is a softmax or log-softmax over a single element, and hence constant, even after a reshape or
/// dropout.
fn is_softmax_of_one(value: Var<'_>) -> bool {
    match value.operation() {
        Some(("softmax" | "log_softmax", inputs)) => inputs[0].shape().last() == 1,
        Some(("dropout", inputs)) => is_softmax_of_one(inputs[0]),
        _ => false,
    }
}

/// The sum of the weighted losses, Σ wᵢ · lossᵢ, in the order of the trained outputs.
fn total<'r>(trained_outputs: &[TrainedOutput], losses: &[Var<'r>]) -> Option<Var<'r>> {
    sum(trained_outputs.iter().zip(losses).map(|(trained, loss)| trained.weighted(*loss)))
}

fn sum<'r>(values: impl IntoIterator<Item = Var<'r>>) -> Option<Var<'r>> {
    values.into_iter().reduce(|sum, value| sum + value)
}

/// Records the loss that a shard minimizes, in which each part has a factor: the losses of the trained outputs, those that
/// layers added, and the penalties on weights. Returns the factors too.
fn with_factors<'r>(recorder: &'r Recorder, parts: &[Option<Var<'r>>]) -> (Vec<ValueId>, Option<Var<'r>>) {
    let factors: Vec<Var<'r>> = parts.iter().map(|_| recorder.input(Shape::SCALAR)).collect();
    let multiplied = parts.iter().zip(&factors).filter_map(|(part, factor)| part.map(|part| part * *factor));
    (factors.iter().map(Var::id).collect(), sum(multiplied))
}

/// Checks that the loss reaches every trainable parameter, so that errors occur before training. The targets are
/// unknown at this point, so the kinds that the losses accept are tried.
pub(super) fn check_loss(architecture: &Architecture, trained_outputs: &[TrainedOutput]) -> Result<()> {
    let (mut targets, mut known) = (Vec::new(), true);
    for trained in trained_outputs {
        let output = architecture.output(trained.output);
        let candidates = [Target::Values(output), Target::Labels(accepts::positions(output))];
        let mut readings =
            candidates.into_iter().filter_map(|target| trained.loss.accepts(output).read(output, target));
        let Some(reading) = readings.next() else { return Ok(()) };
        targets.push(reading.target);
        known &= reading.kind != TargetKind::Any;
    }
    let rows = architecture.params().carried_rows().unwrap_or(2);
    let (weighted, inputs) = (vec![false; trained_outputs.len()], architecture.accepted_inputs().to_vec());
    let gathered = targets.clone();
    let kind = Kind { mode: Mode::Training, is_shard: false, rows, inputs, gathered, targets, weighted };
    match Plan::record(architecture, trained_outputs, kind) {
        // The loss may accept other targets than the ones tried.
        Err(error) if known || matches!(error, Error::Unreached { .. }) => Err(error),
        _ => Ok(()),
    }
}
#[cfg(test)]
mod tests;
