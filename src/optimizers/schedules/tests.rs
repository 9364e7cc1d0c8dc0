//! Properties that every schedule must have.

use super::{ExponentialDecay, PiecewiseConstantDecay, Schedule, samples};
use crate::registry::BUILT_IN;
use crate::settings::check_options::check_options;
use crate::spec::Spec;

#[test]
fn rates_are_finite_after_any_number_of_steps() {
    for (file, samples) in samples() {
        assert!(!samples.is_empty(), "{file} has no samples");
        for schedule in samples {
            schedule.check().unwrap();
            for steps in (0..200).chain([1 << 20, 1 << 53, u64::MAX]) {
                let rate = schedule.rate(steps);
                assert!(rate.is_finite() && rate >= 0.0, "{schedule:?} after {steps} steps: {rate}");
            }
        }
    }
}

#[test]
fn specs_round_trip() {
    for schedule in samples().into_iter().flat_map(|(_, samples)| samples) {
        let spec = schedule.spec();
        assert_eq!(format!("{:?}", BUILT_IN.make::<dyn Schedule>(&spec).unwrap()), format!("{schedule:?}"));
    }
}

#[test]
fn settings_out_of_range_are_errors() {
    let message = |schedule: &dyn Schedule| schedule.check().unwrap_err().to_string();
    assert_eq!(message(&ExponentialDecay::new(0.1, 0, 0.5)), "ExponentialDecay: decay_steps must be at least 1, got 0");
    let negative = ExponentialDecay::new(-0.1, 5, 0.5);
    assert_eq!(message(&negative), "ExponentialDecay: initial_learning_rate must be finite and ≥ 0, got -0.1");
    let short = PiecewiseConstantDecay::new(&[10, 20], &[0.1, 0.2]);
    assert_eq!(message(&short), "PiecewiseConstantDecay: values must be one more in number than the boundaries, got 2");
    let back = PiecewiseConstantDecay::new(&[20, 20], &[0.1, 0.2, 0.3]);
    assert_eq!(message(&back), "PiecewiseConstantDecay: boundaries must be in ascending order, got 20");
}

#[test]
fn options_are_kept_missing_ones_have_their_default_and_unknown_ones_are_errors() {
    let specs: Vec<Spec> = samples().iter().flat_map(|(_, samples)| samples).map(|schedule| schedule.spec()).collect();
    check_options::<dyn Schedule>(&specs, |schedule| schedule.spec());
}
