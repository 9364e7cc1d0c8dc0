//! Learning rates that are constant between boundaries.

use super::checks::check_rate;
use crate::error::{Result, check_setting};
use crate::optimizers::schedule::Schedule;
use crate::settings::{FromSpec, options};
use crate::spec::Spec;

options! {
    /// Piecewise constant decay: values₀ while steps ≤ boundaries₀, then values₁ while steps ≤ boundaries₁, and so on, and the
    /// last value after the last boundary. `PiecewiseConstantDecay` in Keras.
    ///
    /// ```
    /// use gradus::optimizers::schedules::{PiecewiseConstantDecay, Schedule};
    /// let decay = PiecewiseConstantDecay::new(&[10, 20], &[0.5, 0.25, 0.125]);
    /// assert_eq!([0, 10, 11, 21].map(|steps| decay.rate(steps)), [0.5, 0.5, 0.25, 0.125]);
    /// ```
    ///
    /// # Errors
    /// `compile` returns [`Error::Setting`](crate::Error::Setting) if a setting is out of range.
    #[derive(Clone, Debug, PartialEq)]
    pub struct PiecewiseConstantDecay("PiecewiseConstantDecay") of (boundaries: Vec<usize>, values: Vec<f32>);
}

impl PiecewiseConstantDecay {
    /// Creates the schedule from boundaries in ascending order and one more learning rate than boundaries, each finite and
    /// ≥ 0.
    pub fn new(boundaries: &[usize], values: &[f32]) -> PiecewiseConstantDecay {
        PiecewiseConstantDecay::with_defaults(boundaries.to_vec(), values.to_vec())
    }
}

impl Schedule for PiecewiseConstantDecay {
    fn rate(&self, steps: u64) -> f32 {
        let passed = self.boundaries.iter().take_while(|boundary| steps > **boundary as u64).count();
        self.values.get(passed).copied().unwrap_or(0.0)
    }

    fn check(&self) -> Result<()> {
        let (boundaries, values) = (&self.boundaries, &self.values);
        let fits = values.len() == boundaries.len() + 1;
        let expected = "one more in number than the boundaries";
        check_setting(fits, Self::CLASS, "values", values.len(), expected)?;
        let back = boundaries.windows(2).find(|pair| pair[0] >= pair[1]).map(|pair| pair[1]);
        check_setting(back.is_none(), Self::CLASS, "boundaries", back.unwrap_or(0), "in ascending order")?;
        values.iter().try_for_each(|value| check_rate(Self::CLASS, "values", *value))
    }

    fn spec(&self) -> Spec {
        self.write_options(Spec::new(Self::CLASS))
    }
}

#[cfg(test)]
pub(super) mod tests {
    use super::*;

    pub(crate) fn samples() -> Vec<Box<dyn Schedule>> {
        let steps = PiecewiseConstantDecay::new(&[10, 20], &[0.1, 0.5, 1.0]);
        vec![Box::new(steps), Box::new(PiecewiseConstantDecay::new(&[], &[0.25]))]
    }

    #[test]
    fn a_boundary_belongs_to_the_interval_before_it() {
        let steps = PiecewiseConstantDecay::new(&[10, 20], &[0.1, 0.5, 1.0]);
        assert_eq!([0, 10, 11, 20, 21].map(|at| steps.rate(at)), [0.1, 0.1, 0.5, 0.5, 1.0]);
    }
}
