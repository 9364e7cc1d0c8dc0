//! y = gamma · (x − mean) / √(variance + epsilon) + beta, with mean and biased variance of the last axis (Ba, Kiros and
//! Hinton 2016). Gradients: [`kernels::layer_norm`](crate::kernels::layer_norm).

use crate::error::{Error, Result, check_setting};
use crate::kernels::layer_norm::{self, Statistics};
use crate::kernels::matmul;
use crate::shape::Shape;
use crate::sizes;
use crate::tape::{Context, Gradients, Inputs, Op, Var};

struct LayerNorm {
    epsilon: f32,
    /// Whether gamma and beta are given.
    affine: [bool; 2],
    statistics: Vec<Statistics>,
    scratch: Vec<f32>,
}

impl LayerNorm {
    /// The positions of gamma and beta among the inputs.
    fn positions(&self) -> [Option<usize>; 2] {
        let [gamma, beta] = self.affine;
        [gamma.then_some(1), beta.then_some(1 + usize::from(gamma))]
    }
}

impl Op for LayerNorm {
    fn name(&self) -> &'static str {
        "layer_norm"
    }

    fn prepare(&mut self, inputs: &[Shape]) -> Result<Shape> {
        check_layer_norm(self.epsilon)?;
        let [x, columns @ ..] = inputs else { return Err(Error::expected("an input, and optionally gamma and beta")) };
        if x.rank() == 0 || columns.iter().any(|shape| *shape != Shape::from(x.last())) {
            return Err(Error::expected("an input with at least one axis, and one value per element of the last axis"));
        }
        (self.statistics, self.scratch) = (sizes::filled([0.0; 2], &[x.rows()])?, sizes::zeros(&[x.last()])?);
        Ok(*x)
    }

    fn forward(&mut self, inputs: Inputs<'_>, y: &mut [f32], _context: Context<'_>) {
        let (x, columns) = (inputs.get(0), self.scratch.len());
        layer_norm::statistics(&x, columns, self.epsilon, &mut self.statistics);
        let affine = self.positions().map(|position| position.map(|position| inputs.get(position).data()));
        layer_norm::forward(&x, columns, &self.statistics, affine, y);
    }

    fn backward(&mut self, inputs: Inputs<'_>, _y: &[f32], dy: &mut [f32], gradients: Gradients<'_>) {
        let (x, columns, dy) = (inputs.get(0), self.scratch.len(), &*dy);
        let [gamma, _] = self.positions();
        let values = gamma.map(|position| inputs.get(position).data());
        gradients.for_each(|position, gradient| match position {
            0 => layer_norm::backward_input([&x, dy], columns, &self.statistics, values, gradient),
            _ if Some(position) == gamma => {
                layer_norm::backward_gamma([&x, dy], columns, &self.statistics, gradient, &mut self.scratch);
            }
            _ => matmul::sum_rows(dy, columns, matmul::ROWS_PER_CHUNK, gradient),
        });
    }
}

/// Checks the settings.
pub(crate) fn check_layer_norm(epsilon: f32) -> Result<()> {
    check_setting(epsilon > 0.0 && epsilon.is_finite(), "LayerNorm", "epsilon", f64::from(epsilon), "finite and > 0")
}

impl<'r> Var<'r> {
    /// Normalizes the last axis by its mean and variance, multiplies by `gamma` and adds `beta`, if given. These have one
    /// value per element of the last axis.
    ///
    /// ```
    /// use gradus::{Key, tape::*};
    /// let recorder = Recorder::new(Mode::Inference);
    /// let x = recorder.input([1, 2]);
    /// let y = x.layer_norm(None, None, 1e-3);
    /// let (x, y) = (x.id(), y.id());
    /// let mut tape = recorder.finish()?;
    /// tape.input_slices([x])[0].copy_from_slice(&[1.0, 3.0]);
    /// tape.run(&Params::new(), Key::from_seed(0))?;
    /// let expected = [-0.999_500_4, 0.999_500_4];
    /// assert!(tape.view(y).data().iter().zip(expected).all(|(y, expected): (&f32, f32)| (y - expected).abs() < 1e-5));
    /// # Ok::<(), gradus::Error>(())
    /// ```
    pub fn layer_norm(self, gamma: Option<Var<'r>>, beta: Option<Var<'r>>, epsilon: f32) -> Var<'r> {
        let affine = [gamma.is_some(), beta.is_some()];
        let inputs: Vec<Var<'r>> = [Some(self), gamma, beta].into_iter().flatten().collect();
        self.recorder().apply(LayerNorm { epsilon, affine, statistics: Vec::new(), scratch: Vec::new() }, &inputs)
    }
}

#[cfg(test)]
pub(in crate::ops) mod tests {
    use crate::tape::{Mode, Recorder};
    use crate::testing::Sample;

    pub(crate) fn samples() -> Vec<Sample> {
        vec![
            Sample::new(|x| (x[0] * 5.0).layer_norm(Some(x[1]), Some(x[2]), 1e-3))
                .variable([3, 5])
                .variable([5])
                .variable([5]),
            Sample::new(|x| x[0].layer_norm(Some(x[1]), None, 0.1)).variable([2, 2, 9]).variable([9]),
            Sample::new(|x| x[0].layer_norm(None, Some(x[1]), 0.1)).variable([7]).variable([7]),
            Sample::new(|x| x[0].layer_norm(None, None, 0.1)).variable([4, 1]),
        ]
    }

    #[test]
    fn a_gamma_of_another_size_is_rejected() {
        let recorder = Recorder::new(Mode::Training);
        let (x, gamma) = (recorder.input([2, 3]), recorder.input([4]));
        let _ = recorder.scope("layer_normalization", || x.layer_norm(Some(gamma), None, 1e-3));
        let expected = "layer_normalization: layer_norm: found shapes 2 × 3 and 4, expected an input with at least one \
                        axis, and one value per element of the last axis";
        assert_eq!(recorder.finish().unwrap_err().to_string(), expected);
    }

    #[test]
    fn an_epsilon_of_zero_is_rejected() {
        let recorder = Recorder::new(Mode::Training);
        let _ = recorder.input([2, 3]).layer_norm(None, None, 0.0);
        assert_eq!(recorder.finish().unwrap_err().to_string(), "LayerNorm: epsilon must be finite and > 0, got 0");
    }
}
