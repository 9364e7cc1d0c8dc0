//! Checks of optimizers.

use super::fail;
use crate::error::Result;
use crate::optimizers::{LearningRate, MAX_STATE_ARRAYS, Optimizer, ParamSlice, Step};
use crate::settings::FromSpec;
use crate::spec::Spec;

/// Checks that an optimizer
///
/// - accepts its settings and has at most [`MAX_STATE_ARRAYS`] state arrays;
/// - can be made from its spec, and rejects unknown settings;
/// - descends a parabola at its learning rate, and stays finite if the gradient is 0;
/// - gives the same bits when arrays are split into pieces, as for threads, and when it runs again.
///
/// ```
/// use gradus::optimizers::{Optimizer, ParamSlice, Step};
/// use gradus::{FromSpec, Result, Settings, Spec, testing::check_optimizer};
///
/// /// A step of the learning rate against the gradient's sign.
/// #[derive(Debug)]
/// struct SignDescent {
///     learning_rate: f32,
/// }
///
/// impl Optimizer for SignDescent {
///     fn update(&self, step: Step, slice: ParamSlice<'_>) {
///         let pairs = slice.values.iter_mut().zip(slice.gradient).filter(|(_, g)| **g != 0.0);
///         pairs.for_each(|(w, g)| *w -= step.learning_rate * g.signum());
///     }
///     fn spec(&self) -> Spec {
///         Spec::new(Self::CLASS).with("learning_rate", self.learning_rate)
///     }
/// }
///
/// impl FromSpec for SignDescent {
///     const CLASS: &'static str = "SignDescent";
///     fn from_spec(settings: &mut Settings<'_>) -> Result<SignDescent> {
///         Ok(SignDescent { learning_rate: settings.float("learning_rate")? })
///     }
/// }
///
/// check_optimizer(SignDescent { learning_rate: 0.01 })?;
/// # Ok::<(), gradus::Error>(())
/// ```
///
/// # Errors
/// The first violation.
pub fn check_optimizer<O: Optimizer + FromSpec + 'static>(optimizer: O) -> Result<()> {
    check_made(&optimizer, |spec| Ok(Box::new(spec.make::<O>()?)))
}

/// Checks an optimizer of dynamic type.
pub(crate) fn check_made(optimizer: &dyn Optimizer, make: fn(&Spec) -> Result<Box<dyn Optimizer>>) -> Result<()> {
    optimizer.check()?;
    optimizer.options()?.check(optimizer.spec().class().to_owned())?;
    let arrays = optimizer.initial_state().len();
    if arrays > MAX_STATE_ARRAYS {
        return fail(&optimizer, format_args!("it has {arrays} state arrays, expected at most {MAX_STATE_ARRAYS}"));
    }
    let spec = optimizer.spec();
    let made = make(&spec)?;
    if made.spec() != spec || bits(made.as_ref(), usize::MAX) != bits(optimizer, usize::MAX) {
        return fail(&optimizer, format_args!("its spec {spec} makes a different optimizer, {made:?}"));
    }
    if make(&spec.with("a setting of this name", true)).is_ok() {
        return fail(&optimizer, "it accepts an unknown setting; read settings by name");
    }
    let length = |values: &[f32]| values.iter().map(|value| value * value).sum::<f32>();
    let (start, end) = (length(&run(optimizer, 0, usize::MAX)), length(&run(optimizer, 200, usize::MAX)));
    let down = end < start; // not where it is NaN
    if !down {
        return fail(&optimizer, format_args!("200 steps on a parabola go from {start} to {end}, expected a descent"));
    }
    let whole = bits(optimizer, usize::MAX);
    match [1, 7, 16].into_iter().find(|piece| bits(optimizer, *piece) != whole) {
        Some(piece) => fail(&optimizer, format_args!("it gives different values for pieces of length {piece}")),
        None => Ok(()),
    }
}

/// Number of weights. The last one starts at the minimum, with gradient 0.
const WEIGHTS: usize = 38;

/// The weights after `steps` steps with gradient 2 · weight, updated in pieces of length `piece`.
fn run(optimizer: &dyn Optimizer, steps: u64, piece: usize) -> Vec<f32> {
    let mut values: Vec<f32> = (0..WEIGHTS).map(|i| (i as f32 - 37.0) / 9.0).collect();
    let mut state: Vec<Vec<f32>> = optimizer.initial_state().iter().map(|first| vec![*first; WEIGHTS]).collect();
    let rate = optimizer.options().map_or(LearningRate::Constant(f32::NAN), |options| options.learning_rate);
    for step in 1..=steps {
        let gradient: Vec<f32> = values.iter().map(|value| 2.0 * value).collect();
        for start in (0..WEIGHTS).step_by(piece.min(WEIGHTS)) {
            let end = WEIGHTS.min(start + piece.min(WEIGHTS));
            let slice = ParamSlice::new(
                &mut values[start..end],
                &gradient[start..end],
                state.iter_mut().map(|array| &mut array[start..end]),
            );
            optimizer.update(Step::new(step, rate.rate(step - 1)), slice);
        }
    }
    values
}

/// The bits of the weights after five steps.
fn bits(optimizer: &dyn Optimizer, piece: usize) -> Vec<u32> {
    run(optimizer, 5, piece).into_iter().map(f32::to_bits).collect()
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::optimizers::{OptimizerOptions, Sgd};
    use crate::settings::Settings;

    /// An optimizer that violates one rule.
    #[derive(Debug)]
    struct Broken {
        /// Whether it uses adjacent elements; otherwise it divides by the gradient.
        pieces: bool,
    }

    fn broken(pieces: bool) -> Broken {
        Broken { pieces }
    }

    impl Optimizer for Broken {
        fn update(&self, step: Step, slice: ParamSlice<'_>) {
            let (rate, scale) = (step.learning_rate, step.learning_rate / slice.values.len() as f32);
            for (w, g) in slice.values.iter_mut().zip(slice.gradient) {
                *w -= if self.pieces { scale * g } else { rate * g * g / g };
            }
        }
        fn options(&self) -> Result<OptimizerOptions> {
            Ok(OptimizerOptions::new(0.01))
        }
        fn spec(&self) -> Spec {
            Spec::new(if self.pieces { "Pieces" } else { "Zero" })
        }
    }

    impl FromSpec for Broken {
        const CLASS: &'static str = "Pieces";
        fn from_spec(_: &mut Settings<'_>) -> Result<Broken> {
            Ok(broken(true))
        }
    }

    #[test]
    fn each_violation_is_detected() {
        let message = |result: Result<()>| result.unwrap_err().to_string();
        let pieces = message(check_optimizer(broken(true)));
        assert!(pieces.ends_with("it gives different values for pieces of length 1"), "{pieces}");
        let nan = message(check_made(&broken(false), |spec| match spec.settings() {
            [] => Ok(Box::new(broken(false))),
            _ => Err(crate::Error::other("more")),
        }));
        assert!(nan.contains(" to NaN, "), "{nan}");
        let uphill = message(check_optimizer(Sgd::new(2.0)));
        assert!(uphill.contains("200 steps on a parabola go from"), "{uphill}");
        assert!(
            message(check_optimizer(Sgd::new(-1.0))).starts_with("Sgd: learning_rate must be finite and ≥ 0, got -1")
        );
    }
}
