//! Mean over rows of −Σᵢ tᵢ · ln clip(qᵢ), with q = p / Σ p clipped to 10⁻⁷ … 1 − 10⁻⁷: cross-entropy of probabilities
//! that are not known to be a softmax, as in Keras 3.
//!
//! With gᵢ = −tᵢ / qᵢ for q within these limits and 0 otherwise: dpᵢ = (gᵢ − Σⱼ gⱼ·qⱼ) / Σ p / rows · dy.

use super::softmax_crossentropy::{labels_fit, row_weights, targets, targets_fit};
use crate::error::{Error, Result};
use crate::kernels::math;
use crate::kernels::softmax::Targets;
use crate::ops::pointwise::first;
use crate::shape::Shape;
use crate::tape::{Context, Gradients, Inputs, Op, Var};

/// The epsilon of Keras.
const CLIP: f32 = 1e-7;

struct CategoricalCrossentropy;

impl Op for CategoricalCrossentropy {
    fn name(&self) -> &'static str {
        "categorical_crossentropy"
    }

    fn prepare(&mut self, inputs: &[Shape]) -> Result<Shape> {
        let [p, targets, weights @ ..] = inputs else { return Err(Error::expected("probabilities and targets")) };
        if targets_fit(*p, *targets, weights) {
            return Ok(Shape::SCALAR);
        }
        Err(Error::expected("probabilities n × classes, and targets n × classes (one-hot) or n (labels)"))
    }

    fn forward(&mut self, inputs: Inputs<'_>, y: &mut [f32], context: Context<'_>) {
        let (p, t, weights) = (inputs.get(0), inputs.get(1), row_weights(inputs));
        let (targets, columns) = (targets(p.shape(), t), p.shape().last());
        if !labels_fit(targets, t.shape(), columns, context) {
            return;
        }
        let mut total = 0.0;
        for (row, p) in p.chunks_exact(columns).enumerate() {
            let (sum, weight) = (sum(p), weights.of(row));
            total += targets.fold(row, columns, |column, t| {
                let q = (p[column] / sum).clamp(CLIP, 1.0 - CLIP);
                -weight * t * math::ln(f64::from(q)) as f32
            });
        }
        y[0] = total / p.shape().rows() as f32;
    }

    fn backward(&mut self, inputs: Inputs<'_>, _y: &[f32], dy: &mut [f32], gradients: Gradients<'_>) {
        let (p, t, weights) = (inputs.get(0), inputs.get(1), row_weights(inputs));
        let Some(dp) = first(gradients, inputs.count()) else { return };
        let (targets, columns) = (targets(p.shape(), t), p.shape().last());
        let scale = dy[0] / p.shape().rows() as f32;
        for (row, (p, dp)) in p.chunks_exact(columns).zip(dp.chunks_exact_mut(columns)).enumerate() {
            backward_row(targets, row, p, scale * weights.of(row), dp);
        }
    }
}

fn backward_row(targets: Targets<'_>, row: usize, p: &[f32], scale: f32, dp: &mut [f32]) {
    let sum = sum(p);
    dp.fill(0.0);
    let along = targets.fold(row, p.len(), |column, t| {
        let q = p[column] / sum;
        dp[column] = if (CLIP..=1.0 - CLIP).contains(&q) { -t / q } else { 0.0 };
        dp[column] * q
    });
    dp.iter_mut().for_each(|dp| *dp = (*dp - along) / sum * scale);
}

fn sum(p: &[f32]) -> f32 {
    p.iter().fold(0.0, |sum, p| sum + p)
}

impl<'r> Var<'r> {
    /// The mean categorical cross-entropy of probabilities for `targets`: one-hot rows or other probabilities, or integer
    /// labels. Targets get no gradient.
    ///
    /// Probabilities are normalized and clipped to 10⁻⁷ … 1 − 10⁻⁷. For logits,
    /// [`softmax_crossentropy`](Var::softmax_crossentropy) is exact.
    ///
    /// ```
    /// use gradus::{Key, tape::*};
    /// let recorder = Recorder::new(Mode::Inference);
    /// let (probabilities, targets) = (recorder.input([1, 2]), recorder.input([1]));
    /// let y = probabilities.categorical_crossentropy(targets);
    /// let (probabilities, targets, y) = (probabilities.id(), targets.id(), y.id());
    /// let mut tape = recorder.finish()?;
    /// tape.input_slices([probabilities])[0].copy_from_slice(&[0.25, 0.75]);
    /// tape.input_slices([targets])[0].copy_from_slice(&[1.0]);
    /// tape.run(&Params::new(), Key::from_seed(0))?;
    /// let expected = [0.287_682_1];
    /// assert!(tape.view(y).data().iter().zip(expected).all(|(y, expected): (&f32, f32)| (y - expected).abs() < 1e-6));
    /// # Ok::<(), gradus::Error>(())
    /// ```
    pub fn categorical_crossentropy(self, targets: Var<'r>) -> Var<'r> {
        self.categorical_crossentropy_of(targets, None)
    }

    pub(crate) fn categorical_crossentropy_of(self, targets: Var<'r>, weights: Option<Var<'r>>) -> Var<'r> {
        let inputs: Vec<Var<'r>> = [self, targets].into_iter().chain(weights).collect();
        self.recorder().apply(CategoricalCrossentropy, &inputs)
    }
}

#[cfg(test)]
pub(in crate::ops) mod tests {
    use crate::testing::Sample;
    use ndarray::{arr1, arr2};

    pub(crate) fn samples() -> Vec<Sample> {
        vec![
            Sample::new(|x| (x[0] * x[0] + 0.5).categorical_crossentropy(x[1]))
                .variable([3, 4])
                .input(arr1(&[2.0, 0.0, 3.0])),
            Sample::new(|x| (x[0] * x[0] + 0.5).categorical_crossentropy(x[1]))
                .variable([2, 3])
                .input(arr2(&[[0.0, 1.0, 0.0], [0.5, 0.2, 0.1]])),
            Sample::new(|x| (x[0] * x[0] + 0.5).categorical_crossentropy_of(x[1], Some(x[2])))
                .variable([2, 3])
                .input(arr1(&[2.0, 0.0]))
                .input(arr1(&[0.5, 3.0])),
        ]
    }
}
