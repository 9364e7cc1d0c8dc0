//! What losses of pairs of elements share: a prediction and a target each, summed up with the rows' weights.

use crate::error::{Error, Result};
use crate::shape::Shape;
use crate::shape::View;
use crate::tape::{Context, Gradients, Inputs, Op, Var};

/// A loss of one prediction and its target, with its slope along the prediction.
pub(super) trait Pointwise: Send + 'static {
    const NAME: &'static str;

    /// Whether the loss of a position is the sum over the last axis; otherwise it is the mean.
    const SUMS: bool = false;

    /// Looks at all targets before a run, where the loss depends on their kind.
    fn look(&mut self, _targets: &[f32]) {}

    fn value(&self, p: f32, t: f32) -> f64;

    fn slope(&self, p: f32, t: f32) -> f64;
}

/// Records the mean over all positions; with weights, each row's loss is multiplied by its own before.
pub(super) fn record<'r>(loss: impl Pointwise, p: Var<'r>, targets: Var<'r>, weights: Option<Var<'r>>) -> Var<'r> {
    let inputs: Vec<Var<'r>> = [p, targets].into_iter().chain(weights).collect();
    p.recorder().apply(PointwiseLoss(loss), &inputs)
}

struct PointwiseLoss<P>(P);

impl<P: Pointwise> PointwiseLoss<P> {
    /// What an element's loss is multiplied by.
    fn share(p: Shape) -> f64 {
        1.0 / if P::SUMS { p.rows() } else { p.len() } as f64
    }
}

impl<P: Pointwise> Op for PointwiseLoss<P> {
    fn name(&self) -> &'static str {
        P::NAME
    }

    fn prepare(&mut self, inputs: &[Shape]) -> Result<Shape> {
        let [p, targets, weights @ ..] = inputs else { return Err(Error::expected("predictions and targets")) };
        if !values_fit(*p, *targets) || !weights_fit(*p, weights) {
            return Err(Error::expected("targets like the predictions, and perhaps one weight for each row"));
        }
        Ok(Shape::SCALAR)
    }

    fn forward(&mut self, inputs: Inputs<'_>, y: &mut [f32], _context: Context<'_>) {
        let (p, t, weights) = (inputs.get(0), inputs.get(1), weights(inputs));
        self.0.look(&t);
        let (loss, columns) = (&self.0, p.len() / p.shape().axis(0));
        let rows = p.chunks_exact(columns).zip(t.chunks_exact(columns)).enumerate();
        let total = rows.fold(0.0, |total, (row, (p, t))| {
            let of_row = p.iter().zip(t).fold(0.0, |sum, (p, t)| sum + loss.value(*p, *t));
            total + f64::from(weight(weights, row)) * of_row
        });
        y[0] = (total * Self::share(p.shape())) as f32;
    }

    fn backward(&mut self, inputs: Inputs<'_>, _y: &[f32], dy: &mut [f32], gradients: Gradients<'_>) {
        let (p, t, weights) = (inputs.get(0), inputs.get(1), weights(inputs));
        let Some(dp) = first(gradients, inputs.count()) else { return };
        let columns = p.len() / p.shape().axis(0);
        let share = f64::from(dy[0]) * Self::share(p.shape());
        let rows = p.chunks_exact(columns).zip(t.chunks_exact(columns)).zip(dp.chunks_exact_mut(columns));
        for (row, ((p, t), dp)) in rows.enumerate() {
            let share = share * f64::from(weight(weights, row));
            dp.iter_mut().zip(p).zip(t).for_each(|((dp, p), t)| *dp = (self.0.slope(*p, *t) * share) as f32);
        }
    }
}

/// Equal shapes, or targets that lack a last axis of 1.
fn values_fit(predictions: Shape, targets: Shape) -> bool {
    targets == predictions || predictions.sizes().strip_suffix(&[1]) == Some(targets.sizes())
}

/// One weight for each row, or none at all.
pub(super) fn weights_fit(predictions: Shape, weights: &[Shape]) -> bool {
    match weights {
        [] => true,
        [weights] => predictions.rank() > 0 && weights.sizes() == [predictions.axis(0)],
        _ => false,
    }
}

/// The third input, where there is one.
pub(super) fn weights(inputs: Inputs<'_>) -> Option<View<'_>> {
    (inputs.count() == 3).then(|| inputs.get(2))
}

pub(super) fn weight(weights: Option<View<'_>>, row: usize) -> f32 {
    weights.map_or(1.0, |weights| weights[row])
}

/// The gradient of the first of two or three inputs.
pub(super) fn first(gradients: Gradients<'_>, inputs: usize) -> Option<&mut [f32]> {
    if inputs == 3 {
        let [first, _, _] = gradients.each();
        return first;
    }
    let [first, _] = gradients.each();
    first
}
