//! Properties that every optimizer must have.

use super::{Optimizer, ParamSlice, Step, samples};
use crate::registry::BUILT_IN;
use crate::settings::check_options::check_options;
use crate::spec::Spec;
use crate::testing::check_made;

fn for_each_sample(check: impl Fn(&dyn Optimizer)) {
    for (file, samples) in samples() {
        assert!(!samples.is_empty(), "{file} has no samples");
        samples.iter().for_each(|optimizer| check(optimizer.as_ref()));
    }
}

/// The step with this number at the learning rate of the optimizer.
fn own_step(optimizer: &dyn Optimizer, number: u64) -> Step {
    Step::new(number, optimizer.options().unwrap().learning_rate.rate(number - 1))
}

/// The values after `steps` steps with a gradient of 2·value.
fn values_after(optimizer: &dyn Optimizer, steps: u64) -> Vec<f32> {
    let mut values: Vec<f32> = (0..37).map(|i| (i as f32 - 18.25) / 9.0).collect();
    let mut state: Vec<Vec<f32>> = optimizer.initial_state().iter().map(|first| vec![*first; values.len()]).collect();
    for step in 1..=steps {
        let gradient: Vec<f32> = values.iter().map(|value| 2.0 * value).collect();
        optimizer.update(
            own_step(optimizer, step),
            ParamSlice::new(&mut values, &gradient, state.iter_mut().map(Vec::as_mut_slice)),
        );
    }
    values
}

#[test]
fn every_optimizer_minimizes_a_parabola() {
    for_each_sample(|optimizer| {
        let values = values_after(optimizer, 200);
        assert!(values.iter().all(|value| value.abs() < 0.2), "{optimizer:?} ends at {values:?}");
    });
}

#[test]
fn every_optimizer_passes_the_public_checks() {
    for_each_sample(|optimizer| {
        let make = |spec: &Spec| BUILT_IN.make::<dyn Optimizer>(spec);
        check_made(optimizer, make).unwrap();
        assert_eq!(format!("{:?}", make(&optimizer.spec()).unwrap()), format!("{optimizer:?}"));
    });
}

#[test]
fn decaying_state_never_becomes_denormal_and_0_stays_0() {
    for_each_sample(|optimizer| {
        let mut state: Vec<[f32; 4]> = vec![[0.0, 1e-20, -1e-20, 1e-25]; optimizer.initial_state().len()];
        for step in 1..=3000 {
            let (mut values, arrays) = ([0.0; 4], state.iter_mut().map(|array| array.as_mut_slice()));
            let slice = ParamSlice::new(&mut values, &[0.0, 0.0, 0.0, 1e-22], arrays);
            optimizer.update(Step::new(step, 1e-3), slice);
        }
        let normal = state.iter().flatten().all(|value| !value.is_subnormal());
        assert!(normal && state.iter().all(|array| array[0] == 0.0), "{optimizer:?} keeps {state:?}");
    });
}

#[test]
fn without_an_epsilon_steps_equal_those_of_a_division() {
    let optimizers: [&dyn Optimizer; 2] =
        [&super::RmsProp::new(0.1).rho(0.5).epsilon(0.0), &super::Adam::new(0.1).epsilon(0.0)];
    for optimizer in optimizers {
        let (mut values, mut state) = ([1.0; 6], vec![[0.0; 6]; optimizer.initial_state().len()]);
        let gradient = [0.0, 1e-30, 1.0, 1e30, f32::INFINITY, f32::NAN];
        optimizer.update(
            Step::new(1, 0.1),
            ParamSlice::new(&mut values, &gradient, state.iter_mut().map(|array| array.as_mut_slice())),
        );
        let [zero, tiny, one, huge, infinite, nan] = values;
        assert!(zero.is_nan() && tiny == f32::NEG_INFINITY && infinite.is_nan() && nan.is_nan(), "{values:?}");
        assert!(one < 1.0 && one > 0.8 && huge == 1.0, "{values:?}");
    }
}

/// Sequences of finite gradients: constant ones, where differences of means round to 0 or below, and ones that jump.
fn gradients(step: u64) -> Vec<f32> {
    let mut gradients = Vec::new();
    for magnitude in [1e-30, 1e-12, 1e-7, 1e-3, 0.1, 1.0, 35.97, 1e3, 1e6, 1e12, 1e15] {
        for factor in [1.0, -1.0, 0.3333, 1.1, std::f32::consts::PI] {
            let g: f32 = magnitude * factor;
            gradients.extend([g, if step.is_multiple_of(2) { g } else { -g }, if step > 100 { 0.0 } else { g }]);
            gradients.extend([if step.is_multiple_of(10) { g } else { 0.0 }, g * (1.0 + 1e-6 * (step % 7) as f32)]);
        }
    }
    let mut draws = crate::Key::from_seed(step).draws(0);
    gradients.extend((0..50).map(|_| (draws.uniform() - 0.5) as f32 * 60.0));
    gradients
}

#[test]
fn finite_gradients_leave_weights_and_state_finite() {
    let defaults: [Box<dyn Optimizer>; 5] = [
        Box::new(super::RmsProp::new(1e-6).centered(true)),
        Box::new(super::RmsProp::new(1e-6).centered(true).momentum(0.9)),
        Box::new(super::RmsProp::new(1e-6).centered(true).rho(0.999)),
        Box::new(super::Adam::new(1e-3).amsgrad(true)),
        Box::new(super::Nadam::default()),
    ];
    let samples = samples().into_iter().flat_map(|(_, samples)| samples);
    for optimizer in defaults.into_iter().chain(samples) {
        let count = gradients(0).len();
        let mut state: Vec<Vec<f32>> = optimizer.initial_state().iter().map(|first| vec![*first; count]).collect();
        let mut values = vec![0.5; count];
        for step in 1..=400 {
            let gradient = gradients(step);
            let slice = ParamSlice::new(&mut values, &gradient, state.iter_mut().map(Vec::as_mut_slice));
            optimizer.update(own_step(optimizer.as_ref(), step), slice);
            for (at, value) in values.iter().enumerate().chain(state.iter().flat_map(|array| array.iter().enumerate()))
            {
                assert!(value.is_finite(), "{optimizer:?}, step {step}, gradient {:e}", gradients(step)[at]);
            }
        }
    }
}

#[test]
fn a_gradient_that_is_not_a_number_is_not_hidden() {
    for_each_sample(|optimizer| {
        let mut state: Vec<[f32; 1]> = optimizer.initial_state().iter().map(|first| [*first]).collect();
        let mut value = [0.5];
        for step in 1..=2 {
            optimizer.update(
                Step::new(step, 0.1),
                ParamSlice::new(&mut value, &[f32::NAN], state.iter_mut().map(|array| array.as_mut_slice())),
            );
        }
        assert!(value[0].is_nan(), "{optimizer:?}");
    });
}

#[test]
fn settings_are_checked() {
    let message = super::Sgd::new(f32::NAN).check().unwrap_err().to_string();
    assert_eq!(message, "Sgd: learning_rate must be finite and ≥ 0, got NaN");
    let message = super::Sgd::new(0.1).momentum(1.0).check().unwrap_err().to_string();
    assert_eq!(message, "Sgd: momentum must be ≥ 0 and < 1, got 1");
}

#[test]
fn options_are_kept_missing_ones_have_their_default_and_unknown_ones_are_errors() {
    let own = samples().into_iter().flat_map(|(_, samples)| samples).map(|optimizer| optimizer.spec());
    let shared = ["clipvalue", "clipnorm", "global_clipnorm", "weight_decay"];
    let specs: Vec<Spec> = own
        .flat_map(|spec| {
            let missing = shared.into_iter().filter(|name| spec.settings().iter().all(|(own, _)| own != name));
            let changed: Vec<Spec> = missing.map(|name| spec.clone().with(name, 0.5)).collect();
            let averaged =
                spec.clone().with("use_ema", true).with("ema_momentum", 0.5).with("ema_overwrite_frequency", 3);
            changed.into_iter().chain([averaged, spec])
        })
        .collect();
    check_options::<dyn Optimizer>(&specs, |optimizer| optimizer.spec());
}
