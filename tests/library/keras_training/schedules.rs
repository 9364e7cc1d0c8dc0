//! Learning rates, step by step.

use crate::golden::load;
use gradus::optimizers::schedules::*;

fn schedule(case: &str) -> Box<dyn Schedule> {
    match case {
        "exponential" => Box::new(ExponentialDecay::new(0.1, 10, 0.5)),
        "exponential_staircase" => Box::new(ExponentialDecay::new(0.1, 10, 0.5).staircase(true)),
        "inverse_time" => Box::new(InverseTimeDecay::new(0.1, 10, 0.5)),
        "inverse_time_staircase" => Box::new(InverseTimeDecay::new(0.1, 10, 0.5).staircase(true)),
        "polynomial" => Box::new(PolynomialDecay::new(0.1, 30)),
        "polynomial_power" => Box::new(PolynomialDecay::new(0.1, 30).end_learning_rate(0.01).power(0.5)),
        "polynomial_cycle" => Box::new(PolynomialDecay::new(0.1, 20).end_learning_rate(0.01).power(2.0).cycle(true)),
        "cosine" => Box::new(CosineDecay::new(0.1, 30)),
        "cosine_warmup" => Box::new(CosineDecay::new(0.01, 30).alpha(0.1).warmup(0.2, 15)),
        "piecewise" => Box::new(PiecewiseConstantDecay::new(&[10, 20, 30], &[0.1, 0.05, 0.01, 0.2])),
        "one_cycle" => Box::new(OneCycle::new(0.01, 235)),
        "one_cycle_options" => {
            Box::new(OneCycle::new(0.1, 50).start_share(0.25).div_factor(10.0).final_div_factor(100.0))
        }
        other => panic!("a schedule that is not compared: {other}"),
    }
}

#[test]
fn rates_are_those_of_keras_and_of_pytorch() {
    let cases = load("schedules.txt");
    for case in cases.cases() {
        let schedule = schedule(case);
        let (steps, rates) = (cases.integers(&format!("{case}/steps")), cases.array(&format!("{case}/rates")));
        for (steps, expected) in steps.into_iter().zip(rates) {
            let found = schedule.rate(steps as u64);
            // Relative to each rate, so that the small ones at the end count equally.
            let near = (found - expected).abs() <= 1e-6 * expected.abs() + 1e-12;
            assert!(near, "{case} after {steps} steps: {found}, not {expected}");
        }
    }
}
