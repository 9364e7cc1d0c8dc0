//! Tests of a sweep over optimizers.

use downstream::{network, sweep, table};
use gradus::optimizers::{Optimizer, Sgd};
use std::process::Command;
use std::sync::Arc;

fn trials(optimizers: &[Arc<dyn Optimizer>]) -> Vec<sweep::Trial> {
    let [train, validation] = [(300, 1), (100, 2)].map(|(count, seed)| table::rows(count, seed).unwrap());
    sweep::run(&network::residual(1), optimizers, &train, &validation).unwrap()
}

#[test]
fn every_optimizer_trains_and_the_best_has_the_lowest_loss() {
    let trials = trials(&sweep::optimizers());
    assert_eq!(trials.len(), 3);
    let best = sweep::best(&trials).unwrap();
    for trial in &trials {
        assert_eq!(trial.losses.len(), sweep::EPOCHS);
        assert!(trial.losses[sweep::EPOCHS - 1] < trial.losses[0], "{trial:?}");
        assert!(best.loss() <= trial.loss());
    }
    // Equal optimizers give equal losses; different ones do not.
    assert!(trials[0].losses != trials[1].losses && trials[1].losses != trials[2].losses);
}

#[test]
fn a_trial_does_not_depend_on_the_others() {
    let alone = trials(&sweep::optimizers()[2..]);
    assert_eq!(alone[0].losses, trials(&sweep::optimizers())[2].losses);
}

#[test]
fn a_trial_that_diverges_is_never_the_best() {
    let trials = trials(&[Arc::new(Sgd::new(1e30)), Arc::new(Sgd::new(0.01))]);
    assert_eq!((trials[0].loss(), sweep::best(&trials[..1]).is_none()), (None, true), "{trials:?}");
    assert_eq!(sweep::best(&trials).unwrap().optimizer, trials[1].optimizer);
    assert!(sweep::table(&trials).contains("diverged"));
}

#[test]
fn the_program_prints_a_row_for_each_optimizer_and_the_best() {
    let output = Command::new(env!("CARGO_BIN_EXE_sweep")).output().unwrap();
    let text = String::from_utf8(output.stdout).unwrap();
    let rows: Vec<&str> = text.lines().collect();
    assert!(output.status.success() && rows.len() == 5, "{text}");
    for (row, class) in rows[1..4].iter().zip(["SGD(", "RMSprop(", "Adam("]) {
        let losses = row.split("  ").filter(|cell| cell.trim().parse::<f64>().is_ok()).count();
        assert!(row.starts_with(class) && losses == sweep::EPOCHS, "{row}");
    }
    assert!(rows[4].starts_with("best: "), "{text}");
}
