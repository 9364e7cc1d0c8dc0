//! Batch normalization with statistics of the valid positions (Keras' `BatchNormalization` with a mask).
//!
//! mean = Σ m·x / (Σ m + 10⁻⁷) and variance = Σ m·(x − mean)² / (Σ m + 10⁻⁷) for each channel, where m is 1 for valid
//! positions and 0 for others. All positions are normalized.

use super::batch_norm::{check_batch_norm, update_moving};
use crate::error::{Error, Result};
use crate::shape::Shape;
use crate::tape::{Context, Gradients, Inputs, Op, States, Var, arity};

/// The constant that Keras adds to the number of valid positions.
const EPSILON: f32 = 1e-7;

/// Returns the mean, and updates the running statistics with mean and variance after each step.
struct MovingStatistics {
    momentum: f32,
}

impl Op for MovingStatistics {
    fn name(&self) -> &'static str {
        "moving_statistics"
    }

    fn prepare(&mut self, inputs: &[Shape]) -> Result<Shape> {
        let [mean, variance, moving @ ..] = arity::<4>(inputs)?;
        check_batch_norm(self.momentum, 1.0)?;
        let fits = mean == variance && moving.iter().all(|shape| *shape == Shape::from(mean.len()));
        if fits {
            Ok(mean)
        } else {
            Err(Error::expected("means and variances of each channel, and their running values"))
        }
    }

    fn forward(&mut self, inputs: Inputs<'_>, y: &mut [f32], _context: Context<'_>) {
        y.copy_from_slice(&inputs.get(0));
    }

    fn backward(&mut self, _inputs: Inputs<'_>, _y: &[f32], dy: &mut [f32], gradients: Gradients<'_>) {
        gradients.for_each(|position, gradient| match position {
            0 => gradient.copy_from_slice(dy),
            _ => gradient.fill(0.0),
        });
    }

    fn states(&self) -> &[usize] {
        &[2, 3]
    }

    fn update_states(&mut self, inputs: Inputs<'_>, _y: &[f32], states: States<'_>) {
        let [mean, variance] = [0, 1].map(|position| inputs.get(position));
        update_moving(states, self.momentum, [&mean, &variance]);
    }
}

impl<'r> Var<'r> {
    /// Normalizes each channel (the last axis) by the mean and the variance of the valid positions of the batch, multiplies
    /// by `gamma` and adds `beta`. The operation of [`BatchNorm`](crate::layers::BatchNorm) on a value with a mask.
    ///
    /// `mask` is 1 for valid positions and 0 for padding, and has all axes of the value but the last. Without valid positions,
    /// mean and variance are 0. `moving` are the running mean and variance, as in [`batch_norm`](Var::batch_norm).
    ///
    /// ```
    /// use gradus::{Key, tape::*};
    /// let recorder = Recorder::new(Mode::Training);
    /// let (x, mask) = (recorder.input([1, 3, 1]), recorder.input([1, 3]));
    /// let (gamma, beta) = (recorder.input([1]), recorder.input([1]));
    /// let y = x.masked_batch_norm(mask, [gamma, beta], 0.99, 1e-3, None);
    /// let (x, mask, gamma, y) = (x.id(), mask.id(), gamma.id(), y.id());
    /// let mut tape = recorder.finish()?;
    /// tape.input_slices([x])[0].copy_from_slice(&[1.0, 3.0, 2.0]);
    /// tape.input_slices([mask])[0].copy_from_slice(&[1.0, 1.0, 0.0]);
    /// tape.input_slices([gamma])[0].copy_from_slice(&[2.0]);
    /// tape.run(&Params::new(), Key::from_seed(0))?;
    /// let expected = [-1.999_000_8, 1.999_000_8, 0.0];
    /// assert!(tape.view(y).data().iter().zip(expected).all(|(y, expected): (&f32, f32)| (y - expected).abs() < 1e-5));
    /// # Ok::<(), gradus::Error>(())
    /// ```
    pub fn masked_batch_norm(
        self,
        mask: Var<'r>,
        [gamma, beta]: [Var<'r>; 2],
        momentum: f32,
        epsilon: f32,
        moving: Option<[Var<'r>; 2]>,
    ) -> Var<'r> {
        let (shape, recorder) = (self.shape(), self.recorder());
        let channels = shape.rank().saturating_sub(1);
        let fits = channels > 0 && mask.shape().sizes() == &shape.sizes()[..channels];
        let expected = || Error::expected(format!("a mask of all axes but the last of a value of {shape}"));
        let checked = check_batch_norm(momentum, epsilon);
        let positions = checked.and_then(|()| if fits { Ok(shape.with_axis(channels, 1)) } else { Err(expected()) });
        let mask = recorder.alias(mask, "masked_batch_norm", positions);
        let axes: Vec<isize> = (0..channels as isize).collect();
        let count = mask.sum_axes(&axes, true) + EPSILON;
        let mean = self.where_nonzero(mask).sum_axes(&axes, true) / count;
        let difference = (self - mean).where_nonzero(mask);
        let variance = (difference * difference).sum_axes(&axes, true) / count;
        let mean = match moving {
            None => mean,
            Some([moving_mean, moving_variance]) => {
                recorder.apply(MovingStatistics { momentum }, &[mean, variance, moving_mean, moving_variance])
            }
        };
        (self - mean) / (variance + epsilon).sqrt() * gamma + beta
    }
}

#[cfg(test)]
pub(in crate::ops) mod tests {
    use crate::Key;
    use crate::tape::{Mode, Params, Recorder};
    use crate::testing::Sample;
    use ndarray::{Array, arr2};

    /// Rows with 3, 1 and no valid steps.
    fn mask() -> ndarray::Array2<f32> {
        arr2(&[[1.0, 1.0, 1.0, 0.0], [0.0, 1.0, 0.0, 0.0], [0.0; 4]])
    }

    pub(crate) fn samples() -> Vec<Sample> {
        let shapes = |sample: Sample| sample.variable([3, 4, 2]).input(mask()).variable([2]).variable([2]);
        vec![shapes(Sample::new(|x| x[0].masked_batch_norm(x[1], [x[2], x[3]], 0.9, 1e-2, None)))]
    }

    #[test]
    fn running_statistics_are_those_of_the_valid_positions() {
        let mut params = Params::new();
        let mean = params.add_state("mean", &Array::from_elem(1, 1.0)).unwrap();
        let variance = params.add_state("variance", &Array::from_elem(1, 1.0)).unwrap();
        let recorder = Recorder::new(Mode::Training);
        let (x, valid) = (recorder.input([3, 4, 1]), recorder.input([3, 4]));
        let [gamma, beta] = [recorder.input([1]), recorder.input([1])];
        let moving = [recorder.parameter(&params, mean), recorder.parameter(&params, variance)];
        let _ = x.masked_batch_norm(valid, [gamma, beta], 0.5, 1e-3, Some(moving));
        let (x, valid) = (x.id(), valid.id());
        let mut tape = recorder.finish().unwrap();
        tape.input_mut(x).assign(&Array::from_shape_fn([3, 4, 1], |(i, j, _)| (4 * i + j) as f32));
        tape.input_mut(valid).assign(&mask());
        tape.run(&params, Key::from_seed(0)).unwrap();
        tape.commit(&mut params);
        // 0, 1, 2 and 5 are valid: mean 2, variance 3.5.
        assert!((params.values(mean)[0] - 1.5).abs() < 1e-6 && (params.values(variance)[0] - 2.25).abs() < 1e-6);
    }

    #[test]
    fn a_mask_of_other_axes_is_refused() {
        for mask in [&[3][..], &[3, 4, 2], &[4, 3]] {
            let recorder = Recorder::new(Mode::Training);
            let mask = recorder.input(crate::Shape::new(mask).unwrap());
            let [gamma, beta] = [recorder.input([2]), recorder.input([2])];
            let _ = recorder.input([3, 4, 2]).masked_batch_norm(mask, [gamma, beta], 0.5, 1e-3, None);
            let message = recorder.error().unwrap_or_default();
            assert!(message.starts_with("masked_batch_norm: found shape"), "{message}");
        }
    }
}
