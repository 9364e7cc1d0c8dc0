//! y = gamma · (x − mean) / √(variance + epsilon) + beta over the last axis (Ioffe and Szegedy 2015).
//!
//! In training, mean and (biased) variance are computed from the batch, and the running statistics become
//! moving · momentum + batch · (1 − momentum) after each step, as in Keras (PyTorch's momentum is one minus this). In
//! inference, mean and variance are the running statistics. Gradients: [`kernels::normalize`](crate::kernels::normalize).

use crate::error::Result;
use crate::error::{Error, check_setting};
use crate::kernels::activation::Elementwise;
use crate::kernels::normalize::{self, Activated, ChunkSums};
use crate::shape::Shape;
use crate::sizes;
use crate::tape::{Context, Gradients, Inputs, Op, Origin, States, Var, arity};

/// The limit below which running statistics become 0, since arithmetic on denormal numbers is slow.
const FLUSH: f32 = 1e-30;

struct BatchNorm {
    activation: Elementwise,
    epsilon: f32,
    momentum: f32,
    /// Whether the last two inputs are the running mean and variance, which are updated after each step.
    moving: bool,
    mean: Vec<f32>,
    variance: Vec<f32>,
    scale: Vec<f32>,
    chunks: ChunkSums,
    /// Scratch for the gradients of gamma and beta if they need none.
    scratch: [Vec<f32>; 2],
}

impl BatchNorm {
    fn new(epsilon: f32, momentum: f32, moving: bool) -> BatchNorm {
        let [mean, variance, scale] = [const { Vec::new() }; 3];
        BatchNorm {
            activation: Elementwise::Linear,
            epsilon,
            momentum,
            moving,
            mean,
            variance,
            scale,
            chunks: ChunkSums::default(),
            scratch: [const { Vec::new() }; 2],
        }
    }
}

impl Op for BatchNorm {
    fn name(&self) -> &'static str {
        "batch_norm"
    }

    fn prepare(&mut self, inputs: &[Shape]) -> Result<Shape> {
        let [x, columns @ ..] = inputs else { return Err(Error::expected("an input")) };
        if self.moving {
            arity(inputs).map(|_: [Shape; 5]| ())?
        } else {
            arity(inputs).map(|_: [Shape; 3]| ())?
        }
        check_batch_norm(self.momentum, self.epsilon)?;
        check_columns(*x, columns)?;
        if x.rows() < 2 {
            let remedy = "at least two rows for the statistics; choose a batch size that does not leave a batch, or a shard \
                          of a batch, of one row";
            // Report only the shape of the input, as those of the statistics fit.
            return Err(Error::expected(remedy).of(*x));
        }
        let columns = || sizes::zeros(&[x.last()]);
        (self.mean, self.variance, self.scale) = (columns()?, columns()?, columns()?);
        self.scratch = [columns()?, columns()?];
        self.chunks = ChunkSums::new(x.rows(), x.last())?;
        Ok(*x)
    }

    fn forward(&mut self, inputs: Inputs<'_>, y: &mut [f32], _context: Context<'_>) {
        let [x, gamma, beta] = [0, 1, 2].map(|position| inputs.get(position));
        normalize::statistics(&x, &mut self.mean, &mut self.variance, &mut self.chunks);
        fill_scale(&self.variance, self.epsilon, &mut self.scale);
        normalize::forward(&x, [&self.mean, &self.scale, &gamma, &beta], self.activation, y);
    }

    fn backward(&mut self, inputs: Inputs<'_>, y: &[f32], dy: &mut [f32], gradients: Gradients<'_>) {
        let [x, gamma] = [0, 1].map(|position| inputs.get(position));
        let [mut dx, mut dgamma, mut dbeta] = [const { None }; 3];
        gradients.for_each(|position, gradient| match position {
            0 => dx = Some(gradient),
            1 => dgamma = Some(gradient),
            _ => dbeta = Some(gradient),
        });
        let [scratch_gamma, scratch_beta] = &mut self.scratch;
        let (dgamma, dbeta) = (dgamma.unwrap_or(scratch_gamma), dbeta.unwrap_or(scratch_beta));
        let activated = Activated { activation: self.activation, y };
        let sums = [&mut *dgamma, &mut *dbeta];
        normalize::backward_columns(&x, [&self.mean, &self.scale], activated, dy, sums, &mut self.chunks);
        if let Some(dx) = dx {
            normalize::backward_input(&x, dy, [&self.mean, &self.scale, &gamma], [dgamma, dbeta], &mut self.chunks, dx);
        }
    }

    fn states(&self) -> &[usize] {
        if self.moving { &[3, 4] } else { &[] }
    }

    fn update_states(&mut self, _inputs: Inputs<'_>, _y: &[f32], states: States<'_>) {
        update_moving(states, self.momentum, [&self.mean, &self.variance]);
    }

    fn fuse(&mut self, activation: Elementwise) -> bool {
        self.activation.replace_linear(activation)
    }
}

/// Updates the running mean and variance with those of the batch.
pub(in crate::ops) fn update_moving(states: States<'_>, momentum: f32, batch: [&[f32]; 2]) {
    for (moving, batch) in states.each::<2>().into_iter().zip(batch) {
        for (moving, batch) in moving.iter_mut().zip(batch) {
            let next = *moving * momentum + batch * (1.0 - momentum);
            *moving = if next.abs() < FLUSH { 0.0 } else { next };
        }
    }
}

/// Batch normalization with given statistics, which are constants.
struct BatchNormInference {
    activation: Elementwise,
    epsilon: f32,
    scale: Vec<f32>,
    chunks: ChunkSums,
    scratch: [Vec<f32>; 2],
}

impl Op for BatchNormInference {
    fn name(&self) -> &'static str {
        "batch_norm_inference"
    }

    fn prepare(&mut self, inputs: &[Shape]) -> Result<Shape> {
        let [x, gamma, beta, mean, variance] = arity(inputs)?;
        check_batch_norm(0.0, self.epsilon)?;
        check_columns(x, &[gamma, beta, mean, variance])?;
        let columns = || sizes::zeros(&[x.last()]);
        (self.scale, self.scratch) = (columns()?, [columns()?, columns()?]);
        self.chunks = ChunkSums::new(x.rows(), x.last())?;
        Ok(x)
    }

    fn forward(&mut self, inputs: Inputs<'_>, y: &mut [f32], _context: Context<'_>) {
        let [x, gamma, beta, mean, variance] = inputs.each();
        fill_scale(&variance, self.epsilon, &mut self.scale);
        normalize::forward(&x, [&mean, &self.scale, &gamma, &beta], self.activation, y);
    }

    fn backward(&mut self, inputs: Inputs<'_>, y: &[f32], dy: &mut [f32], gradients: Gradients<'_>) {
        let [x, gamma, _, mean, _] = inputs.each();
        let [dx, dgamma, dbeta, _, _] = gradients.each();
        let [scratch_gamma, scratch_beta] = &mut self.scratch;
        let (dgamma, dbeta) = (dgamma.unwrap_or(scratch_gamma), dbeta.unwrap_or(scratch_beta));
        let activated = Activated { activation: self.activation, y };
        let sums = [&mut *dgamma, &mut *dbeta];
        normalize::backward_columns(&x, [&mean, &self.scale], activated, dy, sums, &mut self.chunks);
        let Some(dx) = dx else { return };
        let columns = self.scale.len();
        for (dx, dy) in dx.chunks_exact_mut(columns).zip(dy.chunks_exact(columns)) {
            dx.iter_mut().enumerate().for_each(|(j, dx)| *dx = gamma[j] * self.scale[j] * dy[j]);
        }
    }

    fn fuse(&mut self, activation: Elementwise) -> bool {
        self.activation.replace_linear(activation)
    }
}

/// Computes 1 / √(variance + epsilon).
pub(in crate::ops) fn fill_scale(variance: &[f32], epsilon: f32, scale: &mut [f32]) {
    scale.iter_mut().zip(variance).for_each(|(scale, variance)| *scale = 1.0 / (variance + epsilon).sqrt());
}

/// Checks that each of `columns` has one value per channel of `x`.
fn check_columns(x: Shape, columns: &[Shape]) -> Result<()> {
    let fits = x.rank() >= 2 && columns.iter().all(|shape| *shape == Shape::from(x.last()));
    if fits { Ok(()) } else { Err(Error::expected("an input n × … × channels, and one value per channel")) }
}

/// Checks the settings.
pub(crate) fn check_batch_norm(momentum: f32, epsilon: f32) -> Result<()> {
    let fits = (0.0..=1.0).contains(&momentum);
    check_setting(fits, "BatchNorm", "momentum", f64::from(momentum), "≥ 0 and ≤ 1")?;
    check_setting(epsilon > 0.0 && epsilon.is_finite(), "BatchNorm", "epsilon", f64::from(epsilon), "finite and > 0")
}

impl<'r> Var<'r> {
    /// Normalizes each channel (the last axis) by the mean and the variance of the batch, multiplies by `gamma` and adds
    /// `beta`.
    ///
    /// `moving` are the running mean and variance: state parameters
    /// ([`Params::add_state`](crate::tape::Params::add_state)) with one value per channel.
    /// [`Tape::commit`](crate::tape::Tape::commit) sets them to moving · momentum + batch · (1 − momentum). A following
    /// [`affine`](Var::affine) is fused with the normalization if `self` needs no gradient.
    ///
    /// ```
    /// use gradus::{Key, tape::*};
    /// let recorder = Recorder::new(Mode::Training);
    /// let (x, gamma, beta) = (recorder.input([2, 1]), recorder.input([1]), recorder.input([1]));
    /// let y = x.batch_norm(gamma, beta, 0.99, 1e-3, None);
    /// let (x, gamma, beta, y) = (x.id(), gamma.id(), beta.id(), y.id());
    /// let mut tape = recorder.finish()?;
    /// tape.input_slices([x])[0].copy_from_slice(&[1.0, 3.0]);
    /// tape.input_slices([gamma])[0].copy_from_slice(&[2.0]);
    /// tape.input_slices([beta])[0].copy_from_slice(&[5.0]);
    /// tape.run(&Params::new(), Key::from_seed(0))?;
    /// let expected = [3.000_999_2, 6.999_000_8];
    /// assert!(tape.view(y).data().iter().zip(expected).all(|(y, expected): (&f32, f32)| (y - expected).abs() < 1e-5));
    /// # Ok::<(), gradus::Error>(())
    /// ```
    pub fn batch_norm(
        self,
        gamma: Var<'r>,
        beta: Var<'r>,
        momentum: f32,
        epsilon: f32,
        moving: Option<[Var<'r>; 2]>,
    ) -> Var<'r> {
        let op = BatchNorm::new(epsilon, momentum, moving.is_some());
        let normalized = match moving {
            Some([mean, variance]) => self.recorder().apply(op, &[self, gamma, beta, mean, variance]),
            None => self.recorder().apply(op, &[self, gamma, beta]),
        };
        normalized.with_origin(Origin::BatchNorm { x: self, gamma, beta, epsilon })
    }

    /// Normalizes each channel (the last axis) by a given mean and variance, multiplies by `gamma` and adds `beta`. The
    /// statistics get no gradient.
    ///
    /// ```
    /// use gradus::{Key, tape::*};
    /// let recorder = Recorder::new(Mode::Inference);
    /// let x = recorder.input([1, 1]);
    /// let [gamma, beta, mean, variance] = [(); 4].map(|()| recorder.input([1]));
    /// let y = x.batch_norm_inference([gamma, beta], [mean, variance], 1e-3);
    /// let (x, gamma, beta, mean, variance, y) = (x.id(), gamma.id(), beta.id(), mean.id(), variance.id(), y.id());
    /// let mut tape = recorder.finish()?;
    /// tape.input_slices([x])[0].copy_from_slice(&[4.0]);
    /// tape.input_slices([gamma])[0].copy_from_slice(&[1.0]);
    /// tape.input_slices([beta])[0].copy_from_slice(&[0.0]);
    /// tape.input_slices([mean])[0].copy_from_slice(&[2.0]);
    /// tape.input_slices([variance])[0].copy_from_slice(&[4.0]);
    /// tape.run(&Params::new(), Key::from_seed(0))?;
    /// let expected = [0.999_875];
    /// assert!(tape.view(y).data().iter().zip(expected).all(|(y, expected): (&f32, f32)| (y - expected).abs() < 1e-5));
    /// # Ok::<(), gradus::Error>(())
    /// ```
    pub fn batch_norm_inference(
        self,
        [gamma, beta]: [Var<'r>; 2],
        [mean, variance]: [Var<'r>; 2],
        epsilon: f32,
    ) -> Var<'r> {
        let op = BatchNormInference {
            activation: Elementwise::Linear,
            epsilon,
            scale: Vec::new(),
            chunks: ChunkSums::default(),
            scratch: Default::default(),
        };
        self.recorder().apply(op, &[self, gamma, beta, mean, variance])
    }
}

#[cfg(test)]
pub(in crate::ops) mod tests {
    use crate::tape::{Mode, Recorder};
    use crate::testing::Sample;
    use ndarray::arr1;

    pub(crate) fn samples() -> Vec<Sample> {
        vec![
            Sample::new(|x| x[0].batch_norm(x[1], x[2], 0.99, 1e-3, None)).variable([6, 5]).variable([5]).variable([5]),
            Sample::new(|x| x[0].batch_norm(x[1], x[2], 0.9, 1e-5, None))
                .variable([2, 3, 2, 2])
                .variable([2])
                .variable([2]),
            Sample::new(|x| x[0].batch_norm(x[1], x[2], 0.9, 1e-3, Some([x[3], x[4]])))
                .variable([4, 3])
                .variable([3])
                .variable([3])
                .state(arr1(&[0.5, -0.5, 1.0]))
                .state(arr1(&[2.0, 0.5, 1.0])),
            // Two operations with the same running statistics, as in a shared layer.
            Sample::new(|x| {
                let moving = Some([x[3], x[4]]);
                let y = x[0].batch_norm(x[1], x[2], 0.9, 1e-3, moving);
                y + (x[0] * 3.0).batch_norm(x[1], x[2], 0.5, 1e-3, moving)
            })
            .variable([4, 3])
            .variable([3])
            .variable([3])
            .state(arr1(&[0.5, -0.5, 1.0]))
            .state(arr1(&[2.0, 0.5, 1.0])),
            Sample::new(|x| x[0].batch_norm_inference([x[1], x[2]], [x[3], x[4]], 1e-3))
                .variable([3, 2])
                .variable([2])
                .variable([2])
                .input(arr1(&[0.5, -0.5]))
                .input(arr1(&[2.0, 0.5])),
        ]
    }

    #[test]
    fn a_single_row_is_rejected() {
        let recorder = Recorder::new(Mode::Training);
        let x = recorder.input([1, 5]);
        let _ = x.batch_norm(recorder.input([5]), recorder.input([5]), 0.99, 1e-3, None);
        let message = recorder.finish().unwrap_err().to_string();
        assert!(message.contains("at least two rows"), "{message}");
    }
}
