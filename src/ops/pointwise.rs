//! Elementwise losses: the mean of a function of predictions and targets, with optional sample weights.

use crate::error::{Error, Result};
use crate::shape::Shape;
use crate::shape::View;
use crate::tape::{Context, Gradients, Inputs, Op, Var};

/// The loss of one prediction and its target, with its derivative.
pub(super) trait Pointwise: Send + 'static {
    const NAME: &'static str;

    /// Whether the loss of a position is the sum over the last axis; otherwise it is the mean.
    const SUMS: bool = false;

    /// Reads all targets before the loss is computed, for losses that depend on their range.
    fn inspect_targets(&mut self, _targets: &[f32]) {}

    fn value(&self, p: f32, t: f32) -> f64;

    /// The derivative with respect to the prediction.
    fn slope(&self, p: f32, t: f32) -> f64;
}

/// Records the mean of the loss over all positions. The loss of each row or position is multiplied by its weight, if given.
pub(super) fn record<'r>(loss: impl Pointwise, p: Var<'r>, targets: Var<'r>, weights: Option<Var<'r>>) -> Var<'r> {
    let inputs: Vec<Var<'r>> = [p, targets].into_iter().chain(weights).collect();
    p.recorder().apply(PointwiseLoss(loss), &inputs)
}

struct PointwiseLoss<P>(P);

impl<P: Pointwise> PointwiseLoss<P> {
    /// The factor of the loss of each element: 1 / n for a mean of n.
    fn factor(p: Shape) -> f64 {
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
            return Err(Error::expected(
                "targets of the shape of the predictions, and optionally one weight per row or position",
            ));
        }
        Ok(Shape::SCALAR)
    }

    fn forward(&mut self, inputs: Inputs<'_>, y: &mut [f32], _context: Context<'_>) {
        let (p, t, weights) = (inputs.get(0), inputs.get(1), weights(inputs));
        self.0.inspect_targets(&t);
        let (loss, columns) = (&self.0, p.len() / weights.map_or(p.shape().axis(0), |weights| weights.len()));
        let rows = p.chunks_exact(columns).zip(t.chunks_exact(columns)).enumerate();
        let total = rows.fold(0.0, |total, (row, (p, t))| {
            let of_row = p.iter().zip(t).fold(0.0, |sum, (p, t)| sum + loss.value(*p, *t));
            total + f64::from(weight(weights, row)) * of_row
        });
        y[0] = (total * Self::factor(p.shape())) as f32;
    }

    fn backward(&mut self, inputs: Inputs<'_>, _y: &[f32], dy: &mut [f32], gradients: Gradients<'_>) {
        let (p, t, weights) = (inputs.get(0), inputs.get(1), weights(inputs));
        let Some(dp) = first(gradients, inputs.count()) else { return };
        let columns = p.len() / weights.map_or(p.shape().axis(0), |weights| weights.len());
        let factor = f64::from(dy[0]) * Self::factor(p.shape());
        let rows = p.chunks_exact(columns).zip(t.chunks_exact(columns)).zip(dp.chunks_exact_mut(columns));
        for (row, ((p, t), dp)) in rows.enumerate() {
            let factor = factor * f64::from(weight(weights, row));
            dp.iter_mut().zip(p).zip(t).for_each(|((dp, p), t)| *dp = (self.0.slope(*p, *t) * factor) as f32);
        }
    }
}

/// Whether the shapes are equal, or equal but for a last axis of size 1 of the predictions.
fn values_fit(predictions: Shape, targets: Shape) -> bool {
    targets == predictions || predictions.sizes().strip_suffix(&[1]) == Some(targets.sizes())
}

/// Whether the weights are one per row or per position along leading axes, with or without further axes of size 1, or not
/// given. The last axis of predictions with several axes has no weights.
pub(super) fn weights_fit(predictions: Shape, weights: &[Shape]) -> bool {
    match weights {
        [] => true,
        [weights] => {
            let axes = weights.sizes().iter().rposition(|size| *size != 1).map_or(0, |last| last + 1);
            let leading = predictions.sizes().starts_with(&weights.sizes()[..axes]) && axes < predictions.rank().max(2);
            leading && weights.sizes().first() == predictions.sizes().first()
        }
        _ => false,
    }
}

/// The weights, the third input; `None` if not given.
pub(super) fn weights(inputs: Inputs<'_>) -> Option<View<'_>> {
    (inputs.count() == 3).then(|| inputs.get(2))
}

/// The weight of a row or position; 1 if weights are not given.
pub(super) fn weight(weights: Option<View<'_>>, row: usize) -> f32 {
    weights.map_or(1.0, |weights| weights[row])
}

/// The gradient of the first of two or three inputs; `None` if it needs none.
pub(super) fn first(gradients: Gradients<'_>, inputs: usize) -> Option<&mut [f32]> {
    if inputs == 3 {
        let [first, _, _] = gradients.each();
        return first;
    }
    let [first, _] = gradients.each();
    first
}
